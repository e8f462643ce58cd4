"use strict";
// What all views draw with: numbers as text, arrows, charts, bars, tables.

const drawing = {};

drawing.escape = (text) =>
  String(text).replace(
    /[&<>"']/g,
    (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c],
  );

// A number with so many significant digits, as Python's ":.6g" prints it.
drawing.number = (value, digits = 6) => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power < -4 || power >= digits) {
    const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    const size = String(Math.abs(power)).padStart(2, "0");
    return `${short}e${power < 0 ? "-" : "+"}${size}`;
  }
  const fixed = value.toFixed(Math.max(digits - 1 - power, 0));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
};

// A position in a picture: a tenth of a pixel is enough.
drawing.place = (value) => Math.round(value * 10) / 10;

// A box with a heading; "wide" and "tall" ones take more room on a large screen.
drawing.panel = (parent, title, style = "") => {
  const section = document.createElement("section");
  section.className = `panel ${style}`;
  const heading = document.createElement("h2");
  heading.textContent = title;
  const body = document.createElement("div");
  body.className = "body";
  section.append(heading, body);
  section.setAttribute("aria-label", title);
  parent.append(section);
  return { section, heading, body };
};

drawing.colours = ["--blue", "--vermilion", "--green", "--purple", "--orange", "--sky", "--ink"];
drawing.colour = (number) => `var(${drawing.colours[number % drawing.colours.length]})`;

