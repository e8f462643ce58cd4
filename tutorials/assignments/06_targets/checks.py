"""How hidden targets are graded.

The oracles go entry by entry in plain Python. What z receives is taken from the table of
estimators, which is written in terms of e and z, and not from the slope of a loss.
"""

import math

import numpy as np

from zeroone.grading import Task, simple

TITLE = "Hidden targets, and the straight-through estimator as one of them"

QUARTERS = [i / 4 for i in range(-8, 9)]

LOSSES = ("linear", "saturated_hinge", "soft_hinge", "hinge")


def softmax_less_one(scores, own):
    """Return softmax(scores) less 1 at one's own class, for one sample."""
    # Divided through by each term: no difference of scores is ever exponentiated upwards.
    rows = []
    for k, score in enumerate(scores):
        total = math.fsum(math.exp(min(other - score, 700.0)) for other in scores)
        rows.append(1 / total - (1.0 if k == own else 0.0))
    return rows


def expected_output(scores, classes):
    """Go through the samples."""
    pairs = zip(scores.tolist(), classes.tolist(), strict=True)
    return np.array([softmax_less_one(*pair) for pair in pairs]) / len(scores)


def expected_targets(e, weighting):
    """Decide every entry for itself."""
    t = [0.0 if entry == 0 else (1.0 if entry < 0 else -1.0) for entry in e.ravel()]
    weights = [abs(entry) if weighting == "magnitude" else 1 / e.shape[0] for entry in e.ravel()]
    return np.array(t).reshape(e.shape), np.array(weights).reshape(e.shape)


def passed_on(e, z, loss):
    """Return what z receives of e, from the table of estimators (docs/theory.md#c)."""
    if loss == "linear":
        return e
    if loss == "saturated_hinge":
        return e if -1 <= z <= 1 else 0.0
    if loss == "soft_hinge":
        return e / math.cosh(min(abs(z), 300.0)) ** 2
    # With t = -sign(e), t z <= 1 is z >= -1 for e > 0 and z <= 1 for e < 0.
    return e if (z >= -1 if e > 0 else z <= 1) else 0.0


def expected_gradient(z, t, weights, loss):
    """Go entry by entry, with e = -weights * t."""
    entries = zip(z.ravel(), (-weights * t).ravel(), strict=True)
    return np.array([passed_on(e, pre, loss) for pre, e in entries]).reshape(z.shape)


def expected_straight_through(G, W, z, estimator):
    """Add up what each unit receives from all units above, if it is let through."""
    rows = []
    for g, pres in zip(G, z, strict=True):
        received = [math.fsum(g * column) for column in W.T]
        through = [estimator == "identity" or abs(pre) <= 1 for pre in pres]
        rows.append([e if let else 0.0 for e, let in zip(received, through, strict=True)])
    return np.array(rows)


def expected_update(X, classes, W1, b1, W2, b2, loss, weighting, rate):
    """Add up the derivatives sample by sample and unit by unit."""
    new = [array.copy() for array in (W1, b1, W2, b2)]
    for x, own in zip(X, classes, strict=True):
        z = [math.fsum(x * row) + bias for row, bias in zip(W1, b1, strict=True)]
        h = np.array([1.0 if pre > 0 else -1.0 for pre in z])
        scores = [math.fsum(h * row) + bias for row, bias in zip(W2, b2, strict=True)]
        g = np.array(softmax_less_one(scores, own)) / len(X)
        for j, pre in enumerate(z):
            e = math.fsum(g * W2[:, j])
            if weighting == "equal":
                e = (e > 0) - (e < 0)
                e = e / len(X)
            received = passed_on(e, pre, loss)
            new[0][j] -= rate * received * x
            new[1][j] -= rate * received
        for k, received in enumerate(g):
            new[2][k] -= rate * received * h
            new[3][k] -= rate * received
    return tuple(new)


def generators():
    """Draw a random generator."""
    from hypothesis import strategies as st

    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def shapes():
    """Draw numbers of samples and units."""
    from hypothesis import strategies as st

    return st.tuples(st.integers(1, 4), st.integers(1, 4))


def score_tables(scale):
    """Draw scores of a size, and classes."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    def arguments(shape):
        n_samples, n_classes = shape[0], shape[1] + 1
        scores = hnp.arrays(float, (n_samples, n_classes), elements=simple(QUARTERS))
        return st.fixed_dictionaries(
            {
                "scores": scores.map(lambda table: scale * table),
                "classes": hnp.arrays(int, n_samples, elements=st.integers(0, n_classes - 1)),
            }
        )

    return shapes().flatmap(arguments)


def derivatives(weighting, *, zeros):
    """Draw arguments of `set_targets`."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    number = st.sampled_from([0.0, 1.0, -1.0, -0.0]) if zeros else simple(set(QUARTERS) - {0.0})
    return shapes().flatmap(
        lambda shape: st.fixed_dictionaries(
            {
                "e": hnp.arrays(float, shape, elements=number),
                "weighting": st.sampled_from(["magnitude", "equal"])
                if zeros
                else st.just(weighting),
            }
        )
    )


