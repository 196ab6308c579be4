// What is wider than the page after all is made smaller, until it fits; a table that would become too small to read is
// turned. Runs once the formulas are typeset, on a screen as wide as the text.
(() => {
  const SMALLEST = 0.72;
  const over = (part) => part.scrollWidth / part.parentElement.clientWidth;
  const shrink = (part, ratio) => {
    const size = parseFloat(getComputedStyle(part).fontSize);
    part.style.fontSize = `${size / ratio}px`;
  };
  const fit = (part) => {
    // A table does not shrink in proportion: its words break elsewhere. Five steps are more than any has needed.
    for (let step = 0; step < 5 && over(part) > 1.002; step++) shrink(part, Math.min(over(part) * 1.01, 1.5));
  };
  const turn = (table) => {
    const sheet = document.createElement("div");
    sheet.className = "landscape";
    table.replaceWith(sheet);
    sheet.append(table);
  };
  const start = () => {
    for (const table of document.querySelectorAll("table")) {
      if (over(table) > 1 / SMALLEST) turn(table);
      fit(table);
    }
    for (const formula of document.querySelectorAll('mjx-container[display="true"]')) fit(formula);
    document.documentElement.dataset.fitted = "yes";
  };
  addEventListener("load", async () => {
    await document.fonts.ready;
    await window.MathJax?.startup?.promise;
    start();
  });
})();
