"use strict";
// The formulas that the page computes itself. Vectors are arrays, matrices arrays of rows.
// Each has its counterpart in the package, named beside it, and is tested against it.

const formulas = {};

// ------------------------------------------------------------------------------- small algebra

formulas.dot = (p, q) => {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += p[i] * q[i];
  return sum;
};
formulas.norm = (p) => Math.sqrt(formulas.dot(p, p));
formulas.unit = (p) => {
  const size = formulas.norm(p);
  return p.map((x) => x / size);
};

// ------------------------------------------------------- nets of step units (zeroone.bcd.objective)

// V W^T + b: layer_product.
formulas.layerProduct = (V, W, b) => V.map((v) => W.map((w, j) => formulas.dot(v, w) + b[j]));

formulas.tiny = 2.2250738585072014e-308; // the smallest positive normal number

// The u nearest to a that is silent, or that fires: zeroone.bcd.blocks.nearest_on_side.
formulas.nearestOnSide = (a, fires, margin) => {
  if (!fires) return Math.min(a, margin > 0 ? -margin : 0);
  return Math.max(a, margin > 0 ? margin : formulas.tiny);
};

// A forward pass through the hard net, with U moved out of the gap: initial_state.
formulas.forward = (X, weights, biases, margin) => {
  const state = { activations: [X], preactivations: [], products: [] };
  for (let i = 0; i < weights.length; i++) {
    const A = formulas.layerProduct(state.activations[i], weights[i], biases[i]);
    state.products.push(A);
    if (i === weights.length - 1) break;
    state.preactivations.push(
      A.map((row) => row.map((a) => formulas.nearestOnSide(a, a > 0, margin))),
    );
    state.activations.push(A.map((row) => row.map((a) => (a > 0 ? 1 : 0))));
  }
  state.scores = state.products[weights.length - 1];
  return state;
};

formulas.squaredDistance = (P, Q) => {
  let sum = 0;
  P.forEach((row, n) => row.forEach((p, j) => (sum += (p - Q[n][j]) ** 2)));
  return sum;
};

formulas.nonzeroGroups = (W, b, groups) => {
  if (groups === "rows") return W.filter((row, j) => b[j] !== 0 || row.some((x) => x !== 0)).length;
  return W[0].filter((_, k) => W.some((row) => row[k] !== 0)).length;
};

// F term by term after a forward pass, where V = step(U): zeroone.bcd.objective.objective.
formulas.objective = (state, Y, weights, biases, prices, names) => {
  const top = weights.length - 1;
  const terms = {};
  for (const name of names) {
    const [kind, number] = name.split("_");
    const i = Number(number) - 1;
    if (kind === "fit") terms[name] = formulas.squaredDistance(Y, state.products[top]) / 2;
    else if (kind === "coupling") {
      const distance = formulas.squaredDistance(state.preactivations[i], state.products[i]);
      terms[name] = (prices.tau[i] / 2) * distance;
    } else if (kind === "activation") terms[name] = 0;
    else if (kind === "ridge") {
      terms[name] = weights.reduce((sum, W, l) => {
        const squares = W.reduce((s, row) => s + formulas.dot(row, row), 0);
        return sum + (prices.gamma[l] / 2) * (squares + formulas.dot(biases[l], biases[l]));
      }, 0);
    } else if (kind === "sparsity") {
      terms[name] = weights.reduce(
        (sum, W, l) => sum + prices.lam[l] * formulas.nonzeroGroups(W, biases[l], prices.groups),
        0,
      );
    }
  }
  return terms;
};

formulas.largest = (scores) => {
  let best = 0;
  for (let k = 1; k < scores.length; k++) if (scores[k] > scores[best]) best = k;
  return best;
};

formulas.accuracy = (scores, labels) =>
  scores.filter((row, n) => formulas.largest(row) === labels[n]).length / labels.length;

// -------------------------------------------- the Gaussian network (zeroone.gaussian.population)

// The angle of unit filters: angle_between_units.
formulas.angle = (w, wStar) => {
  const D = w.map((x, i) => x - wStar[i]);
  const S = w.map((x, i) => x + wStar[i]);
  return 2 * Math.atan2(formulas.norm(D), formulas.norm(S));
};

