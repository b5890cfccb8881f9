// Pyodide's files, each held against its pinned sha256. What was verified is what Pyodide gets, and it is fetched once. For the workers
// of the book's pages (run-worker.js) and of JupyterLite (lite.js).
"use strict";

// `files`: from run.json, to be found at the address `from`. `count` hears of every piece that has come, in bytes. When this is done,
// loadPyodide is there.
async function loadPinned(files, from, count = () => {}) {
  const held = {};  // address: the same bytes, here
  await Promise.all(Object.entries(files).map(async ([name, { integrity }]) => {
    const url = new URL(name, from).href;
    const response = await fetch(url, { integrity });  // the browser refuses a file that differs
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const parts = [];
    for (let reader = response.body.getReader(), next; !(next = await reader.read()).done;) {
      parts.push(next.value);
      count(next.value.length);
    }
    held[url] = URL.createObjectURL(new Blob(parts, { type: name.endsWith(".wasm") ? "application/wasm" : "text/javascript" }));
  }));
  const fetchAnything = fetch;
  self.fetch = (url, ...rest) => fetchAnything(held[url] ?? url, ...rest);
  for (const name of ["pyodide.asm.js", "pyodide.js"]) importScripts(held[new URL(name, from).href]);
}
