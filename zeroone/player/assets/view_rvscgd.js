"use strict";
// RVSCGD: the filters on the circle (or entry by entry), the loss as a cone, angle and Lagrangian.

function rvscgdView(root, run, player) {
  const fixed = run.fixed;
  const wStar = fixed.w_star;
  const planar = wStar.length === 2;
  const angles = run.number("angle");
  const w = (i) => run.value("w", i);
  const u = (i) => run.value("u", i);
  const iterations = run.frames.length ? run.frames[run.frames.length - 1].sweep : 0;
  const everyStep = run.frames.length === 2 * iterations + 1;
  const a = (fixed.parameters && fixed.parameters.a) || 1;
  const editable =
    planar && everyStep && fixed.expected && fixed.method === "rvscgd" &&
    fixed.penalty in formulas.penalties;
  let own = null; // a run that the page made, with the reader's penalty and lam

  const filters = planar ? filtersOnCircle(root, fixed) : filtersAsBars(root, fixed);
  const controls = editable ? rvscgdControls(filters.body, fixed, change) : null;
  const cone = lossCone(root, fixed);
  const anglePanel = drawing.panel(root, "Angle so far");
  const lagrangianPanel = drawing.panel(root, "Lagrangian so far");
  const angleCourse = drawing.course(anglePanel.body, {
    lines: [{ colour: "var(--blue)" }],
    label: "The angle of w and w* after each step, and delta, below which descent may fail",
    level: fixed.delta === null ? undefined : fixed.delta,
    levelLabel: "δ: below it descent may fail",
    low: 0,
  });
  const lagrangianCourse = drawing.course(lagrangianPanel.body, {
    lines: [{ colour: "var(--vermilion)" }],
    label: "The Lagrangian after each step",
  });
  rebuild();

  function rebuild() {
    angleCourse.build([own ? own.map((each) => each.angle) : angles]);
    lagrangianCourse.build([own ? own.map((each) => sum(each.terms)) : run.totals]);
  }

  function change(penalty, lam) {
    const same = penalty === fixed.penalty && lam === fixed.lam;
    const options = { k: fixed.k, beta: fixed.beta, eta: fixed.eta, penalty, lam, iterations, a };
    own = same ? null : formulas.rvscgd(fixed.start, wStar, options);
    rebuild();
    player.redraw();
  }

  const draw = (i) => {
    const present = own ? own[i] : { w: w(i), u: u(i), angle: angles[i] };
    const trail = [];
    for (let j = Math.max(0, i - 400); j <= i; j++) trail.push(own ? own[j].w : w(j));
    filters.draw(present, trail);
    cone.draw(present, i);
    angleCourse.draw([own ? own.map((each) => each.angle) : angles], i);
    lagrangianCourse.draw([own ? own.map((each) => sum(each.terms)) : run.totals], i);
    if (controls) controls.tell(own !== null);
  };

  return {
    draw,
    edited() {
      if (!own) return null;
      const i = player.present;
      const named = (values) => Object.fromEntries(run.terms.map((name, n) => [name, values[n]]));
      return {
        before: named(run.frames[i].terms),
        after: named(own[i].terms),
        note: "Your run beside the recorded one, at the same step. What is worked by hand is the recorded one’s.",
      };
    },
  };
}

function rvscgdControls(body, fixed, change) {
  const place = document.createElement("fieldset");
  place.className = "edit";
  const names = Object.keys(formulas.penalties);
  place.innerHTML =
    `<legend>Change the penalty or its price</legend>` +
    `<label>Penalty <select>${names.map((name) => `<option>${name}</option>`).join("")}</select></label>` +
    `<label>lam <input type="range" min="-4" max="1" step="0.02"> <output></output></label>` +
    `<button type="button" class="reset" disabled>Back to the recorded run</button>`;
  body.append(place);
  const [select, range, output, reset] = ["select", "input", "output", "button"].map((name) =>
    place.querySelector(name),
  );
  let lam = fixed.lam;
  const put = () => {
    select.value = fixed.penalty;
    lam = fixed.lam;
    range.value = Math.log10(Math.max(lam, 1e-4));
    output.textContent = drawing.number(lam, 3);
  };
  put();
  select.addEventListener("change", () => change(select.value, lam));
  range.addEventListener("input", () => {
    lam = Number((10 ** Number(range.value)).toPrecision(3));
    output.textContent = drawing.number(lam, 3);
    change(select.value, lam);
  });
  reset.addEventListener("click", () => {
    put();
    change(fixed.penalty, fixed.lam);
  });
  return { tell: (edited) => (reset.disabled = !edited) };
}

