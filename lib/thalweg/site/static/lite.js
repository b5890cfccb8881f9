// What JupyterLite's kernel loads as pyodide.js: the same pinned Pyodide as in the book's pages, each file held against its sha256, with
// the packages of the site's own lock file. Runs in the kernel's worker, from the folder lite/pyodide.
"use strict";
self.loadPyodide = async ({ indexURL: own, packages: _, ...options }) => {
  const { address, files } = await (await fetch(`${own}runtime.json`)).json();
  const indexURL = new URL(address, own).href;
  const lockFileURL = `${own}pyodide-lock.json`;
  const verified = async (name) => {
    const response = await fetch(indexURL + name, { integrity: files[name].integrity });
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return URL.createObjectURL(new Blob([await response.blob()], { type: "text/javascript" }));
  };
  const names = Object.keys(files).filter((name) => !name.endsWith(".whl"));  // Pyodide itself verifies wheels
  const urls = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await verified(name)])));
  importScripts(urls["pyodide.asm.js"], urls["pyodide.js"]);  // and with them another loadPyodide
  // What has just been loaded comes from the browser's cache now.
  const packages = Object.keys((await (await fetch(lockFileURL)).json()).packages);
  return loadPyodide({ ...options, indexURL, lockFileURL, packages });
};