def margins(losses, *, kinks=False):
    """Draw arguments of `layer_gradient`, at the kinks or off them."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    place = simple([-1.0, 1.0] if kinks else set(QUARTERS) - {-1.0, 1.0})

    def arguments(shape):
        return st.fixed_dictionaries(
            {
                "z": hnp.arrays(float, shape, elements=place),
                "t": hnp.arrays(float, shape, elements=simple([-1.0, 0.0, 1.0])),
                "weights": hnp.arrays(float, shape, elements=simple(q for q in QUARTERS if q >= 0)),
                "loss": st.sampled_from(losses),
            }
        )

    return shapes().flatmap(arguments)


def backward(estimator):
    """Draw arguments of `straight_through`, some pre-activations being -1 or 1."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    quarter = simple(QUARTERS)

    def arguments(sizes):
        n_samples, n_out, n_units = sizes
        return st.fixed_dictionaries(
            {
                "G": hnp.arrays(float, (n_samples, n_out), elements=quarter),
                "W": hnp.arrays(float, (n_out, n_units), elements=quarter),
                "z": hnp.arrays(float, (n_samples, n_units), elements=quarter),
                "estimator": st.just(estimator),
            }
        )

    return st.tuples(*(st.integers(1, 4) for _ in range(3))).flatmap(arguments)


def nets(weighting):
    """Draw a net and a batch; pre-activations are exact, and some of them are 0.

    They are multiples of 3/16, so none is at a kink. The output weights are arbitrary real numbers,
    so that no e is 0 but for rounding.
    """
    from hypothesis import strategies as st

    def build(rng, sizes, loss):
        n_samples, n_in, n_hidden, n_classes = sizes
        return {
            "X": rng.integers(-2, 3, (n_samples, n_in)) / 2,
            "classes": rng.integers(0, n_classes, n_samples),
            "W1": 0.375 * rng.integers(-2, 3, (n_hidden, n_in)),
            "b1": 0.375 * rng.integers(-1, 2, n_hidden),
            "W2": rng.standard_normal((n_classes, n_hidden)),
            "b2": rng.standard_normal(n_classes),
            "loss": loss,
            "weighting": weighting,
            "rate": float(rng.uniform(0.1, 2)),
        }

    sizes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(2, 3))
    return st.builds(build, generators(), sizes, st.sampled_from(LOSSES))


EXAMPLE = {
    "z": np.array([[3.0, -0.5, 1.0], [-2.0, 0.25, 0.5]]),
    "t": np.array([[-1.0, 1.0, 0.0], [-1.0, -1.0, 1.0]]),
    "weights": np.array([[0.5, 0.25, 0.0], [1.0, 2.0, 0.75]]),
}
AT_KINKS = {
    "z": np.array([[1.0, 1.0, -1.0, -1.0]]),
    "t": np.array([[1.0, -1.0, 1.0, -1.0]]),
    "weights": np.array([[0.5, 1.0, 2.0, 0.25]]),
}
BACKWARD = {
    "G": np.array([[0.5, -1.0], [0.25, 2.0], [-1.5, 0.5]]),
    "W": np.array([[1.0, -0.5, 2.0, 0.25], [0.5, 1.5, -1.0, 1.0]]),
    "z": np.array([[1.0, -1.0, 0.0, 0.5], [1.25, -1.25, -0.5, 3.0], [-3.0, 0.75, 1.0, -1.0]]),
}
NET = {
    "X": np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 0.5], [0.0, 0.0]]),
    "classes": np.array([0, 2, 1, 1]),
    "W1": np.array([[3.0, 1.5], [-1.5, 0.75]]),
    "b1": np.array([0.75, 0.0]),
    "W2": np.array([[0.7, -1.1], [-0.4, 0.3], [1.3, 0.9]]),
    "b2": np.array([0.1, -0.2, 0.3]),
    "rate": 0.5,
}


SMALL_NET = {
    "X": np.array([[1.0]]),
    "classes": np.array([1]),
    "W1": np.array([[0.5]]),
    "b1": np.array([0.25]),
    "W2": np.array([[1.0], [-1.0]]),
    "b2": np.array([0.0, 0.5]),
    "rate": 1.0,
}


def net_examples(weighting):
    """Return both nets above with every loss, and one with larger scores and with a large step."""
    nets = [{**net, "loss": loss} for net in (SMALL_NET, NET) for loss in LOSSES]
    nets.append({**NET, "b2": np.array([100.1, 99.8, 100.3]), "loss": "linear"})
    nets.append({**NET, "rate": 6.0, "loss": "linear"})
    return tuple({**net, "weighting": weighting} for net in nets)


