// Python, apart from the page: Pyodide with NumPy and the parts of thalweg that an exercise needs. An endless loop is stopped
// by ending this worker. Messages in: {runtime, setup, code}. Messages out: {progress}, {output}, {done}, {broken}.
"use strict";
importScripts("pinned.js");
const PIECE = 100;  // milliseconds between two messages of output
const MOST = 50_000;  // characters of output; a loop that prints must not drown the page

let shown = 0;
let waiting = "";
let last = 0;
function flush() {
  if (waiting) postMessage({ output: waiting });
  waiting = "";
  last = performance.now();
}
function print(line) {
  if (shown > MOST) return;
  shown += line.length + 1;
  waiting += shown > MOST ? "… (the rest of the output is not shown)\n" : `${line}\n`;
  if (shown > MOST || performance.now() - last > PIECE) flush();
}

async function start(runtime) {
  const { files } = await (await fetch("run.json")).json();
  const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
  let loaded = 0;
  const count = (bytes) => {
    loaded += bytes;
    postMessage({ progress: `Loading Python: ${(loaded / 1e6).toFixed(1)} of ${(total / 1e6).toFixed(1)} MB` });
  };
  await loadPinned(files, runtime, count);
  postMessage({ progress: "Starting Python" });
  const pyodide = await loadPyodide({ indexURL: runtime, stdout: print, stderr: print });
  await pyodide.loadPackage("numpy", { messageCallback: () => {} });
  const library = await (await fetch("run-thalweg.zip", { cache: "no-cache" })).arrayBuffer();
  pyodide.unpackArchive(library, "zip", { extractDir: "/lib/thalweg" });
  pyodide.runPython(await (await fetch("run.py")).text());
  return pyodide.globals.get("run");
}

let run = null;
onmessage = async ({ data: { runtime, setup, code } }) => {
  try {
    run ??= await start(runtime);
    postMessage({ progress: "Running" });
    shown = 0;
    const right = run(setup, "setup.py", true) && run(code, "answer.py");
    flush();
    postMessage({ done: true, right });
  } catch (error) {
    postMessage({ broken: error.message });
  }
};
