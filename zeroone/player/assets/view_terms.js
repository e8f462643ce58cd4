"use strict";
// The objective, term by term: a bar that grows and shrinks, the numbers, and its course so far.

function objectiveView(body, run) {
  const escape = drawing.escape;
  const scale = Math.max(...drawing.extremes(run.totals.filter(Number.isFinite)), 1e-300);
  body.innerHTML =
    `<div class="stack" role="img"></div><div class="terms"></div><p class="caption"></p>` +
    `<div class="course-of-objective"></div>`;
  const [stack, terms, caption, courseBody] = body.children;
  // Losses of layers are not terms of one sum: each has a course of its own.
  const lines = run.separate ? run.terms.map((_, n) => lastKnown(run, n)) : [run.totals];
  const course = drawing.course(courseBody, {
    lines: lines.map((_, n) => ({ colour: run.separate ? drawing.colour(n) : "var(--ink)" })),
    label: run.separate ? "The losses of the layers" : `${run.symbol} after each step`,
    height: 120,
  });
  course.build(lines);

  const draw = (i, edited) => {
    const frame = run.frames[i];
    const pick = (values) => run.terms.map((name) => values[name]);
    const after = edited ? pick(edited.after) : frame.terms;
    const before = edited ? pick(edited.before) : run.before(i);
    const total = sum(after);
    stack.innerHTML = after
      .map((value, n) => {
        const share = Math.max(Math.min((100 * Math.max(value, 0)) / scale, 100), 0);
        return `<span style="width:${share}%;background:${drawing.colour(n)}"></span>`;
      })
      .join("");
    stack.setAttribute("aria-label", `${run.symbol} is ${drawing.number(total)}`);
    const size = Math.max(Math.abs(sum(before)), Math.abs(total));
    const row = (name, was, is, swatch) => {
      const known = was !== null && is !== null;
      const change = is - was;
      const same = !known || !(Math.abs(change) > 1e-11 * size);
      const sign = same ? "·" : change < 0 ? "▼" : "▲";
      const word = same ? "stays" : change < 0 ? "falls" : "rises";
      const by = same ? "" : drawing.number(Math.abs(change), 4);
      return [
        `<th scope="row">${swatch}${escape(name)}</th>`,
        `<td class="figure">${drawing.number(was)}</td>`,
        `<td class="figure after">${drawing.number(is)}</td>`,
        `<td class="change ${word}"><span role="img" aria-label="${word}">${sign}</span> ${by}</td>`,
      ];
    };
    const rows = run.terms.map((name, n) => {
      const swatch = `<span class="swatch" style="background:${drawing.colour(n)}"></span>`;
      return row(name, before[n], after[n], swatch);
    });
    if (!run.separate && run.terms.length > 1) rows.push(row(run.symbol, sum(before), total, ""));
    const head = edited ? ["term", "recorded", "changed", ""] : ["term", "before", "after", ""];
    terms.innerHTML = drawing.table(head, rows, "The objective's terms");
    caption.textContent = edited ? edited.note : "";
    caption.hidden = !edited;
    course.draw(lines, i);
  };
  return { draw };
}

// The values of a term after each step, the last known one where a step has none.
function lastKnown(run, n) {
  let last = NaN;
  return run.frames.map((frame) => {
    if (frame.terms[n] !== null && frame.terms[n] !== undefined) last = frame.terms[n];
    return last;
  });
}

// All that is known of any solver: the course of each term.
function coursesOfTerms(root, run) {
  const courses = run.terms.map((name, n) => {
    const values = lastKnown(run, n);
    const { body } = drawing.panel(root, name);
    const course = drawing.course(body, {
      lines: [{ colour: drawing.colour(n) }],
      label: `${name} after each step`,
    });
    course.build([values]);
    return { course, values };
  });
  return { draw: (i) => courses.forEach(({ course, values }) => course.draw([values], i)) };
}
