// What JupyterLite's kernel loads as pyodide.js: the same pinned Pyodide as in the book's pages, with the packages of the site's own lock
// file. Runs in the kernel's worker, from the folder lite/pyodide; what goes wrong is said in the page (lite-page.js).
"use strict";
self.loadPyodide = async ({ indexURL: own, packages: _, ...options }) => {
  importScripts(`${own}pinned.js`);
  let indexURL = own;
  try {
    const { address, files } = await (await fetch(`${own}runtime.json`)).json();
    indexURL = new URL(address, own).href;
    const lockFileURL = `${own}pyodide-lock.json`;
    await loadPinned(files, indexURL);  // and with it another loadPyodide
    const packages = Object.keys((await (await fetch(lockFileURL)).json()).packages);  // Pyodide itself verifies these
    return await loadPyodide({ ...options, indexURL, lockFileURL, packages });
  } catch (error) {
    postMessage({ thalweg: { reason: error.message, host: new URL(indexURL).host } });
    throw error;
  }
};
