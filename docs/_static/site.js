// The table of claims shows those that match a pattern or belong to a result, as
// `zeroone verify --only` does. The address says which: claims.html?only=prox.*
"use strict";

(() => {
  const start = () => {
    const rows = [...document.querySelectorAll("table.claims tbody tr")];
    const place = document.querySelector(".claims-summary");
    if (!rows.length || !place) return;

    const form = document.createElement("form");
    form.className = "claims-filter";
    const label = document.createElement("label");
    label.textContent = "only ";
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "prox.*, lemma-1, bcd.u-block";
    label.append(input);
    const count = document.createElement("output");
    form.append(label, count);
    place.after(form);

    const show = (text) => {
      const parts = text.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
      const pattern = new RegExp(`^${parts.join(".*")}$`);
      const result = `result-${text.replaceAll(".", "-")}`;
      let shown = 0;
      for (const row of rows) {
        row.hidden = !(
          text === "" ||
          pattern.test(row.id) ||
          row.classList.contains(result) ||
          (!text.includes("*") && row.id.startsWith(text))
        );
        shown += !row.hidden;
      }
      for (const table of document.querySelectorAll("table.claims")) {
        const empty = ![...table.tBodies[0].rows].some((row) => !row.hidden);
        const whole = table.closest(".table-wrapper") ?? table;
        whole.hidden = empty;
        const heading = whole.previousElementSibling;
        if (heading?.classList.contains("rubric")) heading.hidden = empty;
      }
      count.textContent = text === "" ? "" : `${shown} of ${rows.length} claims`;
    };

    input.value = new URLSearchParams(window.location.search).get("only") ?? "";
    show(input.value);
    if (input.value) document.getElementById(window.location.hash.slice(1))?.scrollIntoView();
    input.addEventListener("input", () => show(input.value.trim()));
    form.addEventListener("submit", (event) => event.preventDefault());
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
