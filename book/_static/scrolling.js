// What scrolls sideways can be reached with the keyboard, and nothing else can: a formula that fits is no tab stop.
(() => {
  const wide = ".wide-table, .pst-scrollable-table-container, .cell_output .output, pre, mjx-container[display], div.math";
  const update = () => {
    for (const part of document.querySelectorAll(wide)) {
      const scrolls = getComputedStyle(part).overflowX !== "visible" && part.scrollWidth > part.clientWidth;
      if (scrolls) part.setAttribute("tabindex", "0");
      else part.removeAttribute("tabindex");
    }
  };
  const start = () => {
    update();
    addEventListener("resize", update);
    addEventListener("toggle", update, true);
    window.MathJax?.startup?.promise?.then(update);
  };
  if (document.readyState === "complete") start();
  else addEventListener("load", start);
})();
