"""How counterexamples are graded: none is expected, each is checked for what it claims.

Certificates are checked in whole numbers. What comes from a submission may be anything, so that
each check begins with its form.
"""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np

from zeroone.grading import Task

TITLE = "Find a counterexample"

MOST_POINTS = 50
LARGEST = 1000
# What is nearer than this to a threshold counts as being at it, so that rounding decides nothing.
CLOSE = 1e-9


def array_fault(name, value, kinds, ndim, shape=()):
    """Return what is wrong with an array that should be of a kind and a number of axes."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds or value.ndim != ndim:
        words = "integers" if kinds == "iu" else "numbers"
        return f"{name} must be an array of {words} with {ndim} axes"
    if 0 in value.shape or (shape and value.shape != shape):
        return f"{name} has shape {value.shape}" + (f", not {shape}" if shape else "")
    if not np.all(np.isfinite(value)):
        return f"{name} holds NaN or infinity"
    return None


def number_fault(name, value, low, high, *, whole=False):
    """Return what is wrong with a number."""
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        return f"{name} must be {'an integer' if whole else 'a number'} from {low:g} to {high:g}"
    return None


def parts(received, names):
    """Return the things returned, numbers as Python's own, and what is wrong with their number."""
    if not isinstance(received, tuple | list) or len(received) != len(names):
        return received, f"the function must return {', '.join(names)}"
    scalars = [isinstance(each, np.ndarray) and each.ndim == 0 for each in received]
    pairs = zip(received, scalars, strict=True)
    return [each.item() if scalar else each for each, scalar in pairs], None


def real(array):
    """Return an array in double precision."""
    return array.astype(np.float64)


def first(*faults):
    """Return the first fault, computed one after the other."""
    return next((fault for fault in (each() for each in faults) if fault), None)


# (a) Points, targets, certificate.


def certificate_fault(arguments, received):
    """Return what is wrong with an instance, in whole numbers."""
    names = ("points", "targets", "certificate")
    received, wrong = parts(received, names)
    if wrong:
        return wrong
    points, targets, certificate = received
    dimension = arguments["dimension"]
    wrong = first(
        lambda: array_fault("points", points, "iu", 2),
        lambda: array_fault("targets", targets, "iu", 1, points.shape[:1]),
        lambda: array_fault("certificate", certificate, "iu", 1, points.shape[:1]),
    )
    if wrong:
        return wrong
    if points.shape[1] != dimension:
        return f"points must have {dimension} columns, but they have {points.shape[1]}"
    if len(points) > MOST_POINTS:
        return f"points must be at most {MOST_POINTS}, but there are {len(points)}"
    rows, t, c = points.tolist(), targets.tolist(), certificate.tolist()
    if max(abs(entry) for row in rows for entry in row) > LARGEST:
        return f"points must have entries from -{LARGEST} to {LARGEST}"
    if len(set(map(tuple, rows))) < len(rows):
        return "two of the points are the same"
    if not set(t) <= {-1, 1}:
        return "targets must be -1 or 1"
    if min(c) < 0 or max(c) > LARGEST or not any(c):
        return f"the certificate must be from 0 to {LARGEST}, and not all zero"
    for place, column in enumerate(zip(*[[*row, 1] for row in rows], strict=True)):
        total = sum(a * b * x for a, b, x in zip(c, t, column, strict=True))
        if total != 0:
            which = "the 1 of the bias" if place == dimension else f"coordinate {place + 1}"
            return f"sum of c_n t_n (x_n, 1) must be 0, but it is {total} for {which}"
    return None


def judge_few(arguments, received):
    """Ask for three points at most."""
    wrong = certificate_fault(arguments, received)
    if wrong is None and len(received[0]) > 3:
        return f"it is valid, but has {len(received[0])} points; three are enough"
    return wrong


