// What scrolls by itself on a phone can be reached with the keyboard, and a click on a figure shows it alone, to zoom.
document.addEventListener("DOMContentLoaded", () => {
  for (const wide of document.querySelectorAll("article table, .cell_output .output"))
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
  for (const figure of document.querySelectorAll("article img")) {
    if (figure.closest("a")) continue;
    const link = document.createElement("a");
    link.href = figure.src;
    figure.replaceWith(link);
    link.append(figure);
  }
});
