"""How RVSCGD is graded.

The oracles go entry by entry in plain Python, with every candidate of the proximal map compared by
its cost. Long runs with l1 are compared with the limit in closed form, which no iteration enters.
"""

import math

import numpy as np

from zeroone.grading import Task

TITLE = "Relaxed variable splitting coarse gradient descent"


def price_of(u, penalty):
    """Return P(u)."""
    return sum(abs(entry) if penalty == "l1" else float(entry != 0) for entry in u)


def expected_u(w, lam, beta, penalty):
    """Take the cheapest candidate in every entry: 0, w, and for l1 where the slope is zero."""

    def cheapest(entry):
        if penalty == "l1":
            # The parabola's minimum on either side of 0, if it is on that side.
            candidates = [0.0, max(entry - lam / beta, 0.0), min(entry + lam / beta, 0.0)]
        else:
            candidates = [0.0, float(entry)]
        costs = [lam * price_of([u], penalty) + beta / 2 * (entry - u) ** 2 for u in candidates]
        return candidates[costs.index(min(costs))]

    return np.array([cheapest(float(entry)) for entry in w])


def expected_w(w, u, w_star, k, beta, eta):
    """Take the step entry by entry, multiplied out."""
    c = k / (2 * math.pi)
    moved = [
        (1 - eta * (c + beta)) * a + eta * beta * b + eta * c * s
        for a, b, s in zip(w.tolist(), u.tolist(), w_star.tolist(), strict=True)
    ]
    return np.array(moved) / math.sqrt(math.fsum(entry * entry for entry in moved))


def cosine_angle(w, w_star):
    """Return the angle by the law of cosines; good to 1e-10 away from 0 and pi."""
    size = math.sqrt(math.fsum(w * w) * math.fsum(w_star * w_star))
    return math.acos(max(-1.0, min(1.0, math.fsum(w * w_star) / size)))


def expected_lagrangian(u, w, w_star, k, lam, beta, penalty):
    """Add up the three terms."""
    coupling = beta / 2 * math.fsum((w - u) ** 2)
    return k * cosine_angle(w, w_star) / (2 * math.pi) + lam * price_of(u, penalty) + coupling


def expected_run(w0, w_star, k, lam, beta, eta, n_iter, penalty):
    """Alternate the two updates above."""
    w = w0 / math.sqrt(math.fsum(w0 * w0))
    for _ in range(n_iter):
        u = expected_u(w, lam, beta, penalty)
        w = expected_w(w, u, w_star, k, beta, eta)
    return u, w


def expected_limit(w0, w_star, k, lam, beta, eta, n_iter, penalty):
    """Return the limit with l1 in closed form: one scalar root, found by bisection."""
    pull = [k / (2 * math.pi) * abs(entry) for entry in w_star.tolist()]

    def entry(s, C):
        return s / C if s <= C * lam / beta else (s - lam) / (C - beta)

    # |w(C)| falls with C, from above 1 near beta to below 1.
    low, high = beta, beta + k
    for _ in range(200):
        C = (low + high) / 2
        low, high = (C, high) if sum(entry(s, C) ** 2 for s in pull) > 1 else (low, C)
    w = np.sign(w_star) * np.array([entry(s, high) for s in pull])
    u = np.array([math.copysign(max(abs(e) - lam / beta, 0.0), e) for e in w.tolist()])
    return u, w


def expected_hypotheses(w0, w_star, k, lam, beta, eta, delta):
    """Compare without fractions; with L = k / 2 pi the first bound on eta is the smaller one."""
    return np.array(
        [
            cosine_angle(w0, w_star) + delta <= math.pi,
            2 * math.pi * beta <= k * math.sin(delta),
            2 * math.pi * lam * math.sqrt(len(w0)) < k,
            eta * (2 * math.pi * beta + k) <= 2 * math.pi,
        ]
    )


def form_of_hypotheses(w0, **others):
    """Return an answer of the right form."""
    return np.zeros(4, dtype=bool)


def judge_some(places):
    """Return a judge of some of the four truth values."""
    names = ("the start", "beta", "lam", "eta")

    def judge(arguments, received):
        expected = expected_hypotheses(**arguments)
        for place in places:
            if received[place] != expected[place]:
                return f"the hypothesis on {names[place]} should be {expected[place]}"
        return None

    return judge


def unit_vector(rng, d):
    """Return a random unit vector."""
    vector = rng.standard_normal(d)
    return vector / math.sqrt(math.fsum(vector**2))


def sparse_teacher(rng, d):
    """Return a unit vector of which about a third of the entries are zero."""
    vector = rng.standard_normal(d) * (rng.random(d) < 0.7)
    vector[0] += 1.0
    return vector / math.sqrt(math.fsum(vector**2))