formulas.populationLoss = (w, wStar, k) => (k / (2 * Math.PI)) * formulas.angle(w, wStar);

// P w*, from the smaller diagonal: zeroone.gaussian.filters.tangent.
formulas.tangent = (w, wStar) => {
  const near = formulas.dot(w, wStar) > 0;
  const diagonal = wStar.map((x, i) => (near ? x - w[i] : x + w[i]));
  const along = formulas.dot(w, diagonal);
  return diagonal.map((x, i) => x - along * w[i]);
};

// Zero where w and w* are parallel: true_gradient.
formulas.trueGradient = (w, wStar, k) => {
  const size = formulas.norm(w);
  const along = formulas.tangent(formulas.unit(w), wStar);
  const sine = formulas.norm(along);
  if (sine <= 4 * Number.EPSILON) return w.map(() => 0);
  return along.map((x) => (-k / (2 * Math.PI * size)) * (x / sine));
};

formulas.coarseGradient = (w, wStar, k) => {
  const direction = formulas.unit(w);
  return direction.map((x, i) => (k / (2 * Math.PI)) * (x - wStar[i]));
};

// The angle between two vectors of any length, NaN if one is zero.
formulas.angleOfVectors = (p, q) =>
  formulas.norm(p) * formulas.norm(q) > 0
    ? formulas.angle(formulas.unit(p), formulas.unit(q))
    : NaN;

// zeroone.gaussian.theory.smallest_delta; NaN where no delta allows beta.
formulas.smallestDelta = (beta, k) => {
  const ratio = (beta * 2 * Math.PI) / k;
  return ratio <= 1 ? Math.asin(ratio) : NaN;
};

// ------------------------------------------------------------- penalties (zeroone.penalties)

formulas.penalties = {
  l0: {
    value: (u) => u.filter((x) => x !== 0).length,
    prox: (x, t) => (Math.abs(x) > Math.sqrt(2 * t) ? x : 0),
  },
  l1: {
    value: (u) => u.reduce((sum, x) => sum + Math.abs(x), 0),
    prox: (x, t) => x - Math.min(Math.max(x, -t), t),
  },
  tl1: {
    value: (u, a) => u.reduce((sum, x) => sum + ((a + 1) * Math.abs(x)) / (a + Math.abs(x)), 0),
    prox: (x, t, a) => {
      const size = Math.abs(x);
      const m = Math.sqrt(2 * t * (a + 1));
      const threshold = m <= a ? (t * (a + 1)) / a : m - a / 2;
      if (size <= threshold) return 0;
      const s = a + size;
      const q = Math.min((m / s) * Math.sqrt((27 * a) / (8 * s)), 1);
      const shrinkage = Math.min(((4 * s) / 3) * Math.sin(Math.asin(q) / 3) ** 2, size);
      return Math.sign(x) * (size - shrinkage);
    },
  },
};

// RVSCGD with the expected coarse gradient, every block's variables: zeroone.gaussian.rvscgd.
formulas.rvscgd = (w0, wStar, options) => {
  const { k, penalty, lam, beta, eta, iterations, a = 1 } = options;
  const { prox, value } = formulas.penalties[penalty];
  const c = k / (2 * Math.PI);
  let w = formulas.unit(w0);
  let u = w;
  const steps = [];
  const record = (block, sweep) => {
    const gap = w.map((x, i) => x - u[i]);
    const angle = formulas.angle(w, wStar);
    steps.push({
      block,
      sweep,
      u,
      w,
      angle,
      terms: [c * angle, lam * value(u, a), (beta / 2) * formulas.dot(gap, gap)],
    });
  };
  record(null, 0);
  for (let iteration = 1; iteration <= iterations; iteration++) {
    u = w.map((x) => prox(x, lam / beta, a));
    record("u", iteration);
    const step = w.map((x, i) => x - eta * (c * (x - wStar[i]) + beta * (x - u[i])));
    w = formulas.unit(step);
    record("w", iteration);
  }
  return steps;
};
