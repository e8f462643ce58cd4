"use strict";
// Block coordinate descent: the data with the units' lines (or as pictures), bits, weights, accuracy.

function blockCoordinateDescent(root, run, player) {
  const { X, Y, labels, sizes, image, prices, relaxed } = run.fixed;
  const nLayers = sizes.length - 1;
  const layers = Array.from({ length: nLayers }, (_, i) => i + 1);
  const planar = sizes[0] === 2;
  const weightsAt = (i) => layers.map((l) => run.value(`W${l}`, i));
  const biasesAt = (i) => layers.map((l) => run.value(`b${l}`, i));
  const accuracies = run.number("accuracy");
  let edit = null; // what the reader changed at the present step: weights and biases of layer 1
  let shown = -1;

  const pass = (weights, biases) => {
    const state = formulas.forward(X, weights, biases, prices ? prices.margin : 0);
    const terms = prices
      ? formulas.objective(state, Y, weights, biases, prices, run.terms)
      : null;
    const accuracy = labels ? formulas.accuracy(state.scores, labels) : NaN;
    return { state, terms, accuracy, weights, biases };
  };

  const picture = planar
    ? planeOfUnits(root, run, {
        change(unit, w, b) {
          const i = player.present;
          edit = edit || { W: weightsAt(i)[0].map((row) => [...row]), b: [...biasesAt(i)[0]] };
          edit.W[unit] = w;
          edit.b[unit] = b;
          player.redraw();
        },
        reset() {
          edit = null;
          player.redraw();
        },
      })
    : image
      ? digitPictures(root, run)
      : null;
  const accuracy = labels ? accuracyPanel(root, accuracies) : null;
  const bits = layers.slice(0, -1).map((l) => bitMatrix(root, run, l, relaxed));
  const weightPanel = drawing.panel(root, "Weights", image ? "" : "wide");

  // Many steps leave the weights alone: what follows from them is not computed again.
  let passed = null;
  const recordedPass = (weights, biases) => {
    const same = (old, now) => old.every((each, l) => each === now[l]);
    if (!passed || !same(passed.weights, weights) || !same(passed.biases, biases))
      passed = pass(weights, biases);
    return passed;
  };

  const draw = (i) => {
    if (i !== shown) edit = null;
    shown = i;
    const weights = weightsAt(i);
    const biases = biasesAt(i);
    const recorded = recordedPass(weights, biases);
    const present = edit ? pass([edit.W, ...weights.slice(1)], [edit.b, ...biases.slice(1)]) : null;
    draw.edited = present && { before: recorded, after: present };
    const seen = present || recorded;
    if (picture) picture.draw(i, seen, Boolean(edit));
    bits.forEach((matrix) => matrix.draw(i, draw.edited));
    if (accuracy) accuracy.draw(i, present ? present.accuracy : null);
    drawWeights(weightPanel.body, run, i, seen, image);
  };

  return {
    draw,
    // What the page shows at present, with what the reader changed.
    weights: () => (draw.edited ? draw.edited.after : passed).weights,
    biases: () => (draw.edited ? draw.edited.after : passed).biases,
    edited: () =>
      draw.edited && draw.edited.after.terms
        ? {
            before: draw.edited.before.terms,
            after: draw.edited.after.terms,
            note: "F of a forward pass: U and V are what the weights compute.",
          }
        : null,
  };
}

// ------------------------------------------------------------------------- data in the plane

const PLANE = 420; // its width and height

