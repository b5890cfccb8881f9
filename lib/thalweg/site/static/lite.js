// What JupyterLite's kernel loads as pyodide.js: the same pinned Pyodide as in the book's pages, each file held against its sha256, with
// the packages of the site's own lock file. Runs in the kernel's worker, from the folder lite/pyodide.
"use strict";
self.loadPyodide = async ({ indexURL: own, packages: _, ...options }) => {
  const { address, files } = await (await fetch(`${own}runtime.json`)).json();
  const indexURL = new URL(address, own).href;
  const lockFileURL = `${own}pyodide-lock.json`;
  const verified = {};  // address: the same bytes, here
  await Promise.all(Object.keys(files).filter((name) => !name.endsWith(".whl")).map(async (name) => {
    const response = await fetch(indexURL + name, { integrity: files[name].integrity });
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    verified[indexURL + name] = URL.createObjectURL(await response.blob());
  }));
  const fetchAnything = fetch;
  self.fetch = (url, ...rest) => fetchAnything(verified[url] ?? url, ...rest);  // what was verified is what Pyodide gets
  importScripts(verified[`${indexURL}pyodide.asm.js`], verified[`${indexURL}pyodide.js`]);  // and with them another loadPyodide
  const packages = Object.keys((await (await fetch(lockFileURL)).json()).packages);  // Pyodide itself verifies these
  return loadPyodide({ ...options, indexURL, lockFileURL, packages });
};