def gradient_task(points, loss, title, hint):
    """Return the task for one loss."""
    return Task(
        name=f"(c) layer_gradient, {title}",
        function="layer_gradient",
        points=points,
        strategy=lambda: margins([loss]),
        expected=expected_gradient,
        explicit=({**EXAMPLE, "loss": loss},),
        hint=hint,
        examples=40,
    )


TASKS = (
    Task(
        name="(a) output_gradient",
        function="output_gradient",
        points=2,
        strategy=lambda: score_tables(2.0),
        expected=expected_output,
        explicit=(
            {"scores": np.array([[0.0, 0.0], [1.0, -1.0]]), "classes": np.array([1, 0])},
            {"scores": np.array([[2.0, 0.0, 1.0]]), "classes": np.array([2])},
            {"scores": np.array([[100.0, 98.0, 99.0]]), "classes": np.array([2])},
        ),
        hint="The loss is a mean over samples. Each row of the answer adds up to 0.",
        examples=40,
    ),
    Task(
        name="(a) output_gradient, large scores",
        function="output_gradient",
        points=1,
        strategy=lambda: score_tables(2000.0),
        expected=expected_output,
        explicit=(
            {"scores": np.array([[5000.0, 4999.0], [-5000.0, 0.0]]), "classes": np.array([1, 0])},
        ),
        hint="exp overflows at 710. Which change of all scores of a sample leaves softmax alone?",
        examples=20,
    ),
    Task(
        name="(b) set_targets, weights |e|",
        function="set_targets",
        points=2,
        strategy=lambda: derivatives("magnitude", zeros=False),
        expected=expected_targets,
        explicit=({"e": np.array([[0.5, -0.25], [-2.0, 1.0]]), "weighting": "magnitude"},),
        hint="If the loss above falls when the unit's output grows, the unit should be on.",
        examples=40,
    ),
    Task(
        name="(b) set_targets, equal weights",
        function="set_targets",
        points=2,
        strategy=lambda: derivatives("equal", zeros=False),
        expected=expected_targets,
        explicit=({"e": np.array([[0.5, -0.25, 1.0], [-2.0, 1.0, 3.0]]), "weighting": "equal"},),
        hint="An array of e's shape. The number of samples is the number of rows.",
        examples=40,
    ),
    Task(
        name="(b) set_targets, zeros",
        function="set_targets",
        points=1,
        strategy=lambda: derivatives("", zeros=True),
        expected=expected_targets,
        explicit=(
            {"e": np.array([[0.0, -0.0, -0.5]]), "weighting": "magnitude"},
            {"e": np.array([[0.0, -0.0, 0.5], [1.0, 0.0, -1.0]]), "weighting": "equal"},
        ),
        hint="Where e is 0 the unit's output does not matter.",
        examples=20,
    ),
    gradient_task(1, "linear", "linear", "What is the derivative of -t z by z?"),
    gradient_task(
        1, "saturated_hinge", "saturated hinge", "It is flat above the margin 1 and below -1."
    ),
    gradient_task(1, "soft_hinge", "soft hinge", "The derivative of tanh is 1 - tanh^2."),
    gradient_task(1, "hinge", "hinge", "It is flat for margins above 1 only; the margin is t z."),
    Task(
        name="(c) layer_gradient, at the kinks",
        function="layer_gradient",
        points=1,
        strategy=lambda: margins(["saturated_hinge", "hinge"], kinks=True),
        expected=expected_gradient,
        explicit=(
            {**AT_KINKS, "loss": "saturated_hinge"},
            {**AT_KINKS, "loss": "hinge"},
        ),
        hint="At a margin of 1, and for the saturated hinge of -1, the slope is -1.",
        examples=20,
    ),
    Task(
        name="(d) straight_through",
        function="straight_through",
        points=1,
        strategy=lambda: backward("identity"),
        expected=expected_straight_through,
        explicit=({**BACKWARD, "estimator": "identity"},),
        hint="The chain rule, with 1 in the place of sign'. Which units does a hidden unit feed?",
        examples=40,
    ),
    Task(
        name="(d) straight_through, saturating",
        function="straight_through",
        points=1,
        strategy=lambda: backward("saturating"),
        expected=expected_straight_through,
        explicit=({**BACKWARD, "estimator": "saturating"},),
        hint="What lets a derivative through is where z is, -1 and 1 included. Is it z or e?",
        examples=40,
    ),
    Task(
        name="(e) update, weights |e|",
        function="update",
        points=3,
        strategy=lambda: nets("magnitude"),
        expected=expected_update,
        explicit=net_examples("magnitude"),
        hint="From the top down, all with the old weights. Each layer descends its own loss.",
        examples=40,
    ),
    Task(
        name="(e) update, equal weights",
        function="update",
        points=2,
        strategy=lambda: nets("equal"),
        expected=expected_update,
        explicit=net_examples("equal"),
        hint="Only the weights differ: how many samples does the batch have?",
        examples=40,
    ),
)