function planeOfUnits(root, run, actions) {
  const { X, Y, labels, sizes } = run.fixed;
  const { body } = drawing.panel(root, "Data and the lines of the units", "tall");
  const [lowX, highX] = drawing.extremes(X.map((x) => x[0]));
  const [lowY, highY] = drawing.extremes(X.map((x) => x[1]));
  const half = 0.58 * Math.max(highX - lowX, highY - lowY, 1e-9);
  const centre = [(lowX + highX) / 2, (lowY + highY) / 2];
  const size = PLANE;
  const scale = size / (2 * half);
  const px = (x) => size / 2 + (x - centre[0]) * scale;
  const py = (y) => size / 2 - (y - centre[1]) * scale;
  const back = (p, q) => [centre[0] + (p - size / 2) / scale, centre[1] - (q - size / 2) / scale];
  const cells = 72;
  body.innerHTML =
    `<div class="plane"><canvas width="${cells}" height="${cells}" aria-hidden="true"></canvas>` +
    `<svg viewBox="0 0 ${size} ${size}" role="img"></svg></div>` +
    `<p class="caption">Shades: the class that the hard net gives. An arrow points to where a unit ` +
    `fires. Crossed out: samples of the wrong class. Drag a line, or its round handle to turn it.</p>`;
  const controls = drawing.panel(root, "Change the net").body;
  controls.innerHTML =
    `<fieldset class="edit"><legend>The line of a unit of layer 1</legend>` +
    `<label>Unit <select></select></label>` +
    `<label>Direction <input type="range" class="turn" min="-180" max="180" step="1"></label>` +
    `<label>Offset <input type="range" class="shift" min="-1" max="1" step="0.005"></label>` +
    `<button type="button" class="reset" disabled>Back to the recorded net</button></fieldset>` +
    `<p class="caption">The hard net’s forward pass is done again: shades, bits, accuracy and F follow.</p>`;
  const canvas = body.querySelector("canvas");
  const svg = body.querySelector("svg");
  const select = controls.querySelector("select");
  const turn = controls.querySelector(".turn");
  const shift = controls.querySelector(".shift");
  const reset = controls.querySelector(".reset");
  for (let j = 0; j < sizes[1]; j++) select.add(new Option(String(j + 1), String(j)));
  let present = null;
  const chosen = () => Number(select.value);

  // A line as the direction of its normal, its distance from the centre, and the size of w.
  const polar = (w, b) => {
    const length = Math.hypot(w[0], w[1]);
    const distance = -(b + w[0] * centre[0] + w[1] * centre[1]) / length;
    return { angle: Math.atan2(w[1], w[0]), distance, length };
  };
  const place = (unit, angle, distance) => {
    const { length } = polar(present.weights[0][unit], present.biases[0][unit]);
    if (!(length > 0)) return;
    const w = [length * Math.cos(angle), length * Math.sin(angle)];
    actions.change(unit, w, -(w[0] * centre[0] + w[1] * centre[1]) - distance * length);
  };
  const bySliders = () =>
    place(chosen(), (Number(turn.value) * Math.PI) / 180, Number(shift.value) * half);
  turn.addEventListener("input", bySliders);
  shift.addEventListener("input", bySliders);
  reset.addEventListener("click", () => actions.reset());
  select.addEventListener("change", () => drawLines());

  let drag = null;
  const world = (event) => {
    const box = svg.getBoundingClientRect();
    const unit = size / box.width;
    return back((event.clientX - box.left) * unit, (event.clientY - box.top) * unit);
  };
  svg.addEventListener("pointerdown", (event) => {
    const target = event.target.closest("[data-unit]");
    if (!target) return;
    select.value = target.dataset.unit;
    const unit = chosen();
    const { angle, distance } = polar(present.weights[0][unit], present.biases[0][unit]);
    const [x, y] = world(event);
    const along = (x - centre[0]) * Math.cos(angle) + (y - centre[1]) * Math.sin(angle);
    drag = { unit, angle, slack: distance - along, turns: target.dataset.handle === "turn" };
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    drawLines();
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = world(event);
    const [dx, dy] = [x - centre[0], y - centre[1]];
    if (drag.turns) {
      const { angle, distance } = polar(present.weights[0][drag.unit], present.biases[0][drag.unit]);
      const foot = [Math.cos(angle) * distance, Math.sin(angle) * distance];
      place(drag.unit, Math.atan2(dy - foot[1], dx - foot[0]), distance);
    } else {
      const along = dx * Math.cos(drag.angle) + dy * Math.sin(drag.angle);
      place(drag.unit, drag.angle, along + drag.slack);
    }
  });
  const stop = () => (drag = null);
  svg.addEventListener("pointerup", stop);
  svg.addEventListener("pointercancel", stop);

  // The class at the middle of every cell. What a unit makes of a cell is a sum of what its column
  // gives and what its row gives; the layers above are rows of a few numbers.
  const shade = () => {
    const { weights, biases } = present;
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(cells, cells);
    const kinds = labels ? Y[0].length : 0;
    const colours = Array.from({ length: kinds }, (_, k) =>
      rgb(drawing.resolved(drawing.colours[k % drawing.colours.length])),
    );
    const at = Array.from({ length: cells }, (_, c) => ((c + 0.5) * size) / cells);
    const across = at.map((p) => weights[0].map((w) => w[0] * back(p, 0)[0]));
    const down = at.map((q) => weights[0].map((w, j) => w[1] * back(0, q)[1] + biases[0][j]));
    const known = new Map();
    for (let r = 0; r < cells && kinds; r++)
      for (let c = 0; c < cells; c++) {
        let bits = "";
        for (let j = 0; j < across[c].length; j++) bits += across[c][j] + down[r][j] > 0 ? "1" : "0";
        // Cells between the same lines have the same bits, and hence the same class.
        if (!known.has(bits)) known.set(bits, formulas.largest(above(bits, weights, biases)));
        pixels.data.set(colours[known.get(bits)], 4 * (r * cells + c));
        pixels.data[4 * (r * cells + c) + 3] = 48;
      }
    context.putImageData(pixels, 0, 0);
  };
  const above = (bits, weights, biases) => {
    let v = [...bits].map(Number);
    for (let l = 1; l < weights.length; l++) {
      const a = formulas.layerProduct([v], weights[l], biases[l])[0];
      v = l < weights.length - 1 ? a.map((each) => (each > 0 ? 1 : 0)) : a;
    }
    return v;
  };

  const drawLines = () => {
    const { state, weights, biases } = present;
    const parts = [];
    const reach = 1.5 * half;
    weights[0].forEach((w, j) => {
      const { angle, distance, length } = polar(w, biases[0][j]);
      if (!(length > 0)) return;
      const [nx, ny] = [Math.cos(angle), Math.sin(angle)];
      const foot = [centre[0] + nx * distance, centre[1] + ny * distance];
      const ends = [-reach, reach].map((t) => [px(foot[0] - ny * t), py(foot[1] + nx * t)]);
      const flat = ends.map(([x, y], n) => `x${n + 1}="${drawing.place(x)}" y${n + 1}="${drawing.place(y)}"`);
      const selected = j === chosen();
      const style = selected ? "unit chosen" : "unit";
      // Number and arrow stand where the line leaves the picture: in the middle, lines cross.
      const out = leaving(px(foot[0]), py(foot[1]), -ny, -nx, size - 16);
      const base = leaving(px(foot[0]), py(foot[1]), -ny, -nx, size - 46);
      parts.push(
        `<g class="${style}" data-unit="${j}"><line class="grip" ${flat.join(" ")}/>` +
          `<line class="line" ${flat.join(" ")}/>` +
          drawing.arrow(...base, base[0] + nx * 22, base[1] - ny * 22, "side") +
          `<text x="${drawing.place(out[0])}" y="${drawing.place(out[1] + 5)}">${j + 1}</text></g>`,
      );
      if (selected)
        parts.push(
          `<circle class="handle" data-unit="${j}" data-handle="turn" r="9" ` +
            `cx="${drawing.place(px(foot[0]) + nx * 44)}" cy="${drawing.place(py(foot[1]) - ny * 44)}"/>`,
        );
    });
    const dots = X.map((x, n) => {
      const label = labels ? labels[n] : 0;
      const [cx, cy] = [px(x[0]), py(x[1])];
      const dot = drawing.mark(label, cx, cy, 4.5, `class="dot" style="fill:${drawing.colour(label)}"`);
      if (!labels || formulas.largest(state.scores[n]) === label) return dot;
      const [p, q] = [drawing.place(cx), drawing.place(cy)];
      return `${dot}<path class="wrong" d="M${p - 7},${q - 7}l14,14m0,-14l-14,14"/>`;
    });
    svg.innerHTML = dots.join("") + parts.join("");
    const { angle, distance, length } = polar(weights[0][chosen()], biases[0][chosen()]);
    const alive = length > 0;
    turn.disabled = shift.disabled = !alive;
    if (alive && document.activeElement !== turn) turn.value = Math.round((angle * 180) / Math.PI);
    if (alive && document.activeElement !== shift) shift.value = distance / half;
  };

  let theme = "";
  const draw = (i, seen, edited) => {
    reset.disabled = !edited;
    if (present === seen && theme === drawing.resolved("--ink")) return;
    theme = drawing.resolved("--ink");
    present = seen;
    shade();
    drawLines();
    const wrong = labels
      ? seen.state.scores.filter((row, n) => formulas.largest(row) !== labels[n]).length
      : 0;
    svg.setAttribute(
      "aria-label",
      `${X.length} samples in the plane and the lines of ${sizes[1]} units; ${wrong} samples are ` +
        `of the wrong class${edited ? ", after your change" : ""}`,
    );
  };
  return { draw };
}