// Marks of classes that differ in form as well as in colour, around (x, y).
drawing.mark = (number, x, y, size, attributes = "") => {
  const [px, py] = [drawing.place(x), drawing.place(y)];
  const form = number % 4;
  if (form === 0) return `<circle cx="${px}" cy="${py}" r="${size}" ${attributes}/>`;
  const corners = [
    null,
    [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    [[0, -1.3], [1.2, 0.9], [-1.2, 0.9]],
    [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
  ][form];
  const points = corners
    .map(([dx, dy]) => `${drawing.place(x + dx * size * 0.9)},${drawing.place(y + dy * size * 0.9)}`)
    .join(" ");
  return `<polygon points="${points}" ${attributes}/>`;
};

// An arrow; its label stands beyond its end, and beside it by so much.
drawing.arrow = (x1, y1, x2, y2, style, label = "", beside = 0) => {
  const length = Math.hypot(x2 - x1, y2 - y1);
  if (!(length > 0.5)) return "";
  const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
  const head = Math.min(10, length * 0.6);
  const [bx, by] = [x2 - ux * head, y2 - uy * head];
  const p = drawing.place;
  const wings = [
    [x2, y2],
    [bx - uy * head * 0.45, by + ux * head * 0.45],
    [bx + uy * head * 0.45, by - ux * head * 0.45],
  ].map(([x, y]) => `${p(x)},${p(y)}`);
  const text = label
    ? `<text class="arrow-label" x="${p(x2 + ux * 12 - uy * beside)}" y="${p(y2 + uy * 12 + ux * beside + 4)}" ` +
      `text-anchor="${Math.abs(ux) < 0.35 ? "middle" : ux > 0 ? "start" : "end"}">${label}</text>`
    : "";
  return (
    `<g class="arrow ${style}"><line x1="${p(x1)}" y1="${p(y1)}" x2="${p(bx)}" y2="${p(by)}"/>` +
    `<polygon points="${wings.join(" ")}"/>${text}</g>`
  );
};

// Round numbers at which an axis is marked.
drawing.ticks = (low, high, count = 4) => {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((each) => each >= rough);
  const found = [];
  for (let x = Math.ceil(low / step) * step; x <= high + step * 1e-9; x += step)
    found.push(Math.abs(x) < step * 1e-9 ? 0 : x);
  return found;
};

// The numbers at an axis, with as many digits as it takes to tell one from the next.
drawing.labels = (ticks) => {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : Math.abs(ticks[0]) || 1;
  const most = Math.max(...ticks.map(Math.abs));
  if (!(most < 1e5 && step > 1e-4)) return ticks.map((value) => drawing.number(value, 3));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return ticks.map((value) => value.toFixed(decimals));
};

// At most so many points of a line, the lowest and the highest of each stretch among them.
drawing.thinned = (values, most = 400) => {
  const points = [];
  const stretch = Math.max(1, Math.ceil((2 * values.length) / most));
  for (let first = 0; first < values.length; first += stretch) {
    const end = Math.min(first + stretch, values.length);
    let low = first;
    let high = first;
    for (let i = first; i < end; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    const chosen = new Set([first, low, high, end - 1]);
    for (const i of [...chosen].sort((p, q) => p - q))
      if (Number.isFinite(values[i])) points.push([i, values[i]]);
  }
  return points;
};

// The course of one or more quantities over all frames: faint as a whole, strong up to the present.
drawing.course = (body, options) => {
  const { lines, label, level, height = 150, low, floor } = options;
  const [width, left, right, top, bottom] = [420, 52, 10, 10, 22];
  let count = 0;
  let x = null;
  let y = null;
  const build = (all) => {
    count = all[0].length;
    const values = all.flat().filter(Number.isFinite);
    if (!values.length) values.push(0);
    if (level !== undefined && Number.isFinite(level)) values.push(level);
    let least = low !== undefined ? low : Math.min(...extremes(values));
    let most = Math.max(...extremes(values));
    if (floor !== undefined) most = Math.max(most, floor);
    if (!(most > least)) [least, most] = [least - 0.5, least + 0.5];
    x = (i) => left + ((width - left - right) * i) / Math.max(count - 1, 1);
    y = (value) => height - bottom - ((height - top - bottom) * (value - least)) / (most - least);
    const p = drawing.place;
    const heights = drawing.ticks(least, most);
    const names = drawing.labels(heights);
    const grid = heights
      .map(
        (value, n) =>
          `<line class="grid" x1="${left}" x2="${width - right}" y1="${p(y(value))}" ` +
          `y2="${p(y(value))}"/><text class="tick" x="${left - 6}" y="${p(y(value) + 4)}" ` +
          `text-anchor="end">${names[n]}</text>`,
      );
    const axis = drawing
      .ticks(0, count - 1, 5)
      .filter((i) => Number.isInteger(i))
      .map(
        (i) =>
          `<text class="tick" x="${p(x(i))}" y="${height - 6}" text-anchor="middle">${i}</text>`,
      );
    const paths = all.map((each) => {
      const points = drawing.thinned(each).map(([i, value]) => `${p(x(i))},${p(y(value))}`);
      return points.length ? `M${points.join("L")}` : "";
    });
    const drawn = (style) =>
      paths
        .map((d, n) => `<path class="course ${style}" style="stroke:${lines[n].colour}" d="${d}"/>`)
        .join("");
    const mark =
      level !== undefined && Number.isFinite(level)
        ? `<line class="level" x1="${left}" x2="${width - right}" y1="${p(y(level))}" ` +
          `y2="${p(y(level))}"/><text class="level-label" x="${width - right}" ` +
          `y="${p(y(level) - 5)}" text-anchor="end">${options.levelLabel}</text>`
        : "";
    const clip = `clip-${Math.random().toString(36).slice(2)}`;
    body.innerHTML =
      `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${drawing.escape(label)}">` +
      `${grid.join("")}${axis.join("")}<clipPath id="${clip}"><rect x="0" y="0" width="0" ` +
      `height="${height}"/></clipPath>${drawn("faint")}<g clip-path="url(#${clip})">` +
      `${drawn("strong")}</g>${mark}<line class="now" y1="${top}" y2="${height - bottom}"/>` +
      `${lines.map((each) => `<circle class="now-dot" r="4" style="fill:${each.colour}"/>`).join("")}</svg>`;
  };
  const draw = (all, i) => {
    const p = drawing.place;
    const at = x(i);
    body.querySelector("clipPath rect").setAttribute("width", p(at + 1));
    const now = body.querySelector(".now");
    now.setAttribute("x1", p(at));
    now.setAttribute("x2", p(at));
    body.querySelectorAll(".now-dot").forEach((dot, n) => {
      const value = all[n][i];
      const seen = Number.isFinite(value);
      dot.style.display = seen ? "" : "none";
      if (!seen) return;
      dot.setAttribute("cx", p(at));
      dot.setAttribute("cy", p(y(value)));
    });
  };
  return { build, draw };
};

// The least and the greatest, without an argument for each.
function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
drawing.extremes = extremes;

// A matrix of small cells on a canvas; fill(row, column) gives the name of a colour.
drawing.cells = (canvas, rows, columns, paint) => {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.max(canvas.parentElement.clientWidth, 200);
  const size = Math.max(Math.min(width / columns, 22), 1.5);
  const tall = Math.max(Math.min(size, 22), Math.min(10, 220 / rows));
  canvas.width = Math.round(size * columns * ratio);
  canvas.height = Math.round(tall * rows * ratio);
  canvas.style.width = `${size * columns}px`;
  canvas.style.height = `${tall * rows}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.clearRect(0, 0, size * columns, tall * rows);
  paint(context, size, tall);
};

drawing.resolved = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

drawing.table = (head, rows, caption) =>
  `<table><caption class="unseen">${drawing.escape(caption)}</caption><thead><tr>` +
  head.map((each) => `<th scope="col">${drawing.escape(each)}</th>`).join("") +
  `</tr></thead><tbody>${rows.map((row) => `<tr>${row.join("")}</tr>`).join("")}</tbody></table>`;