def determinant(rows):
    """Return a determinant, by elimination with fractions."""
    rows = [[Fraction(entry) for entry in row] for row in rows]
    product = Fraction(1)
    for i in range(len(rows)):
        pivot = next((j for j in range(i, len(rows)) if rows[j][i] != 0), None)
        if pivot is None:
            return Fraction(0)
        if pivot != i:
            rows[i], rows[pivot] = rows[pivot], rows[i]
            product = -product
        product *= rows[i][i]
        for j in range(i + 1, len(rows)):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    return product


def judge_general(arguments, received):
    """Ask for dimension + 2 points of which no dimension + 1 lie on a hyperplane."""
    wrong = certificate_fault(arguments, received)
    if wrong:
        return wrong
    points, dimension = received[0].tolist(), arguments["dimension"]
    if len(points) != dimension + 2:
        return f"there must be {dimension + 2} points, but there are {len(points)}"
    for some in combinations(range(len(points)), dimension + 1):
        if determinant([[*points[n], 1] for n in some]) == 0:
            numbers = ", ".join(str(n + 1) for n in some)
            return f"the points number {numbers} lie on a hyperplane"
    return None


# (b) One step of RVSCGD.


def angle(a, b):
    """Return the angle of two vectors."""
    a, b = real(a), real(b)
    a, b = a / math.sqrt(math.fsum(a * a)), b / math.sqrt(math.fsum(b * b))
    return 2 * math.atan2(math.sqrt(math.fsum((a - b) ** 2)), math.sqrt(math.fsum((a + b) ** 2)))


def step_fault(received):
    """Return what is wrong with a step, of as many parts as it should have."""
    w, w_star, k, lam, beta, eta = received
    wrong = first(
        lambda: array_fault("w", w, "iuf", 1),
        lambda: array_fault("w_star", w_star, "iuf", 1, w.shape),
        lambda: number_fault("k", k, 1, 1000, whole=True),
        lambda: number_fault("lam", lam, 1e-12, 1e6),
        lambda: number_fault("beta", beta, 1e-12, 1e6),
        lambda: number_fault("eta", eta, 1e-12, 1e6),
    )
    if wrong:
        return wrong
    if not 2 <= len(w) <= 20:
        return f"w must have from 2 to 20 entries, but has {len(w)}"
    for name, vector in (("w", real(w)), ("w_star", real(w_star))):
        if not abs(math.sqrt(math.fsum(vector * vector)) - 1) <= CLOSE:
            return f"{name} must have norm 1"
    if not 0.01 <= angle(w, w_star) <= math.pi - 0.01:
        return f"the angle must be from 0.01 to pi - 0.01, but is {angle(w, w_star):g}"
    if not eta * (beta + k / (2 * math.pi)) <= 1 + CLOSE:
        return f"eta (beta + k/2 pi) must be at most 1, but is {eta * (beta + k / (2 * math.pi)):g}"
    if np.min(np.abs(np.abs(real(w)) - math.sqrt(2 * lam / beta))) < CLOSE:
        return "an entry of w is within 1e-9 of the threshold sqrt(2 lam / beta)"
    return None


def judge_rise(largest):
    """Return a judge that asks for a rise with beta at most so many times (k/2 pi) sin(theta)."""

    def judge(arguments, received):
        received, wrong = parts(received, ("w", "w_star", "k", "lam", "beta", "eta"))
        wrong = wrong or step_fault(received)
        if wrong:
            return wrong
        w, w_star, k, lam, beta, eta = real(received[0]), real(received[1]), *received[2:]
        u = np.where(w * w > 2 * lam / beta, w, 0.0)
        moved = w - eta * (k / (2 * math.pi) * (w - w_star) + beta * (w - u))
        before, after = angle(w, w_star), angle(moved, w_star)
        if not after - before > 1e-6:
            return f"the angle goes from {before:.8g} to {after:.8g}: that is no rise by 1e-6"
        ratio = beta / (k / (2 * math.pi) * math.sin(before))
        if not ratio <= largest:
            return f"the angle rises, but beta is {ratio:.4g} (k/2 pi) sin(theta), not {largest:g}"
        return None

    return judge