// Where a ray from (x, y) along (dx, dy) leaves the square from PLANE - far to far.
function leaving(x, y, dx, dy, far) {
  const near = PLANE - far;
  const along = (at, step) => (step > 0 ? (far - at) / step : step < 0 ? (near - at) / step : Infinity);
  const t = Math.min(along(x, dx), along(y, dy));
  return [x + t * dx, y + t * dy];
}

function rgb(colour) {
  const digits = colour.replace("#", "");
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

// ----------------------------------------------------------------------------- data as pictures

function digitPictures(root, run) {
  const { labels, image } = run.fixed;
  const X = run.fixed.pictures || run.fixed.X;
  const { body } = drawing.panel(root, "Data", "tall");
  const count = Math.min(X.length, 40);
  const [low, high] = drawing.extremes(X.slice(0, count).flat());
  body.innerHTML =
    `<div class="digits">` +
    Array.from({ length: count }, () => "<figure><canvas></canvas><figcaption></figcaption></figure>").join("") +
    `</div><p class="caption">The first ${count} of ${run.fixed.X.length} samples: class, and where the hard net is mistaken (dashed) → what it says.</p>`;
  const figures = [...body.querySelectorAll("figure")];
  let inked = null;
  const ink = () => {
    const theme = drawing.resolved("--ink");
    if (theme === inked) return;
    inked = theme;
    const colour = rgb(theme);
    figures.forEach((figure, n) => {
      paintPixels(figure.querySelector("canvas"), image, (p) => [
        ...colour,
        Math.round((255 * (X[n][p] - low)) / (high - low || 1)),
      ]);
    });
  };
  let present = null;
  const draw = (i, seen) => {
    ink();
    if (present === seen) return;
    present = seen;
    figures.forEach((figure, n) => {
      if (!labels) return;
      const said = formulas.largest(seen.state.scores[n]);
      const right = said === labels[n];
      figure.className = right ? "right" : "mistaken";
      figure.querySelector("figcaption").textContent = right ? `${labels[n]}` : `${labels[n]}→${said}`;
    });
  };
  return { draw };
}

function paintPixels(canvas, side, colour) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(side, side);
  for (let p = 0; p < side * side; p++) pixels.data.set(colour(p), 4 * p);
  context.putImageData(pixels, 0, 0);
}

