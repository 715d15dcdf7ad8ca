// What scrolls by itself on a phone can be reached with the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  for (const wide of document.querySelectorAll("article table, .cell_output .output"))
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
});