# (c) Descent in the three-splitting form.


def start_fault(received):
    """Return what is wrong with the form of a start, of as many parts as it should have."""
    X, y, W1, tau, pi, gamma, sweeps = received
    wrong = first(
        lambda: array_fault("X", X, "iuf", 2),
        lambda: array_fault("y", y, "iuf", 1, X.shape[:1]),
        lambda: array_fault("W1", W1, "iuf", 2),
        lambda: number_fault("tau", tau, 1e-3, 1e3),
        lambda: number_fault("pi", pi, 1e-3, 1e3),
        lambda: number_fault("gamma", gamma, 1e-3, 1e3),
        lambda: number_fault("sweeps", sweeps, 1, 20, whole=True),
    )
    if wrong:
        return wrong
    if X.shape[0] > 50 or X.shape[1] > 20 or W1.shape[0] > 20 or W1.shape[1] != X.shape[1]:
        return f"X and W1 have shapes {X.shape} and {W1.shape}, which is too large or does not fit"
    if max(np.max(np.abs(real(X))), np.max(np.abs(real(W1)))) > 100:
        return "X and W1 must have entries from -100 to 100"
    if len(np.unique(X, axis=0)) < len(X):
        return "two of the samples are the same"
    if not set(y.tolist()) <= {-1, 1}:
        return "y must hold -1 and 1"
    return None


def bits(A):
    """Return step(A), what is nearly 0 counting as 0."""
    return (A > CLOSE).astype(float)


class Descent:
    """The variables of F, and one sweep of block updates."""

    def __init__(self, X, y, W1, tau, pi, gamma):
        self.X, self.y, self.W1 = X, y, W1
        self.tau, self.pi, self.gamma = tau, pi, gamma
        self.U = X @ W1.T
        self.S = bits(self.U)
        self.V = self.S
        self.fit_output()

    def fit_output(self):
        """Fit w_2 by ridge regression, as least squares with the ridge as further samples."""
        n_hidden = self.V.shape[1]
        data = np.vstack([self.V, math.sqrt(self.gamma) * np.eye(n_hidden)])
        self.w2 = np.linalg.lstsq(data, np.append(self.y, np.zeros(n_hidden)), rcond=None)[0]

    def objective(self):
        """Return F."""
        return (
            np.sum((self.V @ self.w2 - self.y) ** 2)
            + self.tau * np.sum((self.U - self.X @ self.W1.T) ** 2)
            + self.pi * np.sum((self.V - self.S) ** 2)
            + self.gamma * (np.sum(self.W1**2) + np.sum(self.w2**2))
        ) / 2

    def wrong_classes(self):
        """Return how many classes the hard network has wrong."""
        hidden = bits(self.X @ self.W1.T)
        return int(np.sum((2 * bits(hidden @ self.w2) - 1) != self.y))

    def sweep(self):
        """Update V, U, W_1 and w_2."""
        n_hidden = len(self.w2)
        H = np.outer(self.w2, self.w2) + self.pi * np.eye(n_hidden)
        goal = np.outer(self.y, self.w2) + self.pi * self.S
        self.V = np.linalg.solve(H, goal.T).T
        A = self.X @ self.W1.T
        on, off = np.maximum(A, np.finfo(float).smallest_normal), np.minimum(A, 0.0)
        difference = self.tau * ((on - A) ** 2 - (off - A) ** 2) + self.pi * (1 - 2 * self.V)
        self.S = bits(-difference / 2)
        self.U = np.where(self.S == 1, on, off)
        H = self.tau * self.X.T @ self.X + self.gamma * np.eye(self.X.shape[1])
        self.W1 = np.linalg.solve(H, self.tau * self.X.T @ self.U).T
        self.fit_output()