def draw(build, *more):
    """Draw what `build` makes of a random generator, a size d, a number k, and other draws."""
    from hypothesis import strategies as st

    seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
    return st.builds(build, seeds, st.integers(2, 7), st.integers(1, 20), *more)


def filters(penalty):
    """Draw arguments of `update_u`."""

    def build(rng, d, k):
        beta = float(rng.uniform(0.1, 4))
        level = float(rng.uniform(0, 0.5))
        return {"w": unit_vector(rng, d), "lam": beta * level, "beta": beta, "penalty": penalty}

    return draw(build)


def steps():
    """Draw arguments of `update_w`."""

    def build(rng, d, k):
        w = unit_vector(rng, d)
        return {
            "w": w,
            "u": w * (rng.random(d) < 0.6),
            "w_star": sparse_teacher(rng, d),
            "k": k,
            "beta": float(rng.uniform(0.05, 3)),
            "eta": float(rng.uniform(0.01, 0.15)),
        }

    return draw(build)


def points():
    """Draw arguments of `lagrangian`."""
    from hypothesis import strategies as st

    def build(rng, d, k, penalty):
        w, w_star = unit_vector(rng, d), sparse_teacher(rng, d)
        if abs(w @ w_star) > 0.99:
            w = np.roll(np.eye(d)[np.argmax(np.abs(w_star))], 1)
        return {
            "u": w * (rng.random(d) < 0.6) * 0.9,
            "w": w,
            "w_star": w_star,
            "k": k,
            "lam": float(rng.uniform(0, 1)),
            "beta": float(rng.uniform(0.05, 3)),
            "penalty": penalty,
        }

    return draw(build, st.sampled_from(["l1", "l0"]))


def runs():
    """Draw arguments of `rvscgd` for a few iterations."""
    from hypothesis import strategies as st

    def build(rng, d, k, penalty, n_iter):
        c = k / (2 * math.pi)
        beta = c * float(rng.uniform(0.1, 1.5))
        return {
            "w0": rng.choice([0.5, 1.0, 5.0]) * unit_vector(rng, d),
            "w_star": sparse_teacher(rng, d),
            "k": k,
            "lam": beta * float(rng.uniform(0.01, 0.3)),
            "beta": beta,
            "eta": float(rng.uniform(0.1, 1)) / (beta + c),
            "n_iter": n_iter,
            "penalty": penalty,
        }

    return draw(build, st.sampled_from(["l1", "l0"]), st.integers(1, 5))


def long_runs():
    """Draw arguments of `rvscgd` within the hypotheses, for so long that the limit is reached."""

    def build(rng, d, k):
        c = k / (2 * math.pi)
        beta = c * float(rng.uniform(0.1, 0.5))
        return {
            "w0": unit_vector(rng, d),
            "w_star": sparse_teacher(rng, d),
            "k": k,
            "lam": float(rng.uniform(0.05, 0.5)) * c / math.sqrt(d),
            "beta": beta,
            "eta": float(rng.uniform(0.5, 0.99)) / (beta + c),
            "n_iter": 400,
            "penalty": "l1",
        }

    return draw(build)


def theorems():
    """Draw arguments of `hypotheses`, each number on one side of its bound and off it."""

    def build(rng, d, k):
        c = k / (2 * math.pi)
        delta = float(rng.uniform(0.3, 1.4))
        w_star = sparse_teacher(rng, d)
        across = rng.standard_normal(d)
        across -= (across @ w_star) * w_star
        across /= math.sqrt(math.fsum(across**2))
        theta = math.pi - delta * float(rng.choice([0.5, 0.9, 1.1, 1.5]))
        w0 = 3 * (math.cos(theta) * w_star + math.sin(theta) * across)
        factors = rng.choice([0.2, 0.9, 1.1, 2.0], 3).tolist()
        beta = factors[0] * c * math.sin(delta)
        return {
            "w0": w0,
            "w_star": w_star,
            "k": k,
            "lam": factors[1] * c / math.sqrt(d),
            "beta": beta,
            "eta": factors[2] / (beta + c),
            "delta": delta,
        }

    return draw(build)


HANDOUT = {"w_star": np.array([1.0, 0.0]), "k": 6, "beta": 0.5}
THEOREM = {
    "w0": np.array([0.0, 2.0, 0.0, 0.0]),
    "w_star": np.array([0.6, 0.0, 0.8, 0.0]),
    "k": 20,
    "lam": 0.1,
    "beta": 1.0,
    "eta": 0.2,
    "delta": 0.5,
}

