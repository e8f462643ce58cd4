"use strict";
// The coarse gradient: a point that the reader drags on the circle; both gradients follow.

function coarseGradient(root, run, player) {
  const { k, equations } = run.fixed;
  // Everything happens in the plane of w and w*: for filters of more entries, w* is put at angle 0.
  const planar = run.fixed.w_star.length === 2;
  const wStar = planar ? run.fixed.w_star : [1, 0];
  const angles = run.number("angle");
  const recorded = (i) =>
    planar ? run.value("w", i) : [Math.cos(angles[i]), Math.sin(angles[i])];
  let own = null;
  let shown = -1;

  const { body } = drawing.panel(root, "The filter w, its true and its coarse gradient", "tall");
  const [size, radius] = [400, 120];
  const x = (v) => size / 2 + radius * v[0];
  const y = (v) => size / 2 - radius * v[1];
  body.innerHTML =
    `<svg class="draggable" viewBox="0 0 ${size} ${size}" role="img"></svg>` +
    `<p class="caption">Drag w around the circle. The arrows at w are what descent follows: minus ` +
    `the true gradient (along the circle) and minus the coarse gradient (straight towards w*).</p>` +
    `<fieldset class="edit"><legend>Move w</legend><label>Direction of w ` +
    `<input type="range" min="-180" max="180" step="0.5"> <output></output></label>` +
    `<button type="button" class="reset" disabled>Back to the run</button></fieldset><div class="math">${equations.join("")}</div>`;
  const svg = body.querySelector("svg");
  const range = body.querySelector("input");
  const output = body.querySelector("output");
  const reset = body.querySelector("button");
  const numbers = drawing.panel(root, "Numbers");
  const cone = lossCone(root, { k, delta: null, w_star: wStar });
  const half = halfAngle(root);

  const put = (w) => {
    own = w;
    player.redraw();
  };
  range.addEventListener("input", () => {
    const phi = (Number(range.value) * Math.PI) / 180;
    put([Math.cos(phi), Math.sin(phi)]);
  });
  reset.addEventListener("click", () => put(null));
  let dragging = false;
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    const [dx, dy] = [
      event.clientX - box.left - box.width / 2,
      box.top + box.height / 2 - event.clientY,
    ];
    const length = Math.hypot(dx, dy);
    if (length > 0) put([dx / length, dy / length]);
  };
  svg.addEventListener("pointerdown", (event) => {
    dragging = true;
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    follow(event);
  });
  svg.addEventListener("pointermove", (event) => dragging && follow(event));
  for (const name of ["pointerup", "pointercancel"])
    svg.addEventListener(name, () => (dragging = false));

  const at = (w) => {
    const truth = formulas.trueGradient(w, wStar, k);
    const coarse = formulas.coarseGradient(w, wStar, k);
    const theta = formulas.angle(formulas.unit(w), wStar);
    return {
      truth,
      coarse,
      theta,
      loss: formulas.populationLoss(formulas.unit(w), wStar, k),
      between: formulas.angleOfVectors(truth, coarse),
      product: formulas.dot(truth, coarse),
    };
  };

  const draw = (i) => {
    if (i !== shown) own = null;
    shown = i;
    const w = own || recorded(i);
    const now = at(w);
    const p = drawing.place;
    const trail = [];
    for (let j = Math.max(0, i - 400); j <= i; j++) trail.push(recorded(j));
    const path = trail.map((v) => `${p(x(v))},${p(y(v))}`).join("L");
    // The longest coarse gradient, k/pi, is as long as 0.9 of the radius.
    const scale = (0.9 * radius * Math.PI) / k;
    const from = [x(w), y(w)];
    const tip = (g) => [from[0] - scale * g[0], from[1] + scale * g[1]];
    svg.innerHTML =
      `<circle class="ring" cx="${size / 2}" cy="${size / 2}" r="${radius}"/>` +
      `<path class="trail" d="M${path}"/>` +
      drawing.arrow(size / 2, size / 2, x(wStar), y(wStar), "teacher", "w*") +
      `<line class="spoke" x1="${size / 2}" y1="${size / 2}" x2="${p(from[0])}" y2="${p(from[1])}"/>` +
      drawing.arrow(...from, ...tip(now.truth), "truth", "−∇f") +
      drawing.arrow(...from, ...tip(now.coarse), "coarse", "−E g") +
      `<circle class="handle" r="11" cx="${p(from[0])}" cy="${p(from[1])}"/>` +
      `<text class="arrow-label" x="${p(x(w.map((e) => 1.17 * e)))}" y="${p(y(w.map((e) => 1.17 * e)) + 4)}" text-anchor="middle">w</text>`;
    svg.setAttribute("aria-label", `w = (${w.map((e) => drawing.number(e, 4)).join(", ")}), angle to w* ${drawing.number(now.theta, 4)} rad`);
    const degrees = (Math.atan2(w[1], w[0]) * 180) / Math.PI;
    if (document.activeElement !== range) range.value = degrees;
    output.textContent = `${drawing.number(degrees, 4)}°`;
    reset.disabled = own === null;
    const rows = [
      ["w", `(${w.map((e) => drawing.number(e)).join(", ")})`],
      ["θ, angle of w and w*", `${drawing.number(now.theta)} rad`],
      ["loss f(w)", drawing.number(now.loss)],
      ["true gradient ∇f", `(${now.truth.map((e) => drawing.number(e)).join(", ")})`],
      ["its length", drawing.number(formulas.norm(now.truth))],
      ["coarse gradient E g", `(${now.coarse.map((e) => drawing.number(e)).join(", ")})`],
      ["its length", drawing.number(formulas.norm(now.coarse))],
      ["angle of the two", Number.isNaN(now.between) ? "– (one is zero)" : `${drawing.number(now.between)} rad`],
      ["θ / 2", `${drawing.number(now.theta / 2)} rad`],
      ["inner product", drawing.number(now.product)],
    ].map(([name, value]) => [
      `<th scope="row">${name}</th>`,
      `<td class="figure">${value}</td>`,
    ]);
    numbers.body.innerHTML = drawing.table(["", own ? "where you put w" : "at this step"], rows, "Numbers at w");
    cone.draw({ w, angle: now.theta });
    half.draw(now);
  };

  return {
    draw,
    at,
    edited() {
      if (!own) return null;
      const name = run.terms[0];
      return {
        before: { [name]: run.frames[player.present].terms[0] },
        after: { [name]: at(own).loss },
        note: "Where you put w, beside the run.",
      };
    },
  };
}

