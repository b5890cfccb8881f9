// The book theme takes the focus off its buttons when they are pressed. Whoever pressed a key keeps it, and goes on from there.
for (const button of document.querySelectorAll(".theme-switch-button, .search-button, .primary-toggle, .secondary-toggle"))
  button.addEventListener("click", (event) => { if (event.detail === 0) button.focus(); });
