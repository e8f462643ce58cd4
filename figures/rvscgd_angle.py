r"""Figure 4 of Dinh and Xin: the angle and the Lagrangian of RVSCGD fall at every iteration.

The published experiment (arXiv:1901.09731): l0, k = 20 patches, d = 50 weights, beta = 4e-3,
lam = 1e-4, eta = 1e-5, the expected coarse gradient, and a random start. The teacher is this
project's own (seed 0, 10 of 50 weights not zero, normally distributed), for the paper prints
none. Drawn on logarithmic axes, because most of the course would lie on the horizontal axis
otherwise; delta = arcsin(2 pi beta / k) is the angle down to which Theorem 1 promises descent.

It is what ``zeroone rvscgd --plot FILE`` draws.
"""

import numpy as np
from matplotlib.figure import Figure

from zeroone.commands.gaussian_common import sparse_teacher
from zeroone.gaussian import rvscgd, theory
from zeroone.gaussian.filters import unit
from zeroone.plots import gaussian as plots_gaussian
from zeroone.plots import style as plots
from zeroone.steps import History

K, D, BETA, LAM, ETA = 20, 50, 4e-3, 1e-4, 1e-5
NOT_ZERO = 0.2
SEED = 0
ITERATIONS = 300_000


def draw(quick: bool = False) -> Figure:
    """Return the figure; `quick` makes a hundredth of the iterations, each a hundred times larger.

    A step of size 100 eta is still far below the bound of Theorem 1.
    """
    factor = 100 if quick else 1
    w_star = sparse_teacher(np.random.default_rng(SEED), (D, 1), NOT_ZERO)
    w0 = unit(np.random.default_rng((SEED, 1)).standard_normal(D))
    result = rvscgd.run(
        w0,
        w_star,
        k=K,
        penalty="l0",
        lam=LAM,
        beta=BETA,
        eta=ETA * factor,
        n_iter=ITERATIONS // factor,
        record_every=300 // min(factor, 30),
    )
    history = History()
    for iteration, angle, lagrangian in zip(
        result.iterations, result.angles, result.lagrangians, strict=True
    ):
        history.record(iteration=int(iteration), angle=float(angle), lagrangian=float(lagrangian))
    kept = np.count_nonzero(w_star)
    return plots_gaussian.descent_curve(
        history,
        title=rf"RVSCGD, $\ell_0$, $k = {K}$, $d = {D}$, {kept} of $w^*$ not zero",
        delta=float(theory.smallest_delta(BETA, K)),
    )


if __name__ == "__main__":
    plots.save_beside(draw(), __file__)
