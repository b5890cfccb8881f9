// Exercises and examples that run in the page. The page carries the code as text; this script puts an editor in its place.
// Python (run-worker.js) is loaded on the first click, once for the page. `stored` and `passed` are in thalweg.js.
{
  const script = document.currentScript;
  const editors = [];
  const ran = new Map();  // what each editor last ran without an error
  const known = new Set();  // the editors whose code this Python has run
  let worker = null;
  let busy = null;  // the editor whose code is running

  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  function turn(editor) {  // one run at a time: the others wait
    busy = editor;
    for (const { box, runButton, stopButton } of editors) {
      runButton.setAttribute("aria-disabled", busy !== null);  // a button that is disabled would lose the focus
      if (stopButton === document.activeElement) runButton.focus();
      stopButton.hidden = !busy || box !== busy.box;
    }
  }

  function end(...message) {
    worker?.terminate();
    worker = null;
    known.clear();
    busy.progress.replaceChildren(...message);
    turn(null);
  }

  // Python has not come. Everything on the page stays as it is, the answer that is stored in it too.
  function without(reason) {
    const { runtime, size, page, assignment } = script.dataset;
    const notebook = busy.example ? page : assignment;
    end(
      `Python could not be loaded (${reason}). It comes from ${new URL(runtime, script.src).host}, ${size} MB, once: is there a network? ` +
        "Nothing that you typed is lost. Try again when you are online, or go on in Jupyter on your machine with ",
      make("a", { href: notebook, download: "", textContent: busy.example ? "this page's notebook" : "the assignment's notebook" }),
      ".",
    );
  }

  function renew(editor) {  // what stands below the code is from before: the first word of the new run takes its place
    if (editor.renewed) return;
    editor.renewed = true;
    editor.output.textContent = "";
    editor.box.querySelector(".cell_output")?.remove();  // what the code printed when the book was built
  }

  function listen({ data }) {
    const { progress, output } = busy;
    if (data.progress) progress.textContent = data.progress;
    if (data.output || data.done) renew(busy);
    if (data.output) output.textContent += data.output;
    if (data.done) {
      document.querySelector(".tw-run-size")?.remove();
      progress.textContent = data.right ? "" : "The code stopped at an error:";
      if (data.right) {
        ran.set(busy, busy.sent);
        for (const editor of [busy, ...busy.before]) known.add(editor);
        if (busy.check && /^✔ /m.test(output.textContent)) passed.keep([...passed.names(), busy.label]);
      }
      turn(null);
    }
    if (data.broken) without(data.broken);
  }

  function run(editor) {
    if (busy) return;
    turn(editor);
    editor.open();
    editor.sent = editor.text.value;
    editor.renewed = false;
    editor.progress.textContent = "Starting Python";
    const runtime = new URL(script.dataset.runtime, script.src).href;
    // What this Python has to have run before: the examples further up; for an exercise, what answers to the others were run.
    const needed = (other) => (editor.example ? editors.indexOf(other) < editors.indexOf(editor) : ran.has(other));
    editor.before = editors.filter((other) => other !== editor && other.example === editor.example && !known.has(other) && needed(other));
    const setup = [editor.setup, ...editor.before.map((other) => ran.get(other) ?? other.text.value)].join("\n\n");
    try {
      if (!worker) {
        worker = new Worker(new URL("run-worker.js", script.src));
        worker.onmessage = listen;
        worker.onerror = (event) => without(event.message ?? "its loader did not come");
      }
    } catch (error) {
      return without(error.message);
    }
    worker.postMessage({ runtime, setup, code: `${editor.sent}\n\n${editor.check}` });
  }

  // In the place of what is selected, as if typed: it can be undone.
  function insert(text, words) {
    text.focus();
    document.execCommand("insertText", false, words);
  }

  function type(event, editor) {
    const { text } = editor;
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (event.ctrlKey || event.shiftKey || event.metaKey) return run(editor);
    // The next line is indented like this one, and further after a colon. The Tab key keeps moving through the page.
    const line = text.value.slice(0, text.selectionStart).split("\n").at(-1);
    const indent = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
    insert(text, `\n${indent}`);
  }

  // The editor of `box`. It takes the place of `still`, the code as it stands on the page, when it is opened. `key`: the name under
  // which the browser keeps what is typed; nothing is kept without one. `example`: it uses what the examples above it define.
  function edit(box, still, { label, verb, setup, check, key, example = false }) {
    const stub = still.querySelector("pre").textContent.trimEnd();
    const text = make("textarea", { value: (key && stored.get(key)) ?? stub, spellcheck: false, autocapitalize: "off", wrap: "off" });
    const editor = {
      box, text, label, setup, check, example,
      runButton: make("button", { type: "button", textContent: verb, onclick: () => run(editor) }),
      stopButton: make("button", { type: "button", textContent: "Stop", hidden: true }),
      progress: make("span", { className: "tw-run-progress", role: "status" }),
      output: make("pre", { className: "tw-run-output", role: "log" }),
    };
    const startOver = make("button", { type: "button", textContent: "Start over", hidden: true });
    const fit = () => { text.rows = Math.max(3, text.value.split("\n").length); };
    startOver.onclick = () => {
      text.select();
      insert(text, stub);
      editor.output.textContent = "";
      editor.progress.textContent = "Ctrl+Z brings your code back.";
      if (key) stored.remove(key);
    };
    editor.stopButton.onclick = () => end("Stopped. The next run starts Python again.");
    editor.open = () => {
      still.replaceWith(text);
      startOver.hidden = false;
      box.classList.add("tw-run-live");
    };
    text.oninput = () => { if (key) stored.set(key, text.value); fit(); };
    text.onkeydown = (event) => type(event, editor);
    text.setAttribute("aria-label", `Python code: ${label}`);
    fit();
    still.after(
      make("div", { className: "tw-run-buttons" }, editor.runButton, editor.stopButton, startOver, editor.progress),
      editor.output,
    );
    editors.push(editor);
    return editor;
  }

  // An exercise is open from the first. An example keeps its colours until it is run.
  document.addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".tw-run")) {
      const { name, setup, check } = JSON.parse(box.querySelector(":scope > script").textContent);
      if (box.matches(".cell")) {
        edit(box, box.querySelector(".cell_input"), { label: "example", verb: "Run", setup, check: "", example: true });
      } else {
        const still = box.querySelector("div[class^=highlight-]");
        edit(box, still, { label: name, verb: "Check", setup, check, key: `thalweg:${name}` }).open();
      }
    }
    const first = editors[0].stopButton;
    first.after(make("span", { className: "tw-run-size", textContent: `Python comes over the network, once: ${script.dataset.size} MB.` }));
  });
}