// ------------------------------------------------------------------------------- bits and numbers

function bitMatrix(root, run, layer, relaxed) {
  const name = `U${layer}`;
  const units = run.fixed.sizes[layer];
  const samples = run.fixed.X.length;
  const { body } = drawing.panel(root, `Bits of layer ${layer}: step(${name})`, "wide");
  body.innerHTML =
    `<div class="matrix"><canvas role="img"></canvas></div><p class="caption"></p>` +
    (relaxed ? `<div class="matrix"><canvas role="img"></canvas></div><p class="caption">V${layer}, the activations, which are free: from 0 (empty) to 1 (full).</p>` : "");
  const [canvas, relaxedCanvas] = body.querySelectorAll("canvas");
  const caption = body.querySelector(".caption");
  const fromPass = (seen) =>
    seen.state.activations[layer].flatMap((row) => row.map(String)).join("");
  let painted = "";
  const draw = (i, edited) => {
    const bits = edited ? fromPass(edited.after) : run.value(name, i);
    const old = edited
      ? fromPass(edited.before)
      : i > 0
        ? run.value(name, i - 1) || bits
        : bits;
    const colours = ["--field", "--blue", "--vermilion"].map(drawing.resolved);
    const state = [bits, old, ...colours, canvas.parentElement.clientWidth].join();
    if (state === painted && !relaxed) return;
    painted = state;
    let flips = 0;
    drawing.cells(canvas, units, samples, (context, w, h) => {
      const gap = w > 4 ? 1 : 0;
      const cells = [new Path2D(), new Path2D()];
      for (let n = 0; n < samples; n++)
        for (let j = 0; j < units; j++)
          cells[Number(bits[n * units + j])].rect(n * w, j * h, w - gap, h - 1);
      cells.forEach((path, bit) => {
        context.fillStyle = colours[bit];
        context.fill(path);
      });
      for (let n = 0; n < samples; n++)
        for (let j = 0; j < units; j++) {
          if (bits[n * units + j] === old[n * units + j]) continue;
          flips += 1;
          context.strokeStyle = colours[2];
          context.lineWidth = w > 4 ? 2 : 1;
          context.strokeRect(n * w + 0.5, j * h + 0.5, Math.max(w - 2, 1), h - 2);
          if (w > 7) {
            context.beginPath();
            context.moveTo(n * w + 2, j * h + 2);
            context.lineTo((n + 1) * w - 3, (j + 1) * h - 3);
            context.stroke();
          }
        }
    });
    const ones = [...bits].filter((bit) => bit === "1").length;
    const marked = flips === 1 ? "1 flip" : `${flips} flips`;
    caption.textContent =
      `${units} units (rows) × ${samples} samples; full: fires. ${ones} of ${bits.length} fire, ` +
      `${marked} marked${edited ? " against the recorded net" : ""}.`;
    canvas.setAttribute("aria-label", caption.textContent);
    if (!relaxedCanvas) return;
    const V = run.value(`V${layer}`, i);
    drawing.cells(relaxedCanvas, units, samples, (context, w, h) => {
      const gap = w > 4 ? 1 : 0;
      V.forEach((row, n) =>
        row.forEach((v, j) => {
          context.globalAlpha = 1;
          context.fillStyle = colours[0];
          context.fillRect(n * w, j * h, w - gap, h - 1);
          context.globalAlpha = Math.min(Math.max(v, 0), 1);
          context.fillStyle = colours[1];
          context.fillRect(n * w, j * h, w - gap, h - 1);
        }),
      );
    });
    relaxedCanvas.setAttribute("aria-label", `Activations of layer ${layer}, free`);
  };
  return { draw };
}