// The angle of the two gradients against theta: the line theta / 2, below a right angle throughout.
function halfAngle(root) {
  const { body } = drawing.panel(root, "Angle of the two gradients");
  const [width, height, left, bottom, top] = [420, 140, 44, 24, 10];
  const x = (theta) => left + ((width - left - 10) * theta) / Math.PI;
  const y = (angle) => height - bottom - ((height - bottom - top) * angle) / (Math.PI / 2 + 0.12);
  const p = drawing.place;
  const names = ["0", "π/4", "π/2", "3π/4", "π"];
  body.innerHTML =
    `<svg viewBox="0 0 ${width} ${height}" role="img">` +
    names
      .map((name, n) => `<text class="tick" x="${p(x((n * Math.PI) / 4))}" y="${height - 6}" text-anchor="middle">${name}</text>`)
      .join("") +
    ["0", "π/4"]
      .map((name, n) => `<line class="grid" x1="${left}" x2="${width - 10}" y1="${p(y((n * Math.PI) / 4))}" y2="${p(y((n * Math.PI) / 4))}"/><text class="tick" x="${left - 6}" y="${p(y((n * Math.PI) / 4) + 4)}" text-anchor="end">${name}</text>`)
      .join("") +
    `<line class="level" x1="${left}" x2="${width - 10}" y1="${p(y(Math.PI / 2))}" y2="${p(y(Math.PI / 2))}"/>` +
    `<text class="level-label" x="${left + 6}" y="${p(y(Math.PI / 2) + 13)}">a right angle: no descent</text>` +
    `<path class="curve" d="M${p(x(0))},${p(y(0))}L${p(x(Math.PI))},${p(y(Math.PI / 2))}"/>` +
    `<circle class="now-dot" r="6" style="fill:var(--vermilion)"/></svg><p class="caption"></p>`;
  const draw = (now) => {
    const dot = body.querySelector("circle");
    const seen = !Number.isNaN(now.between);
    dot.style.display = seen ? "" : "none";
    if (seen) {
      dot.setAttribute("cx", p(x(now.theta)));
      dot.setAttribute("cy", p(y(now.between)));
    }
    body.querySelector(".caption").textContent = seen
      ? `${drawing.number(now.between)} rad at θ = ${drawing.number(now.theta)} rad: half of it`
      : "There is none: one of the two gradients is zero.";
    body.querySelector("svg").setAttribute("aria-label", body.querySelector(".caption").textContent);
  };
  return { draw };
}
