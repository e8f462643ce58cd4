"""Claims: whole runs of block coordinate descent go down, and where the theory's edges lie."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd import full_batch as solver
from zeroone.bcd.neurons import sweep_neurons
from zeroone.claims.bcd.blocks import (
    KINDS,
    SOURCE,
    Problem,
    compare,
    layer_problems,
    log_uniform,
    random_data,
    wrong_ridge_sign,
    wrong_ridge_without_tau,
)
from zeroone.claims.claim import Claim, Kind
from zeroone.claims.guard import Checked
from zeroone.steps import Step
from zeroone.support.validation import BoolArray, FloatArray

Pair = tuple[FloatArray, FloatArray]
Settings = dict[str, Any]


# -------------------------------------------------------------------- runs, and F by its definition


def run_settings(rng: np.random.Generator, splitting: str, dtype: type) -> Settings:
    """Return the data and options of one whole run of block coordinate descent.

    Returns
    -------
    dict
        ``X``, ``Y``, ``hidden``, ``rng`` (a seed) and the options of the solver.
    """
    kind = str(rng.choice([*KINDS, *["uncentred"] * 3]))
    depth = int(rng.integers(1, 4))
    n_features, n_outputs = int(rng.integers(1, 6)), int(rng.integers(2, 4))
    X, Y = random_data(rng, kind, int(rng.integers(2, 30)), n_features, n_outputs)
    if kind == "uncentred":
        # Nearly collinear with the constant, and enough of it that single precision cannot tell.
        X = 10 + 1e-3 * rng.standard_normal((300, 3))
        Y = np.eye(n_outputs)[rng.integers(n_outputs, size=300)]
    hidden = [1 if kind == "one unit" else int(rng.integers(1, 7)) for _ in range(depth)]
    lam = float(rng.choice([0.0, 0.0, 0.05, 0.5]))
    return {
        "X": X.astype(dtype),
        "Y": Y.astype(dtype),
        "hidden": hidden,
        "rng": int(rng.integers(2**31)),
        "splitting": splitting,
        "sweeps": 6,
        "remedy": str(rng.choice(["tiny", "margin"])),
        "margin": log_uniform(rng, 0.01, 1.0),
        "tau": log_uniform(rng, 0.02, 10.0),
        "pi": log_uniform(rng, 0.05, 3.0),
        "gamma": 1e-3 if kind == "uncentred" else log_uniform(rng, 1e-3, 1.0),
        "lam": lam,
        "groups": str(rng.choice(["rows", "columns"])),
        "order": str(rng.choice(["backward", "forward", "random"])),
        "initialisation": str(rng.choice(["differences", "data-scaled", "random"])),
    }


def draw_runs(
    rng: np.random.Generator, count: int, *, splitting: str, dtype: type = np.float64
) -> list[Settings]:
    """Return the settings of `count` runs."""
    return [run_settings(rng, splitting, dtype) for _ in range(count)]


def plain_terms(state: Any, settings: Settings) -> dict[str, float]:
    """Return the terms of F(W, b, U, V) in double precision, straight from its definition."""
    doubles = [np.column_stack(layer).astype(np.float64) for layer in state.layers()]
    bits = [np.where(U > 0, 1.0, 0.0) for U in state.preactivations]
    hidden = bits if settings["splitting"] == "two" else state.activations[1:]
    inputs = [np.asarray(V, dtype=np.float64) for V in (settings["X"], *hidden)]
    computed = [
        np.column_stack([V, np.ones(len(V))]) @ W.T for V, W in zip(inputs, doubles, strict=True)
    ]
    terms = {"fit": 0.5 * np.sum((settings["Y"].astype(np.float64) - computed[-1]) ** 2)}
    for i, U in enumerate(state.preactivations):
        apart = np.sum((U.astype(np.float64) - computed[i]) ** 2)
        terms[f"coupling_{i + 1}"] = settings["tau"] / 2 * apart
        mismatch = np.sum((inputs[i + 1] - bits[i]) ** 2)
        terms[f"activation_{i + 1}"] = settings["pi"] / 2 * mismatch
    terms |= {"ridge": 0.0, "sparsity": 0.0}
    for i, W in enumerate(doubles):
        columns = settings["groups"] == "columns"
        groups = W[:, :-1].T if columns else W
        terms["ridge"] += settings["gamma"] / 2 * np.sum(W**2)
        if columns or i < len(bits):
            terms["sparsity"] += settings["lam"] * sum(1 for group in groups if any(group != 0))
    return {name: float(value) for name, value in terms.items()}


def plain_objective(state: Any, settings: Settings) -> float:
    """Return F, the sum of its terms."""
    return sum(plain_terms(state, settings).values())


def plain_objectives(iterate: Any, settings: Settings) -> Iterator[tuple[float, Step]]:
    """Yield F after each block update, computed by `plain_objective`, with the step.

    NaN stands for F where the step reports something else.
    """
    rounding = 1e-8 if settings["X"].dtype == np.float64 else 1e-3
    for step in iterate(**settings):
        value = plain_objective(step.state, settings)
        agreed = abs(step.objective_after - value) <= rounding * max(1.0, abs(value))
        yield value if agreed else np.nan, step


class PlantedSolver:
    """A solver with some of its block updates replaced by wrong ones.

    Parameters
    ----------
    of : module, default `zeroone.bcd.full_batch`
        Where the replacements go; it, or `run`, has ``iterate``.
    run : module, optional
        The solver, if it is another module that calls functions of the first.
    **functions
        Replacements by the name that they have there.
    """

    def __init__(
        self, of: ModuleType = solver, run: ModuleType | None = None, **functions: Any
    ) -> None:
        self.of, self.run, self.functions = of, run or of, functions

    def __call__(self, **settings: Any) -> Iterator[Step]:
        """Yield the steps of a run in which the replacements stand for the right updates."""
        right = {name: getattr(self.of, name) for name in self.functions}
        vars(self.of).update(self.functions)
        try:
            yield from self.run.iterate(**settings)
        finally:
            vars(self.of).update(right)


# ---------------------------------------------------------------------------- what the steps report


def draw_reports(rng: np.random.Generator, count: int) -> list[Settings]:
    """Return the settings of runs in the three-splitting form; of every fourth, in the other."""
    forms = ("three", "three", "three", "two")
    return [run_settings(rng, forms[case % 4], np.float64) for case in range(count)]


def measure_report(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare the objective that the steps report, and each of its terms, with the oracle's.

    And how many terms there are: in the two-splitting form none for the activations.
    """
    pairs: list[tuple[float, float]] = []
    for settings in runs:
        hidden = len(settings["hidden"]) * (1 if settings["splitting"] == "two" else 2)
        for step in iterate(**settings):
            terms = plain_terms(step.state, settings)
            pairs.append((step.objective_after, sum(terms.values())))
            pairs.append((len(step.after), 3 + hidden))
            pairs += [(step.after.get(name, 0.0), value) for name, value in terms.items()]
    return np.array(pairs)[:, 0], np.array(pairs)[:, 1]


