"use strict";
// Target propagation: the layers with one sample, targets met and missed, margins on the loss.

function targetPropagation(root, run, player) {
  const { sizes, layers, loss } = run.fixed;
  const correct = run.number("correct");
  const plain = sizes.length > 0;
  const net = plain ? layersPanel(root, run, player) : null;
  const hidden = Array.from({ length: layers - 1 }, (_, i) => i + 1);
  const targets = plain ? targetsPanel(root, run, hidden) : null;
  const margins = plain && loss ? marginsPanel(root, run) : null;
  const { body } = drawing.panel(root, "Share of the batch that the net puts right");
  body.innerHTML = `<p class="big"></p><div></div>`;
  const course = drawing.course(body.children[1], {
    lines: [{ colour: "var(--green)" }],
    label: "Share of the present batch that is put right, after each step",
    height: 110,
    low: 0,
    floor: 100,
  });
  const percent = [correct.map((each) => 100 * each)];
  course.build(percent);
  const draw = (i) => {
    if (net) net.draw(i);
    if (targets) targets.draw(i);
    if (margins) margins.draw(i);
    body.children[0].textContent = `${drawing.number(percent[0][i], 4)}%`;
    course.draw(percent, i);
  };
  return { draw };
}

// Sign of a target at (sample, unit): 1, -1, 0 for don't care, null where none is set yet.
function targetAt(text, units, n, j) {
  if (!text) return null;
  return { "+": 1, "-": -1, 0: 0 }[text[n * units + j]];
}

function layersPanel(root, run, player) {
  const { sizes, layers, activation } = run.fixed;
  const { body } = drawing.panel(root, "The layers, for one sample of the batch", "wide");
  body.innerHTML =
    `<div class="net"></div><p class="legend"><svg class="key" viewBox="-9 -9 18 18"><circle r="7" class="on"/></svg> on ` +
    `<svg class="key" viewBox="-9 -9 18 18"><circle r="7" class="off"/></svg> off ` +
    `<b class="met">✓</b> target met <b class="missed">✗</b> missed <b>·</b> no matter</p>` +
    `<fieldset class="edit"><legend>Sample</legend><label>Number in the batch ` +
    `<input type="range" min="1" max="1" value="1" step="1"> <output>1</output></label></fieldset>`;
  const place = body.children[0];
  const range = body.querySelector("input");
  const output = body.querySelector("output");
  range.addEventListener("input", () => player.redraw());
  const [width, most] = [600, 16];
  const tallest = Math.min(Math.max(...sizes), most);
  const height = Math.max(34 * tallest + 40, 150);
  const draw = (i) => {
    const X = run.value("X", i);
    range.max = X.length;
    const n = Math.min(Number(range.value), X.length) - 1;
    output.textContent = `${n + 1} of ${X.length}`;
    const p = drawing.place;
    const xs = sizes.map((_, l) => 64 + ((width - 110) * l) / (sizes.length - 1));
    const ys = (l, j) => {
      const shown = Math.min(sizes[l], most);
      return 24 + (height - 40) * ((j + 0.5) / shown);
    };
    const parts = [];
    for (let l = 1; l <= layers; l++) {
      const W = run.value(`W${l}`, i);
      if (!W) continue;
      const top = Math.max(...drawing.extremes(W.flat()).map(Math.abs), 1e-300);
      W.slice(0, most).forEach((row, j) =>
        row.slice(0, most).forEach((weight, k) => {
          const share = Math.abs(weight) / top;
          if (share < 0.04) return;
          parts.push(
            `<line class="weight ${weight > 0 ? "plus" : "minus"}" x1="${p(xs[l - 1])}" ` +
              `y1="${p(ys(l - 1, k))}" x2="${p(xs[l])}" y2="${p(ys(l, j))}" ` +
              `style="stroke-width:${p(0.4 + 2.6 * share)};opacity:${p(0.2 + 0.6 * share)}"/>`,
          );
        }),
      );
    }
    let spoken = [];
    sizes.forEach((count, l) => {
      const name = l === 0 ? "input" : l === layers ? "scores" : `layer ${l}`;
      parts.push(`<text class="tick" x="${p(xs[l])}" y="12" text-anchor="middle">${name}</text>`);
      const Z = l > 0 ? run.value(`Z${l}`, i)[n] : X[n];
      const t = l > 0 ? run.value(`t${l}`, i) : null;
      const shown = Math.min(count, most);
      const own = l === layers ? (run.value("classes", i) || [])[n] : null;
      for (let j = 0; j < shown; j++) {
        const [cx, cy] = [xs[l], ys(l, j)];
        if (l === 0 || l === layers) {
          const said = l === layers && formulas.largest(Z) === j;
          const style = l === layers ? (said ? "on" : "off") : "input";
          parts.push(`<circle class="${style}" cx="${p(cx)}" cy="${p(cy)}" r="10"/>`);
          const mark = l === layers && own === j ? "class" : drawing.number(Z[j], 2);
          const right = l === layers;
          parts.push(
            `<text class="value" x="${p(cx + (right ? 15 : -15))}" y="${p(cy + 4)}" ` +
              `text-anchor="${right ? "start" : "end"}">${right && own === j ? "✓" : right ? "" : mark}</text>`,
          );
          continue;
        }
        const fires = Z[j] > 0;
        parts.push(`<circle class="${fires ? "on" : "off"}" cx="${p(cx)}" cy="${p(cy)}" r="10"/>`);
        const target = targetAt(t, shown, n, j);
        if (target === null) continue;
        const sign = target === 0 ? "·" : target * Z[j] > 0 ? "✓" : "✗";
        const style = target === 0 ? "care" : target * Z[j] > 0 ? "met" : "missed";
        spoken.push(`layer ${l} unit ${j + 1} ${style}`);
        parts.push(
          `<text class="sign ${style}" x="${p(cx + 13)}" y="${p(cy - 6)}">${sign}</text>`,
        );
      }
    });
    place.innerHTML =
      `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Sample ${n + 1} in the net of ` +
      `${sizes.join(", ")} units (${activation}): ${spoken.join(", ") || "no targets set yet"}">${parts.join("")}</svg>`;
  };
  return { draw };
}

