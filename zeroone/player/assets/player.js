"use strict";
// The player: it unpacks the recording, keeps the present frame, and tells the view to draw it.

const views = {
  "block-coordinate-descent": blockCoordinateDescent,
  rvscgd: rvscgdView,
  "target-propagation": targetPropagation,
  "coarse-gradient": coarseGradient,
  terms: coursesOfTerms,
};

async function unpacked(letters) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("This page needs a browser of 2023 or later.");
  const bytes = Uint8Array.from(atob(letters.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// A recording whose variables can be asked for at any frame.
class Run {
  constructor(recording) {
    Object.assign(this, recording);
    this.changes = new Map();
    this.frames.forEach((frame, i) => {
      for (const name of Object.keys(frame.set || {})) {
        if (!this.changes.has(name)) this.changes.set(name, []);
        this.changes.get(name).push(i);
      }
    });
    this.changing = this.frames.flatMap((frame, i) => (frame.happened && i > 0 ? [i] : []));
    this.totals = this.frames.map((frame) => sum(frame.terms));
  }

  // The value of a variable after frame i: the last that was set, by bisection.
  value(name, i) {
    const at = this.changes.get(name);
    if (!at || at[0] > i) return undefined;
    let [low, high] = [0, at.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (at[middle] <= i) low = middle;
      else high = middle - 1;
    }
    return this.frames[at[low]].set[name];
  }

  before(i) {
    return this.frames[i].before || (i > 0 ? this.frames[i - 1].terms : this.frames[i].terms);
  }

  number(name) {
    return this.frames.map((frame) => {
      const value = frame.numbers ? frame.numbers[name] : undefined;
      return value === null || value === undefined ? NaN : value;
    });
  }
}

function sum(terms) {
  return terms.reduce((total, each) => total + (each === null ? 0 : each), 0);
}

class Player {
  constructor(run) {
    this.run = run;
    this.present = 0;
    this.timer = null;
    this.find = (id) => document.getElementById(id);
    if (run.separate) this.find("objective-title").textContent = "Losses of the layers";
    if (run.more) this.find("more").hidden = false;
    this.find("shapes-panel").hidden = !run.blocks.some((block) => block.shapes.length);
    this.find("worked-panel").hidden = !run.frames.some((frame) => frame.worked);
    this.view = views[run.kind](this.find("pictures"), run, this);
    this.objective = objectiveView(this.find("objective"), run);
    const slider = this.find("slider");
    slider.max = run.frames.length - 1;
    slider.addEventListener("input", () => this.go(Number(slider.value)));
    this.listen("first", () => this.go(0));
    this.listen("last", () => this.go(this.last));
    this.listen("back", () => this.go(this.present - 1));
    this.listen("forward", () => this.go(this.present + 1));
    this.listen("change", () => this.toChange(1));
    this.listen("play", () => (this.timer === null ? this.play() : this.pause()));
    this.find("speed").addEventListener("change", () => this.timer !== null && this.play());
    document.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("resize", () => this.redraw());
    this.go(0);
  }

  get last() {
    return this.run.frames.length - 1;
  }

  listen(id, action) {
    this.find(id).addEventListener("click", action);
  }

  go(i) {
    const wanted = Math.min(Math.max(i, 0), this.last);
    if (this.timer !== null && wanted === this.last) this.pause();
    this.present = wanted;
    this.redraw();
  }

  toChange(direction) {
    const at = this.run.changing;
    const next =
      direction > 0 ? at.find((i) => i > this.present) : at.findLast((i) => i < this.present);
    this.go(next === undefined ? (direction > 0 ? this.last : 0) : next);
  }

  redraw() {
    const i = this.present;
    const frame = this.run.frames[i];
    const status = this.sentence(i);
    this.find("slider").value = i;
    this.find("slider").setAttribute("aria-valuetext", status);
    this.find("status").textContent = status;
    this.view.draw(i);
    this.objective.draw(i, this.view.edited ? this.view.edited() : null);
    tellBlock(this.find("equation"), this.find("shapes"), this.run, frame);
    tellWorked(this.find("worked"), frame);
  }

  // What a screen reader says of a frame.
  sentence(i) {
    const frame = this.run.frames[i];
    const place = `Step ${i} of ${this.last}`;
    const block = frame.block === null ? null : this.run.blocks[frame.block];
    const happened = frame.happened || "nothing else changes";
    const symbol = this.run.symbol;
    if (!block) return `${place}. ${frame.happened || "The start"}. ${symbol} = ${this.total(i)}.`;
    if (frame.terms.every((each) => each === null))
      return `${place}, ${this.run.turn} ${frame.sweep}: ${block.name}. ${happened}.`;
    const own = this.run.separate ? this.ownTerm(i) : null;
    const before = drawing.number(own ? own.before : sum(this.run.before(i)));
    const after = own ? drawing.number(own.after) : this.total(i);
    const name = own ? own.name : symbol;
    const change = before === after ? `${name} stays ${before}` : `${name} ${before} → ${after}`;
    return `${place}, ${this.run.turn} ${frame.sweep}: ${block.name}. ${change}; ${happened}.`;
  }

  // Of losses that are not terms of one sum, the one that the step moved.
  ownTerm(i) {
    const { terms } = this.run.frames[i];
    const before = this.run.before(i);
    const n = terms.findLastIndex((each, at) => each !== null && each !== before[at]);
    const at = n < 0 ? terms.findLastIndex((each) => each !== null) : n;
    return at < 0 ? null : { name: this.run.terms[at], before: before[at], after: terms[at] };
  }

  total(i) {
    return drawing.number(this.run.totals[i]);
  }

  play() {
    clearInterval(this.timer);
    if (this.present === this.last) this.go(0);
    const speed = Number(this.find("speed").value);
    // Screens show some 30 pictures a second: beyond that, frames are passed over.
    const pause = Math.max(800 / speed, 33);
    const stride = Math.max(1, Math.round((speed * pause) / 800));
    this.timer = setInterval(() => this.go(this.present + stride), pause);
    this.button(true);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = null;
    this.button(false);
  }

  button(playing) {
    const button = this.find("play");
    button.querySelector("span").textContent = playing ? "Pause" : "Play";
    const shape = playing ? "M3 2h3.5v12H3zM9.5 2H13v12H9.5z" : "M4 2v12l9-6z";
    button.querySelector("path").setAttribute("d", shape);
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    // A screen reader says where playing stopped, and not each step on the way.
    this.find("status").setAttribute("aria-live", playing ? "off" : "polite");
  }

  faster(direction) {
    const select = this.find("speed");
    const wanted = select.selectedIndex + direction;
    select.selectedIndex = Math.min(Math.max(wanted, 0), select.length - 1);
    if (this.timer !== null) this.play();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    const typing = target.matches("select, input:not(#slider), textarea");
    const pressing = target.matches("button") && (event.key === " " || event.key === "Enter");
    if (typing || pressing) return;
    const actions = {
      ArrowLeft: () => this.go(this.present - 1),
      ArrowRight: () => this.go(this.present + 1),
      ArrowDown: () => this.go(this.present - 1),
      ArrowUp: () => this.go(this.present + 1),
      Home: () => this.go(0),
      End: () => this.go(this.last),
      n: () => this.toChange(1),
      p: () => this.toChange(-1),
      " ": () => (this.timer === null ? this.play() : this.pause()),
      "+": () => this.faster(1),
      "-": () => this.faster(-1),
    };
    const vertical = event.key === "ArrowUp" || event.key === "ArrowDown";
    // Away from the slider, up and down scroll the page.
    if (!actions[event.key] || (vertical && target.id !== "slider")) return;
    event.preventDefault();
    actions[event.key]();
  }
}

// What a block's update is. It is put into the page once, and shown whenever the block moves.
function tellBlock(equation, shapes, run, frame) {
  const number = String(frame.block);
  for (const [place, content] of [[equation, equationOf], [shapes, shapesOf]]) {
    if (place.dataset.block === number) continue;
    place.dataset.block = number;
    for (const each of place.children) each.hidden = each.dataset.of !== number;
    if ([...place.children].some((each) => each.dataset.of === number)) continue;
    const box = document.createElement("div");
    box.dataset.of = number;
    box.innerHTML = content(run, frame.block);
    place.append(box);
  }
}

function equationOf(run, number) {
  if (number === null) return `${run.fixed.objective || ""}<p>No block has moved yet.</p>`;
  const escape = drawing.escape;
  const block = run.blocks[number];
  const notes = block.notes.map(
    ([label, text]) => `<p class="note"><b>${escape(label)}</b> ${escape(text)}</p>`,
  );
  return (
    `<p><b class="block">${escape(block.name)}</b> ${escape(block.heading)}</p>` +
    `<div class="math">${block.equations.join("")}</div>${notes.join("")}` +
    (block.source ? `<p class="source">Derived in ${escape(block.source)}</p>` : "")
  );
}

function shapesOf(run, number) {
  if (number === null) return "<p>They are those of the block that moves.</p>";
  const escape = drawing.escape;
  const rows = run.blocks[number].shapes.map(([name, shape, text]) => [
    `<th scope="row">${escape(name)}</th>`,
    `<td class="figure">${shape.join(" × ")}</td>`,
    `<td>${escape(text)}</td>`,
  ]);
  return rows.length
    ? drawing.table(["array", "shape", "what it is"], rows, "Arrays that take part")
    : "<p>None are told.</p>";
}

function tellWorked(body, frame) {
  const worked = frame.worked;
  if (!worked) {
    const why = frame.block === null ? "Go a step forward." : "There is no number for this step.";
    body.innerHTML = `<p>${why}</p>`;
    return;
  }
  const escape = drawing.escape;
  const lines = worked.lines.map(
    ([label, text]) => `<dt>${escape(label)}</dt><dd>${escape(text)}</dd>`,
  );
  const rows = worked.comparisons.map(([name, hand, library, agrees]) => [
    `<th scope="row">${escape(name)}</th>`,
    `<td class="figure">${hand}</td>`,
    `<td class="figure">${library}</td>`,
    `<td class="${agrees ? "agrees" : "differs"}">${agrees ? "✓ agree" : "✗ DIFFERS"}</td>`,
  ]);
  body.innerHTML =
    `<p>${escape(worked.title)}</p><dl>${lines.join("")}</dl>` +
    drawing.table(["", "by hand", "library", ""], rows, "By hand and by the library");
}

function useTheme() {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const dark = () =>
    root.dataset.theme
      ? root.dataset.theme === "dark"
      : window.matchMedia("(prefers-color-scheme: dark)").matches;
  const tell = () => {
    button.textContent = dark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(dark()));
    button.setAttribute("aria-label", dark() ? "Change to light" : "Change to dark");
    if (window.zeroone && window.zeroone.player) window.zeroone.player.redraw();
  };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    tell();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  tell();
}

function useHelp() {
  const button = document.getElementById("help-button");
  const help = document.getElementById("help");
  button.addEventListener("click", () => {
    help.hidden = !help.hidden;
    button.setAttribute("aria-expanded", String(!help.hidden));
  });
}

window.zeroone = { formulas, drawing, ready: null, player: null };
window.zeroone.ready = (async () => {
  useHelp();
  try {
    const recording = await unpacked(document.getElementById("recording").textContent);
    window.zeroone.player = new Player(new Run(recording));
    useTheme();
  } catch (error) {
    const failure = document.getElementById("failure");
    failure.hidden = false;
    failure.textContent = `The run cannot be shown: ${error.message}`;
    throw error;
  }
})();