function accuracyPanel(root, accuracies) {
  const { body } = drawing.panel(root, "Accuracy of the hard net");
  body.innerHTML = `<p class="big"></p><div></div>`;
  const [big, place] = body.children;
  const course = drawing.course(place, {
    lines: [{ colour: "var(--green)" }],
    label: "Accuracy of the hard net after each step",
    height: 110,
  });
  course.build([accuracies.map((each) => 100 * each)]);
  const percent = (value) => `${drawing.number(100 * value, 4)}%`;
  const draw = (i, hand) => {
    const recorded = percent(accuracies[i]);
    big.innerHTML =
      hand === null ? recorded : `${percent(hand)} <small>recorded: ${recorded}</small>`;
    course.draw([accuracies.map((each) => 100 * each)], i);
  };
  return { draw };
}

function drawWeights(body, run, i, seen, image) {
  const escape = drawing.escape;
  const moved = run.frames[i].set || {};
  const state = Object.keys(moved).join() + drawing.resolved("--ink");
  if (body.seen === seen && body.state === state) return;
  Object.assign(body, { seen, state });
  if (image && body.childElementCount === 0)
    body.innerHTML = `<div class="digits units"></div><p class="caption"></p><div class="rest"></div>`;
  if (image) {
    const W = seen.weights[0];
    const most = Math.max(...drawing.extremes(W.flat()).map(Math.abs), 1e-300);
    const [plus, minus] = ["--blue", "--vermilion"].map((name) => rgb(drawing.resolved(name)));
    const units = body.querySelector(".units");
    if (units.childElementCount !== W.length)
      units.innerHTML = W.map((_, j) => `<figure><canvas></canvas><figcaption>${j + 1}</figcaption></figure>`).join("");
    units.querySelectorAll("canvas").forEach((canvas, j) =>
      paintPixels(canvas, image, (p) => [
        ...(W[j][p] > 0 ? plus : minus),
        Math.round(255 * Math.min(Math.abs(W[j][p]) / most, 1)),
      ]),
    );
    body.querySelector(".caption").textContent =
      `W1 as pictures, a unit each${moved.W1 ? " (they moved)" : ""}: blue adds, orange subtracts; ` +
      `full colour is ${drawing.number(most, 3)}.`;
  }
  const place = image ? body.querySelector(".rest") : body;
  place.innerHTML = seen.weights
    .map((W, l) => {
      if ((image && l === 0) || W.length * W[0].length > 240) return "";
      const mark = moved[`W${l + 1}`] || moved[`b${l + 1}`] ? " (moved)" : "";
      const head = ["unit", ...W[0].map((_, k) => String(k + 1)), "bias"];
      const rows = W.map((row, j) => [
        `<th scope="row">${j + 1}</th>`,
        ...[...row, seen.biases[l][j]].map(
          (x) => `<td class="figure" style="${tint(x)}">${drawing.number(x, 3)}</td>`,
        ),
      ]);
      const title = `W${l + 1}${mark}`;
      return `<h3>${escape(title)}</h3><div class="scroll">${drawing.table(head, rows, title)}</div>`;
    })
    .join("");
}

function tint(value) {
  const share = Math.round(28 * Math.tanh(Math.abs(value)));
  const name = value > 0 ? "--blue" : "--vermilion";
  return `background:color-mix(in srgb, var(${name}) ${share}%, transparent)`;
}
