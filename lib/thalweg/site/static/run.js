// Exercises and examples that run in the page. The page carries the code as text; this script puts an editor in its place.
// Python (run-worker.js) is loaded on the first click, once for the page.
{
  const script = document.currentScript;
  const editors = [];
  const ran = new Map();  // what each editor last ran without an error, so that a Python that starts again knows it too
  let worker = null;
  let busy = null;  // the editor whose code is running

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const stored = {  // an answer outlives the page; a browser that keeps nothing is no reason to fail
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, text) => { try { localStorage.setItem(key, text); } catch { /* not kept */ } },
    remove: (key) => { try { localStorage.removeItem(key); } catch { /* was not kept */ } },
  };

  function turn(editor) {  // one run at a time: the others wait
    busy = editor;
    for (const { box, runButton, stopButton } of editors) {
      runButton.disabled = busy !== null;
      stopButton.hidden = !busy || box !== busy.box;
    }
  }

  function end(message) {
    worker.terminate();
    worker = null;
    busy.progress.textContent = message;
    turn(null);
  }

  function listen({ data }) {
    const { progress, output } = busy;
    if (data.progress) progress.textContent = data.progress;
    if (data.output) output.textContent += data.output;
    if (data.done) {
      progress.textContent = data.right ? "" : "The code stopped at an error:";
      if (data.right) ran.set(busy, busy.sent);
      turn(null);
    }
    if (data.broken) end(`Python could not be loaded: ${data.broken}`);
  }

  function run(editor) {
    if (busy) return;
    turn(editor);
    editor.sent = editor.text.value;
    editor.output.textContent = "";
    editor.progress.textContent = "Starting Python";
    const runtime = new URL(script.dataset.runtime, script.src).href;
    let setup = editor.setup;
    try {
      if (!worker) {
        worker = new Worker(new URL("run-worker.js", script.src));
        worker.onmessage = listen;
        worker.onerror = (event) => end(`Python could not be loaded: ${event.message ?? "the page has to come from a web server"}`);
        setup = [setup, ...ran.values()].join("\n\n");
      }
    } catch (error) {
      editor.progress.textContent = `Python could not be loaded: ${error.message}`;
      return turn(null);
    }
    worker.postMessage({ runtime, setup, code: `${editor.sent}\n\n${editor.check}` });
  }

  function type(event, editor) {
    const { text } = editor;
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.ctrlKey || event.shiftKey || event.metaKey) return run(editor);
    // The next line is indented like this one, and further after a colon. The Tab key keeps moving through the page.
    const line = text.value.slice(0, text.selectionStart).split("\n").at(-1);
    const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
    text.setRangeText(`\n${indent}`, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input"));
  }

  // `box` receives the editor in the place of `still`, the code as it stands on the page.
  function edit(box, still, { name, verb, setup, check }) {
    const stub = still.querySelector("pre").textContent.trimEnd();
    const key = `thalweg:${name}`;
    const text = make("textarea", { value: stored.get(key) ?? stub, spellcheck: false, autocapitalize: "off", wrap: "off" });
    const editor = {
      box, text, setup, check,
      runButton: make("button", { type: "button", textContent: verb, onclick: () => run(editor) }),
      stopButton: make("button", { type: "button", textContent: "Stop", hidden: true }),
      progress: make("span", { className: "tw-run-progress", role: "status" }),
      output: make("pre", { className: "tw-run-output", role: "log" }),
    };
    editor.stopButton.onclick = () => end("Stopped. The next run starts Python again.");
    const fit = () => { text.rows = Math.max(3, text.value.split("\n").length); };
    const reset = () => { text.value = stub; stored.remove(key); fit(); text.focus(); };
    text.oninput = () => { stored.set(key, text.value); fit(); };
    text.onkeydown = (event) => type(event, editor);
    text.setAttribute("aria-label", `Python code: ${name}`);
    editors.push(editor);
    fit();
    still.replaceWith(text);
    text.after(
      make("div", { className: "tw-run-buttons" }, editor.runButton, editor.stopButton,
        make("button", { type: "button", textContent: "Start over", onclick: reset }), editor.progress),
      editor.output,
    );
    box.classList.add("tw-run-live");
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".tw-run")) {
      edit(box, box.querySelector("div[class^=highlight-]"), { verb: "Check", ...JSON.parse(box.querySelector("script").textContent) });
    }
  });
}
