"""Claims: whole runs of block coordinate descent go down, and where the theory's edges lie."""

from collections.abc import Iterator
from dataclasses import replace
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


def plain_objective(state: Any, settings: Settings) -> float:
    """Return F(W, b, U, V) in double precision, straight from its definition."""
    doubles = [np.column_stack(layer).astype(np.float64) for layer in state.layers()]
    bits = [np.where(U > 0, 1.0, 0.0) for U in state.preactivations]
    hidden = bits if settings["splitting"] == "two" else state.activations[1:]
    inputs = [np.asarray(V, dtype=np.float64) for V in (settings["X"], *hidden)]
    computed = [
        np.column_stack([V, np.ones(len(V))]) @ W.T for V, W in zip(inputs, doubles, strict=True)
    ]
    total = 0.5 * np.sum((settings["Y"].astype(np.float64) - computed[-1]) ** 2)
    for i, U in enumerate(state.preactivations):
        total += settings["tau"] / 2 * np.sum((U.astype(np.float64) - computed[i]) ** 2)
        total += settings["pi"] / 2 * np.sum((inputs[i + 1] - bits[i]) ** 2)
    for i, W in enumerate(doubles):
        columns = settings["groups"] == "columns"
        groups = W[:, :-1].T if columns else W
        total += settings["gamma"] / 2 * np.sum(W**2)
        if columns or i < len(bits):
            total += settings["lam"] * sum(1 for group in groups if any(group != 0))
    return float(total)


def plain_objectives(iterate: Any, settings: Settings) -> Iterator[tuple[float, Step]]:
    """Yield F after each block update, computed by `plain_objective`, with the step."""
    for step in iterate(**settings):
        yield plain_objective(step.state, settings), step


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


def measure_report(iterate: Any, runs: list[Settings]) -> Pair:
    """Compare the objective that the steps report with the oracle's."""
    pairs = [
        (step.objective_after, value)
        for settings in runs
        for value, step in plain_objectives(iterate, settings)
    ]
    return np.array(pairs)[:, 0], np.array(pairs)[:, 1]


def ridge_not_halved(**settings: Any) -> Iterator[Step]:
    """Yield the steps of a run that report gamma |W|^2 instead of (gamma/2) |W|^2."""
    for step in solver.iterate(**settings):
        yield replace(step, after={**step.after, "ridge": 2 * step.after["ridge"]})