function filtersOnCircle(root, fixed) {
  const { body } = drawing.panel(root, "Filters on the circle", "tall");
  const place = document.createElement("div");
  place.className = "circle";
  body.append(place);
  const [size, radius] = [380, 130];
  const x = (v) => size / 2 + radius * v[0];
  const y = (v) => size / 2 - radius * v[1];
  const draw = (present, trail) => {
    const { w, u } = present;
    const p = drawing.place;
    const path = trail.map((v) => `${p(x(v))},${p(y(v))}`).join("L");
    const onAxis = u.every((each) => each === 0)
      ? `<text class="arrow-label" x="${size / 2 + 8}" y="${size / 2 - 8}">u = 0</text>`
      : "";
    place.innerHTML =
      `<svg viewBox="0 0 ${size} ${size}" role="img" aria-label="w at ${text(w)}, u at ${text(u)}, ` +
      `w* at ${text(fixed.w_star)}">` +
      `<line class="grid" x1="20" x2="${size - 20}" y1="${size / 2}" y2="${size / 2}"/>` +
      `<line class="grid" y1="20" y2="${size - 20}" x1="${size / 2}" x2="${size / 2}"/>` +
      `<circle class="ring" cx="${size / 2}" cy="${size / 2}" r="${radius}"/>` +
      `<path class="trail" d="M${path}"/>` +
      drawing.arrow(size / 2, size / 2, x(fixed.w_star), y(fixed.w_star), "teacher", "w*") +
      drawing.arrow(size / 2, size / 2, x(u), y(u), "sparse", "u", side(u, w)) +
      onAxis +
      drawing.arrow(size / 2, size / 2, x(w), y(w), "filter", "w", -side(u, w)) +
      `</svg><p class="caption">w = (${text(w)}), u = (${text(u)}), angle of w and w*: ` +
      `${drawing.number(present.angle)} rad</p>`;
  };
  // u's label keeps to the side of its arrow that is away from w's.
  const side = (u, w) => (u[0] * w[1] - u[1] * w[0] > 0 ? 16 : -16);
  const text = (v) => v.map((each) => drawing.number(each, 4)).join(", ");
  return { draw, body };
}

function filtersAsBars(root, fixed) {
  const { body } = drawing.panel(root, "Filters, entry by entry", "wide");
  const place = document.createElement("div");
  body.append(place);
  const d = fixed.w_star.length;
  const shown = Math.min(d, 100);
  const [width, height, left] = [720, 230, 40];
  const draw = (present) => {
    const { w, u } = present;
    const p = drawing.place;
    const most = Math.max(...drawing.extremes([...fixed.w_star, ...w]).map(Math.abs));
    const y = (value) => height / 2 - ((height / 2 - 12) * value) / most;
    const step = (width - left) / shown;
    const parts = [];
    for (let k = 0; k < shown; k++) {
      const x = left + k * step;
      const bar = (value, from, share, style) =>
        `<rect class="${style}" x="${p(x + from * step)}" width="${p(share * step)}" ` +
        `y="${p(Math.min(y(value), y(0)))}" height="${p(Math.max(Math.abs(y(value) - y(0)), 0.3))}"/>`;
      parts.push(bar(fixed.w_star[k], 0.05, 0.9, "teacher-bar"));
      parts.push(bar(w[k], 0.15, 0.35, "filter-bar"));
      if (u[k] !== 0) parts.push(bar(u[k], 0.5, 0.35, "sparse-bar"));
    }
    const kept = u.filter((each) => each !== 0).length;
    const right = u.filter((each, k) => (each !== 0) === (fixed.w_star[k] !== 0)).length;
    const ticks = drawing
      .ticks(-most, most)
      .map(
        (value) =>
          `<line class="grid" x1="${left}" x2="${width}" y1="${p(y(value))}" y2="${p(y(value))}"/>` +
          `<text class="tick" x="${left - 4}" y="${p(y(value) + 4)}" text-anchor="end">${drawing.number(value, 2)}</text>`,
      );
    place.innerHTML =
      `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${kept} of ${d} entries of u are not 0">` +
      `${ticks.join("")}${parts.join("")}</svg><p class="legend"><span class="key teacher-bar"></span> w* ` +
      `<span class="key filter-bar"></span> w <span class="key sparse-bar"></span> u</p>` +
      `<p class="caption">${kept} of ${d} entries of u are not 0; ${right} of ${d} are as in w* (0 or not). ` +
      `Angle of w and w*: ${drawing.number(present.angle)} rad</p>`;
  };
  return { draw, body };
}