TASKS = (
    Task(
        name="(a) update_u, l1",
        function="update_u",
        points=2,
        strategy=lambda: filters("l1"),
        expected=expected_u,
        explicit=({"w": np.array([0.8, -0.6, 0.0]), "lam": 0.1, "beta": 0.5, "penalty": "l1"},),
        hint="With l1 the map shrinks every entry. By how much, for a price lam and a spring beta?",
        examples=50,
    ),
    Task(
        name="(a) update_u, l0",
        function="update_u",
        points=2,
        strategy=lambda: filters("l0"),
        expected=expected_u,
        explicit=(
            {"w": np.array([0.8, -0.6, 0.0]), "lam": 0.125, "beta": 0.5, "penalty": "l0"},
            {"w": np.array([0.8, -0.6, 0.0]), "lam": 0.08, "beta": 0.5, "penalty": "l0"},
            {"w": np.array([0.5, -0.5, 0.5, 0.5]), "lam": 0.0625, "beta": 0.5, "penalty": "l0"},
        ),
        hint="With l0 an entry is kept or dropped: lam against (beta/2) w_i^2, 0 on a tie.",
        examples=50,
    ),
    Task(
        name="(b) update_w",
        function="update_w",
        points=3,
        strategy=steps,
        expected=expected_w,
        explicit=(
            {**HANDOUT, "w": np.array([0.8, 0.6]), "u": np.array([0.6, 0.4]), "eta": 0.5},
            {**HANDOUT, "w": np.array([0.8, 0.6]), "u": np.array([0.8, 0.0]), "eta": 0.1},
        ),
        hint="Both terms in the parentheses are descended along. What is the norm of the result?",
        examples=50,
    ),
    Task(
        name="(c) lagrangian",
        function="lagrangian",
        points=3,
        strategy=points,
        expected=expected_lagrangian,
        explicit=(
            {
                **HANDOUT,
                "u": np.array([0.6, 0.4]),
                "w": np.array([0.8, 0.6]),
                "lam": 0.1,
                "penalty": "l1",
            },
            {
                **HANDOUT,
                "u": np.array([0.8, 0.0]),
                "w": np.array([0.8, 0.6]),
                "lam": 0.1,
                "penalty": "l0",
            },
        ),
        hint="Three terms: the loss of w, the price of u, and half the spring.",
        examples=50,
    ),
    Task(
        name="(d) rvscgd, the first iterations",
        function="rvscgd",
        points=4,
        strategy=runs,
        expected=expected_run,
        explicit=(
            {
                **HANDOUT,
                "w0": np.array([1.6, 1.2]),
                "lam": 0.1,
                "eta": 0.5,
                "n_iter": 1,
                "penalty": "l1",
            },
            {
                **HANDOUT,
                "w0": np.array([1.6, -1.2]),
                "lam": 0.1,
                "eta": 0.5,
                "n_iter": 3,
                "penalty": "l0",
            },
            {
                **HANDOUT,
                "w0": np.array([-0.6, -0.8]),
                "lam": 0.1,
                "eta": 0.5,
                "n_iter": 2,
                "penalty": "l1",
            },
        ),
        hint="Work the handout's iteration by hand. Which w makes u, and which u moves w?",
        examples=40,
    ),
    Task(
        name="(d) rvscgd, the limit",
        function="rvscgd",
        points=2,
        strategy=long_runs,
        expected=expected_limit,
        explicit=(
            {
                "w0": np.array([1.2, 0.0, 1.6]),
                "w_star": np.array([0.8, -0.6, 0.0]),
                "k": 20,
                "lam": 0.2,
                "beta": 0.8,
                "eta": 0.2,
                "n_iter": 400,
                "penalty": "l1",
            },
        ),
        rtol=1e-6,
        atol=1e-8,
        hint="At the limit (k/2 pi) w* + beta u is parallel to w. Is it, where your loop ends?",
        examples=8,
        timeout=5,
    ),
    Task(
        name="(e) hypotheses, the start and eta",
        function="hypotheses",
        points=2,
        strategy=theorems,
        form=form_of_hypotheses,
        judge=judge_some((0, 3)),
        explicit=(
            THEOREM,
            {**THEOREM, "eta": 0.3},
            {**THEOREM, "w0": np.array([-1.8, 1.0, -2.4, 0.0])},
            {**THEOREM, "w0": np.array([-1.8, 2.5, -2.4, 0.0])},
        ),
        hint="The start is a direction. The step size has two bounds.",
        examples=50,
    ),
    Task(
        name="(e) hypotheses, beta and lam",
        function="hypotheses",
        points=2,
        strategy=theorems,
        form=form_of_hypotheses,
        judge=judge_some((1, 2)),
        explicit=(
            THEOREM,
            {**THEOREM, "beta": 2.0},
            {**THEOREM, "lam": 1.2},
            {**THEOREM, "lam": 1.7},
        ),
        hint="The number d is that of the filter's entries.",
        examples=50,
    ),
)