def ridge_not_halved(**settings: Any) -> Iterator[Step]:
    """Yield the steps of a run that report gamma |W|^2 instead of (gamma/2) |W|^2."""
    for step in solver.iterate(**settings):
        yield replace(step, after={**step.after, "ridge": 2 * step.after["ridge"]})


def exchanged(**settings: Any) -> Iterator[Step]:
    """Yield the steps of a run that report one term under the name of another."""
    for step in solver.iterate(**settings):
        names = list(step.after)
        yield replace(step, after=dict(zip(names, [*step.after.values()][::-1], strict=True)))


def with_needless_terms(**settings: Any) -> Iterator[Step]:
    """Yield the steps of a run that report the activations' mismatch where there is none."""
    for step in solver.iterate(**settings):
        needless = {f"activation_{i + 1}": 0.0 for i in range(len(settings["hidden"]))}
        yield replace(step, after={**needless, **step.after})


OBJECTIVE = Claim(
    id="bcd.objective",
    statement="The objective that the steps report, term by term, is F.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_reports,
    measure=measure_report,
    subject=solver.iterate,
    planted={
        "ridge not halved": ridge_not_halved,
        "terms exchanged": exchanged,
        "terms that there are not": with_needless_terms,
    },
    tolerance=1e-10,
    cases=40,
)


# ---------------------------------------------------------------------------------- F does not rise


