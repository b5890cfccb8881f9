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
const article = document.querySelector("article");
if (article) {  // it grows when formulas come
  new ResizeObserver(() => {
    for (const formula of article.querySelectorAll("mjx-container[display]")) formulaBoxes.observe(formula);
  }).observe(article);
}

// A link to a place in a page leads there again whenever formulas and editors have moved it, until the reader moves or all has come.
if (article) {
  const stay = new ResizeObserver(() => document.querySelector(":target")?.scrollIntoView({ behavior: "instant" }));
  stay.observe(article);
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) window.addEventListener(kind, () => stay.disconnect(), { passive: true });
  window.addEventListener("load", () => setTimeout(() => stay.disconnect(), 20_000));
}

// On a phone the contents lie over the page: they make room for the place that was chosen.
const contents = document.getElementById("pst-secondary-sidebar-modal");
contents?.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) contents.close(); });