def judge_worse(part_of_f, part_wrong, fewest_samples):
    """Return a judge that asks how far F falls, and which part of the classes is lost."""

    def judge(arguments, received):
        received, wrong = parts(received, ("X", "y", "W1", "tau", "pi", "gamma", "sweeps"))
        wrong = wrong or start_fault(received)
        if wrong:
            return wrong
        *start, sweeps = received
        descent = Descent(*map(real, start[:3]), *start[3:])
        before, wrong_before = descent.objective(), descent.wrong_classes()
        for _ in range(sweeps):
            descent.sweep()
        after, wrong_after = descent.objective(), descent.wrong_classes()
        n = len(start[0])
        story = (
            f"F goes from {before:.6g} to {after:.6g}, and of {n} classes {wrong_before} are wrong "
            f"at the start and {wrong_after} at the end"
        )
        if wrong_before > 0:
            return f"{story}: the start is not perfect"
        if not after <= part_of_f * before:
            return f"{story}: F must be at most {part_of_f:g} of what it was"
        if n < fewest_samples:
            return f"{story}: there must be at least {fewest_samples} samples"
        if not (wrong_after >= 1 and wrong_after >= part_wrong * n):
            share = f"at least {part_wrong:g} of them" if part_wrong else "one"
            return f"{story}: {share} must be wrong at the end"
        return None

    return judge


def dimensions():
    """Draw a dimension."""
    from hypothesis import strategies as st

    return st.fixed_dictionaries({"dimension": st.integers(1, 5)})


def nothing():
    """Draw no arguments."""
    from hypothesis import strategies as st

    return st.just({})


ALL_DIMENSIONS = tuple({"dimension": dimension} for dimension in range(1, 6))

TASKS = (
    Task(
        name="(a) inseparable",
        function="inseparable",
        points=2,
        strategy=dimensions,
        judge=certificate_fault,
        explicit=ALL_DIMENSIONS,
        hint="In one dimension first: which targets on a line cannot be met? Then add coordinates.",
        examples=1,
    ),
    Task(
        name="(a) inseparable, three points",
        function="inseparable",
        points=2,
        strategy=dimensions,
        judge=judge_few,
        explicit=ALL_DIMENSIONS,
        hint="A point between two others.",
        examples=1,
    ),
    Task(
        name="(a) inseparable_in_general_position",
        function="inseparable_in_general_position",
        points=3,
        strategy=dimensions,
        judge=judge_general,
        explicit=ALL_DIMENSIONS,
        hint="In the plane: a triangle and one more point. Then a tetrahedron.",
        examples=1,
    ),
    Task(
        name="(b) rising_angle",
        function="rising_angle",
        points=2,
        strategy=nothing,
        judge=judge_rise(math.inf),
        hint="Try random filters with a large beta. Which entries of w survive?",
        examples=1,
    ),
    Task(
        name="(b) rising_angle, at most 3 times",
        function="rising_angle",
        points=2,
        strategy=nothing,
        judge=judge_rise(3.0),
        hint="Search, and keep the smallest ratio. Two dimensions are enough.",
        examples=1,
    ),
    Task(
        name="(b) rising_angle, at most 2.05 times",
        function="rising_angle",
        points=2,
        strategy=nothing,
        judge=judge_rise(2.05),
        hint="For which w is the part of w - u that turns w as large as it can be?",
        examples=1,
    ),
    Task(
        name="(c) worse_network",
        function="worse_network",
        points=3,
        strategy=nothing,
        judge=judge_worse(0.99, 0.0, 1),
        hint="Write the sweep, check that F falls at every block, and try small random instances.",
        examples=1,
    ),
    Task(
        name="(c) worse_network, half of the classes",
        function="worse_network",
        points=2,
        strategy=nothing,
        judge=judge_worse(0.5, 0.5, 4),
        hint="Four to six samples, three or four hidden units, prices of very different sizes.",
        examples=1,
    ),
    Task(
        name="(c) worse_network, three quarters of the classes",
        function="worse_network",
        points=2,
        strategy=nothing,
        judge=judge_worse(0.5, 0.75, 4),
        hint="Search for longer, or start from what you have and change it a little.",
        examples=1,
    ),
)