def measure_descent(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare F after with F before every block update of every run."""
    after: list[float] = []
    before: list[float] = []
    for settings in runs:
        previous = None
        for value, step in plain_objectives(iterate, settings):
            before.append(step.objective_before if previous is None else previous)
            after.append(value)
            previous = value
    return np.array(after), np.array(before)


def wrong_bits(bits: BoolArray, *arrays: FloatArray, **options: Any) -> int:
    """Turn the first neuron's bits round after all have been decided."""
    flipped = sweep_neurons(bits, *arrays, **options)
    bits[:, 0] ^= True
    return flipped


FORMS = {
    "two": "two-splitting form",
    "three": "three-splitting form",
    "joint": "three-splitting form, V and U of a neuron together",
}


def descent_claim(splitting: str, dtype: type) -> Claim:
    """Return the claim that F never rises in one splitting and one precision."""
    single = dtype is np.float32
    planted = {
        "ridge's sign": PlantedSolver(ridge_weights=wrong_ridge_sign),
        "tau forgotten": PlantedSolver(ridge_weights=wrong_ridge_without_tau),
    }
    if splitting == "two":
        planted["a neuron turned round"] = PlantedSolver(sweep_neurons=wrong_bits)
    return Claim(
        id=f"bcd.descent-{splitting}" + ("-float32" if single else ""),
        statement=f"F does not rise at any block update: {FORMS[splitting]}"
        + (", single precision." if single else "."),
        source=SOURCE + " and B2",
        kind=Kind.MONOTONE,
        hypotheses="full batch, 1 to 3 hidden layers, any order, rows or columns priced or not; "
        "duplicate samples, a constant feature, one sample, one unit, equal labels; uncentred and "
        "nearly collinear data",
        sample=partial(draw_runs, splitting=splitting, dtype=dtype),
        measure=measure_descent,
        subject=solver.iterate,
        planted=planted,
        tolerance=3e-6 if single else 1e-11,
        cases=40 if single else 60,
    )


DESCENT = tuple(
    descent_claim(splitting, dtype)
    for dtype in (np.float64, np.float32)
    for splitting in solver.SPLITTINGS
)


# -------------------------------------------------------------------------- the blocks come to rest


def measure_movement(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare the squared movement of a W- or V-block, weighed, with the fall of F that it brought.

    A block problem is gamma- (or pi-) strongly convex, so its minimiser lies at most
    sqrt(2 fall/gamma) away; summed over a run the movements are bounded by F at the start.
    """
    measured: list[float] = []
    theoretical: list[float] = []
    for settings in runs:
        weights: list[FloatArray] = []
        activations: list[FloatArray] = []
        for value, step in plain_objectives(iterate, {**settings, "lam": 0.0}):
            state, layer = step.state, int(step.block[1:]) - 1
            if weights and step.block[0] in "WV":
                of_weights = step.block[0] == "W"
                old = weights[layer] if of_weights else activations[layer + 1]
                moved = np.column_stack(state.layers()[layer])
                new = moved if of_weights else state.activations[layer + 1]
                price = settings["gamma"] if of_weights else settings["pi"]
                measured.append(price / 2 * float(np.sum((new - old) ** 2)))
                theoretical.append(step.decrease if np.isfinite(value) else np.nan)
            weights = [np.column_stack(layer) for layer in state.layers()]
            activations = [each.copy() for each in state.activations]
    return np.array(measured), np.array(theoretical)


MOVEMENT = Claim(
    id="bcd.movement",
    statement="(gamma/2)|dW|^2, and (pi/2)|dV|^2, are at most the fall of F in that update.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    hypotheses="lam = 0: the W- and V-subproblems are strongly convex",
    sample=partial(draw_runs, splitting="three"),
    measure=measure_movement,
    subject=solver.iterate,
    planted={"tau forgotten": PlantedSolver(ridge_weights=wrong_ridge_without_tau)},
    tolerance=1e-10,
    near=0.05,
    cases=40,
)


def measure_vanishing(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare the least movement of each block among K updates with sqrt(2 D / (price K)).

    D is what these updates took off F: by `plain_objective`, not by what the steps report.
    """
    measured: list[float] = []
    theoretical: list[float] = []
    for number, settings in enumerate(runs):
        sweeps = (2, 40, 2, 15)[number % 4]
        options = {**settings, "lam": 0.0, "sweeps": sweeps, "order": "backward"}
        last: dict[str, FloatArray] = {}
        moves: dict[str, list[float]] = {}
        falls: dict[str, float] = {}
        before = np.nan
        for value, step in plain_objectives(iterate, options):
            kind, layer = step.block[0], int(step.block[1:]) - 1
            if kind in "WV":
                rows = np.column_stack(step.state.layers()[layer])
                block = (rows if kind == "W" else step.state.activations[layer + 1]).copy()
                if step.block in last:
                    moves.setdefault(step.block, []).append(
                        float(np.linalg.norm(block - last[step.block]))
                    )
                    falls[step.block] = falls.get(step.block, 0.0) + before - value
                last[step.block] = block
            before = value
        for name, moved in moves.items():
            price = settings["gamma"] if name[0] == "W" else settings["pi"]
            # Rounding of F hides a fall that is smaller.
            if falls[name] > 1e-9 * before:
                measured.append(min(moved))
                theoretical.append(float(np.sqrt(2 * falls[name] / price / len(moved))))
    return np.array(measured), np.array(theoretical)


def thrown_far(*arrays: Any, **prices: Any) -> tuple[FloatArray, FloatArray]:
    """Throw the weights to the other side of the minimiser, always as far."""
    W, b = blocks.ridge_weights(*arrays, **prices)
    return W + np.copysign(100, -W.sum()), b


DIFFERENCES_VANISH = Claim(
    id="bcd.differences-vanish",
    statement="Among K updates of a W- or V-block some difference is at most sqrt(2 D / (price "
    "K)), D <= F_0 being what they took off F.",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    hypotheses="lam = 0; K from 1 to 39",
    sample=partial(draw_runs, splitting="three"),
    measure=measure_vanishing,
    subject=solver.iterate,
    planted={
        "weights thrown to and fro": PlantedSolver(ridge_weights=thrown_far),
    },
    tolerance=1e-5,  # the square root of F's rounding
    near=0.05,
    cases=28,
)


# --------------------------------------------------------------------- where the theory's edges lie


@dataclass(frozen=True)
class Firing:
    """One pre-activation a <= 0 that is to fire: whatever the margin, that costs less.

    Attributes
    ----------
    a, v, tau, pi : float
        With v > 1/2 and pi so large that firing is cheaper.
    margin : float
    """

    a: float
    v: float
    tau: float
    pi: float
    margin: float

    def cost(self, u: float) -> float:
        """Return (tau/2)(u - a)^2 + (pi/2)(v - step(u))^2."""
        bit = 1.0 if u > 0 else 0.0
        return self.tau / 2 * (u - self.a) ** 2 + self.pi / 2 * (self.v - bit) ** 2

    @property
    def limit(self) -> float:
        """The cost of firing as u > 0 goes to 0."""
        return self.tau / 2 * self.a**2 + self.pi / 2 * (self.v - 1) ** 2


def draw_firing(rng: np.random.Generator, count: int) -> list[Firing]:
    """Return entries that fire, with margins from large to tiny."""
    drawn = []
    for _ in range(count):
        a = -abs(float(rng.standard_normal())) * float(rng.choice([0.0, 1.0, 100.0]))
        v, tau = 0.6 + abs(float(rng.standard_normal())), log_uniform(rng, 0.05, 5.0)
        margin = log_uniform(rng, 1e-12, 1e3)
        gain = v**2 - (v - 1) ** 2
        pi = tau * (margin - a) ** 2 / gain * float(rng.uniform(1.1, 3.0)) + 0.1
        drawn.append(Firing(a, v, tau, pi, margin))
    return drawn


def chosen(update: Any, at: Firing, margin: float) -> float:
    """Return the u that a U-block chooses."""
    A, V = np.array([[at.a]]), np.array([[at.v]])
    return float(update(A, V, tau=at.tau, pi=at.pi, margin=margin)[0, 0])


def measure_infimum(update: Any, instances: list[Firing]) -> Pair:
    """Compare the cost of the u > 0 that is chosen with the infimum, a limit that needs u = 0."""
    values = [at.cost(chosen(update, at, 0.0)) for at in instances]
    return np.array(values), np.array([at.limit for at in instances])


def measure_halving(update: Any, instances: list[Firing]) -> Pair:
    """Compare the cost at half a margin with the cost at the margin."""
    margins = [(at, [at.margin / 2, at.margin]) for at in instances]
    values = [[at.cost(chosen(update, at, each)) for each in both] for at, both in margins]
    return np.array(values)[:, 0], np.array(values)[:, 1]


def at_zero(A: FloatArray, V: FloatArray, **prices: float) -> FloatArray:
    """Take u = 0 for a unit that should fire, as if step(0) were 1."""
    U = blocks.update_preactivations(A, V, **prices)
    return np.where((U > 0) & (A <= 0), 0.0, U)


def mirrored(A: FloatArray, V: FloatArray, **prices: float) -> FloatArray:
    """Keep away from the threshold by the distance of a as well."""
    U = blocks.update_preactivations(A, V, **prices)
    return np.where((U > 0) & (A <= 0), U + np.abs(A) + 1e-3, U)


def doubled_back(A: FloatArray, V: FloatArray, *, margin: float, **prices: float) -> FloatArray:
    """Go the farther from the threshold the smaller the margin is."""
    U = blocks.update_preactivations(A, V, margin=margin, **prices)
    return np.where((U > 0) & (A <= 0), 1 / U, U)


INFIMUM = Claim(
    id="bcd.infimum",
    statement="For a <= 0 the tiny u > 0 costs what the limit at u = 0 does, where step is 0.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=draw_firing,
    measure=measure_infimum,
    subject=blocks.update_preactivations,
    planted={"u = 0 where a unit is to fire": at_zero, "farther than need be": mirrored},
    tolerance=1e-15,
    scale=1e-300,
    cases=1000,
    hypotheses="firing is the cheaper: pi (2 v - 1) > tau (margin - a)^2",
)


INFIMUM_NOT_ATTAINED = Claim(
    id="bcd.infimum-not-attained",
    statement="Every margin is beaten by its half: the infimum over u > 0 is not attained.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_firing,
    measure=measure_halving,
    subject=blocks.update_preactivations,
    planted={"the farther the smaller the margin": doubled_back},
    tolerance=1e-15,
    cases=1000,
    hypotheses="firing is the cheaper at the larger margin",
)


def measure_crossing(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare F's U-block after an update with what it was before, margins set at crossings only.

    The rule decides as if there were no margin, and puts u at +-margin only where it crosses the
    threshold. Before: U as the same rule left it when V was step(U) of the sampled problem. Then V
    moves.
    """
    A, V, margin = problem.computed(0), problem.V[1], problem.margin
    price = {"tau": problem.tau[0], "pi": problem.pi[0]}

    def crossing_only(V: FloatArray) -> FloatArray:
        U = update(A, V, margin=0.0, **price)
        crossed = (U > 0) != (A > 0)
        return np.where(crossed, np.where(U > 0, margin, -margin), A)

    def value(U: FloatArray) -> float:
        mismatch = np.sum((V - np.where(U > 0, 1.0, 0.0)) ** 2)
        return float(price["tau"] / 2 * np.sum((U - A) ** 2) + price["pi"] / 2 * mismatch)

    before = crossing_only(np.where(problem.U[0] > 0, 1.0, 0.0))
    return value(crossing_only(V)), value(before)


def entry_by_entry(
    A: FloatArray, V: FloatArray, *, tau: float, pi: float, margin: float
) -> FloatArray:
    """Return the U-block from its definition, each entry by trying both sides."""
    U = np.empty_like(A)
    for place in np.ndindex(A.shape):
        a = float(A[place])
        firing, silent = max(a, margin, 1e-300), min(a, -margin)
        costs = [
            tau / 2 * (u - a) ** 2 + pi / 2 * (V[place] - bit) ** 2
            for bit, u in ((1, firing), (0, silent))
        ]
        U[place] = firing if costs[0] < costs[1] else silent
    return U


CROSSING_MARGINS = Claim(
    id="bcd.crossing-margins",
    statement="Margins set only where the threshold is crossed can raise F.",
    source="docs/theory.md#b1",
    kind=Kind.COUNTEREXAMPLE,
    sample=layer_problems,
    measure=Checked(compare(measure_crossing), entry_by_entry),
    subject=blocks.update_preactivations,
    planted={"nothing crosses": lambda A, V, **prices: A},
    tolerance=1e-3,
    cases=200,
)


CLAIMS = (
    OBJECTIVE,
    *DESCENT,
    MOVEMENT,
    DIFFERENCES_VANISH,
    INFIMUM,
    INFIMUM_NOT_ATTAINED,
    CROSSING_MARGINS,
)