function targetsPanel(root, run, hidden) {
  const { body } = drawing.panel(root, "Targets met and missed", "tall");
  body.innerHTML =
    hidden
      .map((l) => `<h3>Layer ${l}</h3><div class="matrix"><canvas role="img"></canvas></div><p class="caption"></p>`)
      .join("") + `<p class="caption">Rows: units. Columns: samples. Full: met; crossed: missed; empty: does not matter.</p>`;
  const canvases = [...body.querySelectorAll("canvas")];
  const captions = [...body.querySelectorAll(".caption")];
  const draw = (i) => {
    const colours = ["--field", "--green", "--vermilion", "--panel"].map(drawing.resolved);
    hidden.forEach((l, at) => {
      const Z = run.value(`Z${l}`, i);
      const t = run.value(`t${l}`, i);
      const units = Z[0].length;
      let [met, asked] = [0, 0];
      drawing.cells(canvases[at], units, Z.length, (context, w, h) => {
        Z.forEach((row, n) =>
          row.forEach((z, j) => {
            const target = targetAt(t, units, n, j);
            const state = !target ? 0 : target * z > 0 ? 1 : 2;
            asked += state > 0;
            met += state === 1;
            context.fillStyle = colours[state];
            context.fillRect(n * w, j * h, w - 1, h - 1);
            if (state !== 2) return;
            context.strokeStyle = colours[3];
            context.lineWidth = 2;
            context.beginPath();
            context.moveTo(n * w + 2, j * h + 2);
            context.lineTo((n + 1) * w - 3, (j + 1) * h - 3);
            context.moveTo((n + 1) * w - 3, j * h + 2);
            context.lineTo(n * w + 2, (j + 1) * h - 3);
            context.stroke();
          }),
        );
      });
      captions[at].textContent = t
        ? `${met} of ${asked} shown are met.`
        : "Not set yet in this batch: the layers above come first.";
      canvases[at].setAttribute("aria-label", `Layer ${l}: ${captions[at].textContent}`);
    });
  };
  return { draw };
}

