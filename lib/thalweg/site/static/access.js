// The book theme takes the focus off its buttons when they are pressed. Whoever pressed a key keeps it, and goes on from there.
for (const button of document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle"))
  button.addEventListener("click", (event) => { if (event.detail === 0) button.focus(); });

// A formula wider than the page scrolls in its own box, which is a stop of the Tab key for as long as there is something to scroll.
const formulaBoxes = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
window.addEventListener("load", () => window.MathJax?.startup?.promise.then(() => {
  for (const formula of document.querySelectorAll("mjx-container[display]")) formulaBoxes.observe(formula);
}));

// A link to a place in a page leads there again when formulas and editors have moved what stands below them, unless the reader has moved.
let moved = false;
for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) window.addEventListener(kind, () => { moved = true; }, { once: true, passive: true });
function toThePlace() {
  const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (place && !moved) place.scrollIntoView({ behavior: "instant" });
}
window.addEventListener("load", () => {
  toThePlace();
  window.MathJax?.startup?.promise.then(() => requestAnimationFrame(toThePlace));
});

// On a phone the contents lie over the page: they make room for the place that was chosen.
const contents = document.getElementById("pst-secondary-sidebar-modal");
contents?.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) contents.close(); });
