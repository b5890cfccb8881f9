// What JupyterLite's kernel loads as pyodide.js: the same pinned Pyodide as in the book's pages, with the packages of the site's own lock
// file. Runs in the kernel's worker, from the folder lite/pyodide.
"use strict";
self.loadPyodide = async ({ indexURL: own, packages: _, ...options }) => {
  importScripts(`${own}pinned.js`);
  const { address, files } = await (await fetch(`${own}runtime.json`)).json();
  const indexURL = new URL(address, own).href;
  const lockFileURL = `${own}pyodide-lock.json`;
  await loadPinned(files, indexURL);  // and with it another loadPyodide
  const packages = Object.keys((await (await fetch(lockFileURL)).json()).packages);  // Pyodide itself verifies these
  return loadPyodide({ ...options, indexURL, lockFileURL, packages });
};
