r"""How the identity's estimator leaves a minimum: it shortens the filter to beyond the origin.

Coarse gradient descent on the two-layer network (docs/theory.md#e5), in expectation, from a start
beside the spurious minimum of the teacher v* = (1, 0): v = v(pi), theta = pi - 0.2, |w| = 1.
Left: the norm of the filter. ReLU's coarse gradient vanishes at the minimum, the identity's points
along w, and the norm falls by as much in each step. Right: the loss. Once the filter is shorter
than a step, it is carried through the origin again and again, the angle jumps between pi and 0, and
the loss with it; v moves on, and the run ends at the teacher. With the filter divided by its norm
after each step, the identity stays like ReLU.
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.gaussian.two_layer_descent import descend
from zeroone.gaussian.two_layer_stationary import stationary_points
from zeroone.plots import style as plots

V_STAR, W_STAR = np.array([1.0, 0.0]), np.array([1.0, 0.0])
THETA, ETA, ITERATIONS = np.pi - 0.2, 0.02, 1400
# By what the legend says: the pseudo-derivative, and whether w is normalised.
CASES = {
    "identity": ("identity", False),
    "ReLU": ("relu", False),
    "clipped ReLU": ("clipped_relu", False),
    r"identity, $|w| = 1$": ("identity", True),
}


@plots.styled
def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` makes a fifth of the iterations, each five times larger."""
    factor = 5 if quick else 1
    spurious = stationary_points(V_STAR, len(W_STAR))[-1]
    w0 = np.array([np.cos(THETA), np.sin(THETA)])
    figure, (left, right) = plots.new_figure(2, height=3.2)
    for number, (label, (derivative, normalise)) in enumerate(CASES.items()):
        result = descend(
            spurious.v, w0, V_STAR, W_STAR, eta=factor * ETA, n_iter=ITERATIONS // factor,
            derivative=derivative, normalise=normalise, record_every=1,
        )  # fmt: skip
        look = {"color": plots.COLOURS[number], "linestyle": plots.STYLES[number]}
        iterations = factor * result.iterations
        left.plot(iterations, result.norms, label=label, **look)
        right.plot(iterations, result.losses, linewidth=1.0, **look)
    right.axhline(spurious.loss, color="#888888", linewidth=0.8, zorder=0)
    left.plot([], [], color="#888888", linewidth=0.8, label="loss at the spurious minimum")
    left.set_title("the filter gets shorter")
    right.set_title("the loss leaves a minimum")
    left.set(ylabel=r"norm of the filter $|w|$", ylim=(0, None))
    right.set(ylabel=r"loss $f(v, w)$", ylim=(0, None))
    for axes in (left, right):
        axes.set(xlabel="iteration", xlim=(0, ITERATIONS), xticks=range(0, ITERATIONS + 1, 400))
    plots.figure_legend(figure, left, columns=2)
    return figure


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
