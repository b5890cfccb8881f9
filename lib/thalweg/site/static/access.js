// The book theme takes the focus off its buttons when they are pressed. Whoever pressed a key keeps it, and goes on from there.
for (const button of document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle"))
  button.addEventListener("click", (event) => { if (event.detail === 0) button.focus(); });

// A formula wider than the page scrolls in its own box, which is a stop of the Tab key for as long as there is something to scroll.
const formulas = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const name = `Formula ${drawn.indexOf(target) + 1}`;
    for (const [attribute, value] of [["tabindex", 0], ["role", "region"], ["aria-label", name]]) {
      if (target.scrollWidth > target.clientWidth) target.setAttribute(attribute, value);
      else target.removeAttribute(attribute);
    }
  }
});
const drawn = [...document.querySelectorAll(".katex-display")];
for (const formula of drawn) formulas.observe(formula);

// On a phone the contents lie over the page: they make room for the place that was chosen.
const contents = document.getElementById("pst-secondary-sidebar-modal");
contents?.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) contents.close(); });
