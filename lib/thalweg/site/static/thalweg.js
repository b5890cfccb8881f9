// Interactive figures: each page carries the chart as data and a still picture. When a figure comes into sight, Vega is
// loaded (once, from this site) and the chart takes the picture's place. Without scripts the picture stays.
const here = new URL(".", document.currentScript.src);

function load(file) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL(file, here);
    script.onload = done;
    script.onerror = () => failed(new Error(`could not load ${file}`));
    document.head.append(script);
  });
}

let vega;  // loaded at most once, in this order
function needVega() {
  vega ??= load("vega/vega.min.js").then(() => load("vega/vega-lite.min.js")).then(() => load("vega/vega-embed.min.js"));
  return vega;
}

// On a narrow screen the picture shrinks, and its words with it. The chart keeps its words at their size and its proportions.
async function fit(stage, view, shown) {
  const drawn = stage.querySelector("svg").viewBox.baseVal;
  if (shown.width >= drawn.width) return;
  const width = view.width() - drawn.width + shown.width;
  await view.height(view.height() * width / view.width()).width(width).runAsync();
}

// A chart with a slider called "step" can play: it starts by itself when half of it is seen, unless the reader prefers stillness.
function addPlayButton(stage, view) {
  const slider = stage.querySelector('input[name="step"]');
  if (!slider) return;
  const button = document.createElement("button");
  button.type = "button";
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "▶ Play"; };
  const tick = () => {
    const next = Number(slider.value) + Number(slider.step || 1);
    if (next > Number(slider.max)) return stop();
    view.signal("step", next).runAsync();
  };
  const play = () => {
    if (Number(slider.value) >= Number(slider.max)) view.signal("step", Number(slider.min)).runAsync();
    timer = setInterval(tick, Math.max(40, 6000 / (Number(slider.max) / Number(slider.step || 1))));
    button.textContent = "❚❚ Pause";
  };
  button.onclick = () => (timer ? stop() : play());
  slider.addEventListener("pointerdown", stop);
  slider.addEventListener("keydown", (event) => { if (!["Tab", "Shift"].includes(event.key)) stop(); });  // these only pass by
  stop();
  stage.querySelector(".vega-bindings").append(button);
  window.addEventListener("beforeprint", () => { stop(); view.signal("step", Number(slider.max)).run(); });
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seen.disconnect();
    if (Number(slider.value) === Number(slider.max)) play();  // unless the reader was quicker
  }, { threshold: 0.5 });
  seen.observe(stage);
}

async function bringToLife(figure) {
  const spec = JSON.parse(figure.querySelector(".tw-spec").textContent);
  const stage = figure.querySelector(".tw-stage");
  await needVega();
  const shown = stage.querySelector("svg").getBoundingClientRect();
  stage.style.minHeight = `${shown.height}px`;  // nothing jumps while the chart replaces the picture
  const { view } = await vegaEmbed(stage, spec, { actions: false, renderer: "svg" });
  await fit(stage, view, shown);
  addPlayButton(stage, view);
  figure.classList.add("tw-live");
}

document.addEventListener("DOMContentLoaded", () => {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) {
      seen.unobserve(entry.target);
      bringToLife(entry.target).catch((error) => console.error(error));
    }
  });
  for (const figure of document.querySelectorAll(".tw-interactive")) seen.observe(figure);
});

// What is kept in this browser, and only there. One that keeps nothing is no reason to fail.
const stored = {
  get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
  set: (key, text) => { try { localStorage.setItem(key, text); } catch { /* not kept */ } },
  remove: (key) => { try { localStorage.removeItem(key); } catch { /* was not kept */ } },
};

// The names of the exercises that have passed.
const passed = {
  names: () => { try { return [JSON.parse(stored.get("thalweg-passed")) ?? []].flat(); } catch { return []; /* spoilt: start anew */ } },
  keep: (names) => stored.set("thalweg-passed", JSON.stringify([...new Set(names)])),
};

// The list of exercises remembers them.
function keepTicks(boxes) {
  const line = document.querySelector(".tw-progress");
  const names = passed.names();
  const count = () => { line.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length} passed`; };
  for (const box of boxes) {
    box.checked = names.includes(box.value);
    box.hidden = false;
    box.addEventListener("change", () => {
      passed.keep(boxes.filter((b) => b.checked).map((b) => b.value));
      count();
    });
  }
  line.hidden = false;
  count();
}

document.addEventListener("DOMContentLoaded", () => {
  const boxes = [...document.querySelectorAll(".tw-passed")];
  if (boxes.length) keepTicks(boxes);
});

// The map on the front page says how many of a chapter's exercises have passed.
document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".tw-done")) {
    const names = place.dataset.exercises.split(" ");
    const done = names.filter((name) => passed.names().includes(name)).length;
    if (!done) continue;
    place.textContent = `✓ ${done} of ${names.length} exercises passed`;
    place.classList.add("tw-begun");
  }
});

// Where the reader is in the book: which of the pages in the list at the side this is, between the links to its neighbours.
document.addEventListener("DOMContentLoaded", () => {
  const pages = [...document.querySelectorAll(".bd-links li")];
  const number = pages.findLastIndex((page) => page.classList.contains("current")) + 1;  // a page within a part: both are marked
  const neighbours = document.querySelector(".prev-next-area");
  if (!number || !neighbours) return;
  const place = document.createElement("label");
  place.className = "tw-place";
  place.innerHTML = `Page ${number} of ${pages.length} <progress value="${number}" max="${pages.length}"></progress>`;
  neighbours.insertBefore(place, neighbours.querySelector(".right-next"));
});
