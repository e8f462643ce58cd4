"use strict";
// The objective, term by term: a bar that grows and shrinks, the numbers, and its course so far.

function objectiveView(body, run) {
  const escape = drawing.escape;
  const scale = Math.max(...drawing.extremes(run.totals.filter(Number.isFinite)), 1e-300);
  body.innerHTML =
    `<div class="stack" role="img"></div><div class="terms"></div>` +
    `<div class="course-of-objective"></div>`;
  const [stack, terms, courseBody] = body.children;
  const course = drawing.course(courseBody, {
    lines: [{ colour: "var(--ink)" }],
    label: "The objective after each step",
    height: 120,
  });
  course.build([run.totals]);

  const draw = (i, edited) => {
    const frame = run.frames[i];
    const after = edited ? run.terms.map((name) => edited[name]) : frame.terms;
    const before = edited ? frame.terms : run.before(i);
    const total = sum(after);
    const width = (value) => Math.max(Math.min((100 * value) / scale, 100), 0);
    stack.innerHTML = after
      .map((value, n) => {
        const share = width(Math.max(value, 0));
        return `<span style="width:${share}%;background:${drawing.colour(n)}"></span>`;
      })
      .join("");
    stack.setAttribute("aria-label", `The objective is ${drawing.number(total)}`);
    const row = (name, was, is, swatch) => {
      const change = is - was;
      const size = Math.max(Math.abs(sum(before)), Math.abs(total));
      const same = !(Math.abs(change) > 1e-11 * size);
      const sign = same ? "·" : change < 0 ? "▼" : "▲";
      const word = same ? "stays" : change < 0 ? "falls" : "rises";
      const by = same ? "" : drawing.number(Math.abs(change), 4);
      return [
        `<th scope="row">${swatch}${escape(name)}</th>`,
        `<td class="figure">${drawing.number(was)}</td>`,
        `<td class="figure after">${drawing.number(is)}</td>`,
        `<td class="change ${word}"><span aria-label="${word}">${sign}</span> ${by}</td>`,
      ];
    };
    const rows = run.terms.map((name, n) => {
      const swatch = `<span class="swatch" style="background:${drawing.colour(n)}"></span>`;
      return row(name, before[n], after[n], swatch);
    });
    rows.push(row("sum", sum(before), total, ""));
    const head = edited ? ["term", "recorded", "by hand", ""] : ["term", "before", "after", ""];
    terms.innerHTML = drawing.table(head, rows, "The objective's terms");
    course.draw([run.totals], i);
  };
  return { draw };
}