function marginsPanel(root, run) {
  const { loss, layers } = run.fixed;
  const { body } = drawing.panel(root, "Margins against the loss");
  const [width, height, left, bottom, top] = [440, 210, 42, 26, 12];
  const [low, high] = [loss.margins[0], loss.margins[loss.margins.length - 1]];
  const [least, most] = drawing.extremes(loss.values);
  const x = (m) => left + ((width - left - 10) * (Math.min(Math.max(m, low), high) - low)) / (high - low);
  const y = (v) => height - bottom - ((height - bottom - top) * (v - least)) / (most - least || 1);
  const p = drawing.place;
  const value = (m) => {
    const clipped = Math.min(Math.max(m, low), high);
    const at = ((clipped - low) / (high - low)) * (loss.margins.length - 1);
    const first = Math.min(Math.floor(at), loss.margins.length - 2);
    return loss.values[first] + (at - first) * (loss.values[first + 1] - loss.values[first]);
  };
  const curve = loss.margins.map((m, n) => `${p(x(m))},${p(y(loss.values[n]))}`).join("L");
  const frame =
    drawing.ticks(least, most).map((v) => `<line class="grid" x1="${left}" x2="${width - 10}" y1="${p(y(v))}" y2="${p(y(v))}"/><text class="tick" x="${left - 6}" y="${p(y(v) + 4)}" text-anchor="end">${drawing.number(v, 2)}</text>`).join("") +
    drawing.ticks(low, high, 6).map((m) => `<text class="tick" x="${p(x(m))}" y="${height - 8}" text-anchor="middle">${drawing.number(m, 2)}</text>`).join("") +
    `<line class="level" x1="${p(x(0))}" x2="${p(x(0))}" y1="${top}" y2="${height - bottom}"/>` +
    `<text class="level-label" x="${p(x(0) - 6)}" y="${top + 10}" text-anchor="end">missed</text>` +
    `<text class="level-label" x="${p(x(0) + 6)}" y="${top + 10}">met</text>` +
    `<path class="curve" d="M${curve}"/>`;
  body.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img">${frame}<g></g></svg><p class="caption"></p>`;
  const dots = body.querySelector("g");
  const draw = (i) => {
    const layer = run.frames[i].numbers ? run.frames[i].numbers.layer : layers;
    const t = layer < layers ? run.value(`t${layer}`, i) : null;
    const caption = body.querySelector(".caption");
    if (!t) {
      dots.innerHTML = "";
      caption.textContent = `l(m) = ${loss.formula}. The output layer has a loss of its own; go to a hidden layer.`;
      return;
    }
    const Z = run.value(`Z${layer}`, i);
    const parts = [];
    let missed = 0;
    Z.forEach((row, n) =>
      row.forEach((z, j) => {
        const target = targetAt(t, row.length, n, j);
        if (!target) return;
        const m = target * z;
        missed += m <= 0;
        const style = m > 0 ? "met" : "missed";
        parts.push(m > 0
          ? `<circle class="${style}" cx="${p(x(m))}" cy="${p(y(value(m)))}" r="3.5"/>`
          : `<path class="${style}" d="M${p(x(m) - 4)},${p(y(value(m)) - 4)}l8,8m0,-8l-8,8"/>`);
      }),
    );
    dots.innerHTML = parts.join("");
    caption.textContent =
      `l(m) = ${loss.formula}. Layer ${layer}: ${parts.length} targets, ${missed} missed. ` +
      `Margins beyond ±${drawing.number(high, 2)} stand at the edge.`;
    body.querySelector("svg").setAttribute("aria-label", caption.textContent);
  };
  return { draw };
}