OBJECTIVE = Claim(
    id="bcd.objective",
    statement="The objective that the steps report, term by term, is F.",
    source=SOURCE,
    kind=Kind.EQUALITY,
    sample=partial(draw_runs, splitting="three"),
    measure=measure_report,
    subject=solver.iterate,
    planted={"ridge not halved": ridge_not_halved},
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
        cases=60,
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
        for step in iterate(**{**settings, "lam": 0.0}):
            state, layer = step.state, int(step.block[1:]) - 1
            if weights and step.block[0] in "WV":
                of_weights = step.block[0] == "W"
                old = weights[layer] if of_weights else activations[layer + 1]
                moved = np.column_stack(state.layers()[layer])
                new = moved if of_weights else state.activations[layer + 1]
                price = settings["gamma"] if of_weights else settings["pi"]
                measured.append(price / 2 * float(np.sum((new - old) ** 2)))
                theoretical.append(step.decrease)
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
    """Compare the least W- and V-movement among K sweeps with sqrt(2 F_0 / (price K))."""
    measured: list[float] = []
    theoretical: list[float] = []
    sweeps = 60
    for settings in runs:
        options = {**settings, "lam": 0.0, "sweeps": sweeps, "order": "backward"}
        previous: dict[str, FloatArray] = {}
        least: dict[str, float] = {}
        first: Step | None = None
        for step in iterate(**options):
            first = first or step
            kind, layer = step.block[0], int(step.block[1:]) - 1
            if kind not in "WV":
                continue
            rows = np.column_stack(step.state.layers()[layer])
            block = rows if kind == "W" else step.state.activations[layer + 1]
            if step.block in previous:
                moved = float(np.linalg.norm(block - previous[step.block]))
                least[step.block] = min(least.get(step.block, np.inf), moved)
            previous[step.block] = block.copy()
        assert first is not None
        for name, moved in least.items():
            price = settings["gamma"] if name[0] == "W" else settings["pi"]
            measured.append(moved)
            theoretical.append(float(np.sqrt(2 * first.objective_before / price / (sweeps - 1))))
    return np.array(measured), np.array(theoretical)


def thrown_far(*arrays: Any, **prices: Any) -> tuple[FloatArray, FloatArray]:
    """Throw the weights to the other side of the minimiser, always as far."""
    W, b = blocks.ridge_weights(*arrays, **prices)
    return W + np.copysign(100, -W.sum()), b


DIFFERENCES_VANISH = Claim(
    id="bcd.differences-vanish",
    statement="Among K sweeps some W- and V-difference is at most sqrt(2 F_0 / (price K)).",
    source=SOURCE,
    kind=Kind.UPPER_BOUND,
    hypotheses="lam = 0; the falls of F add up to at most F_0",
    sample=partial(draw_runs, splitting="three"),
    measure=measure_vanishing,
    subject=solver.iterate,
    planted={"weights thrown to and fro": PlantedSolver(ridge_weights=thrown_far)},
    tolerance=1e-10,
    cases=20,
)


# --------------------------------------------------------------------- where the theory's edges lie


def draw_open_sets(rng: np.random.Generator, count: int) -> list[tuple[float, ...]]:
    """Return (a, v, tau, pi, u) with a <= 0 and u > 0, from large u to tiny."""
    return [
        (
            -abs(float(rng.standard_normal())) * float(rng.choice([0.0, 1.0, 100.0])),
            float(rng.standard_normal()),
            log_uniform(rng, 0.05, 5.0),
            log_uniform(rng, 0.05, 5.0),
            log_uniform(rng, 1e-12, 1e3),
        )
        for _ in range(count)
    ]


def cost_of_firing(u: float, a: float, v: float, tau: float, pi: float) -> float:
    """Return (tau/2)(u - a)^2 + (pi/2)(v - 1)^2 for u > 0."""
    return tau / 2 * (u - a) ** 2 + pi / 2 * (v - 1) ** 2


def measure_infimum(cost: Any, instances: list[tuple[float, ...]]) -> Pair:
    """Compare the cost of firing at some u > 0 with the infimum, a limit that needs u = 0."""
    values = [cost(u, a, v, tau, pi) for a, v, tau, pi, u in instances]
    limits = [cost(0.0, a, v, tau, pi) for a, v, tau, pi, _ in instances]
    return np.array(values), np.array(limits)


def measure_halving(cost: Any, instances: list[tuple[float, ...]]) -> Pair:
    """Compare the cost at u/2 with the cost at u."""
    values = [
        (cost(u / 2, a, v, tau, pi), cost(u, a, v, tau, pi)) for a, v, tau, pi, u in instances
    ]
    return np.array(values)[:, 0], np.array(values)[:, 1]


def wrong_cost(u: float, a: float, v: float, tau: float, pi: float) -> float:
    """Measure the distance from -a."""
    return cost_of_firing(u, -a, v, tau, pi)


INFIMUM = Claim(
    id="bcd.infimum",
    statement="For a <= 0 no u > 0 costs less than the limit at u = 0, where step is 0.",
    source=SOURCE,
    kind=Kind.LOWER_BOUND,
    sample=draw_open_sets,
    measure=measure_infimum,
    subject=cost_of_firing,
    planted={"distance from -a": wrong_cost},
    tolerance=1e-15,
    near=1e-9,
    cases=1000,
)


INFIMUM_NOT_ATTAINED = Claim(
    id="bcd.infimum-not-attained",
    statement="Every u > 0 is beaten by u/2: the infimum over u > 0 is not attained.",
    source=SOURCE,
    kind=Kind.MONOTONE,
    sample=draw_open_sets,
    measure=measure_halving,
    subject=cost_of_firing,
    planted={"distance from -a": wrong_cost},
    tolerance=1e-15,
    cases=1000,
)


def crossing_only(
    A: FloatArray, V: FloatArray, *, tau: float, pi: float, margin: float
) -> FloatArray:
    """Decide as if there were no margin; put u at +-margin only where it crosses the threshold."""
    U = blocks.update_preactivations(A, V, tau=tau, pi=pi, margin=0.0)
    crossed = (U > 0) != (A > 0)
    return np.where(crossed, np.where(U > 0, margin, -margin), A)


def measure_crossing(update: Any, problem: Problem) -> tuple[float, float]:
    """Compare F's U-block after an update with what it was before.

    Before: U as the same rule left it when V was step(U) of the sampled problem. Then V moves.
    """
    A, V = problem.computed(0), problem.V[1]
    price = {"tau": problem.tau[0], "pi": problem.pi[0], "margin": problem.margin}

    def value(U: FloatArray) -> float:
        mismatch = np.sum((V - np.where(U > 0, 1.0, 0.0)) ** 2)
        return float(price["tau"] / 2 * np.sum((U - A) ** 2) + price["pi"] / 2 * mismatch)

    before = update(A, np.where(problem.U[0] > 0, 1.0, 0.0), **price)
    return value(update(A, V, **price)), value(before)


CROSSING_MARGINS = Claim(
    id="bcd.crossing-margins",
    statement="Margins set only where the threshold is crossed can raise F.",
    source="docs/theory.md#b1",
    kind=Kind.COUNTEREXAMPLE,
    sample=layer_problems,
    measure=compare(measure_crossing),
    subject=crossing_only,
    planted={"the exact rule": blocks.update_preactivations},
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