// f = (k / 2 pi) theta is a cone around w*; here it is cut along the great circle through w and w*.
function lossCone(root, fixed) {
  const { body } = drawing.panel(root, "The loss, a cone around w*");
  const [width, height, left, bottom] = [420, 150, 44, 24];
  const top = 12;
  const c = fixed.k / (2 * Math.PI);
  const most = c * Math.PI;
  const x = (theta) => left + ((width - left - 10) * (theta + Math.PI)) / (2 * Math.PI);
  const y = (f) => height - bottom - ((height - bottom - top) * f) / most;
  const p = drawing.place;
  const marks = [-Math.PI, -Math.PI / 2, 0, Math.PI / 2, Math.PI];
  const names = ["−π", "−π/2", "0", "π/2", "π"];
  const delta = fixed.delta;
  const band =
    delta === null
      ? ""
      : `<rect class="band" x="${p(x(-delta))}" width="${p(x(delta) - x(-delta))}" y="${top}" ` +
        `height="${height - bottom - top}"/><text class="level-label" x="${p(x(0))}" y="${top + 10}" ` +
        `text-anchor="middle">θ &lt; δ</text>`;
  const frame =
    band +
    marks
      .map(
        (theta, n) =>
          `<text class="tick" x="${p(x(theta))}" y="${height - 6}" text-anchor="middle">${names[n]}</text>`,
      )
      .join("") +
    drawing
      .ticks(0, most, 3)
      .map(
        (value) =>
          `<line class="grid" x1="${left}" x2="${width - 10}" y1="${p(y(value))}" y2="${p(y(value))}"/>` +
          `<text class="tick" x="${left - 6}" y="${p(y(value) + 4)}" text-anchor="end">${drawing.number(value, 3)}</text>`,
      )
      .join("") +
    `<path class="curve" d="M${p(x(-Math.PI))},${p(y(most))}L${p(x(0))},${p(y(0))}L${p(x(Math.PI))},${p(y(most))}"/>`;
  body.innerHTML =
    `<svg viewBox="0 0 ${width} ${height}" role="img">${frame}<circle class="now-dot" r="6" ` +
    `style="fill:var(--blue)"/></svg><p class="caption"></p>`;
  const svg = body.querySelector("svg");
  const draw = (present) => {
    // In the plane the angle has a sign: the side of w* on which w is.
    const side = fixed.w_star.length === 2 ? fixed.w_star[0] * present.w[1] - fixed.w_star[1] * present.w[0] : 1;
    const theta = side < 0 ? -present.angle : present.angle;
    const f = c * present.angle;
    const dot = svg.querySelector("circle");
    dot.setAttribute("cx", p(x(theta)));
    dot.setAttribute("cy", p(y(f)));
    const where = delta !== null && present.angle < delta ? ", below δ" : "";
    body.querySelector(".caption").textContent =
      `f = (k/2π) θ = ${drawing.number(f)} at θ = ${drawing.number(present.angle)} rad${where}`;
    svg.setAttribute("aria-label", body.querySelector(".caption").textContent);
  };
  return { draw };
}
