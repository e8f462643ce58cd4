"""The claims on RVSCGD and ADMM, in reading order (theory, A6 and A7).

What a step does and why runs descend; where they end; what breaks outside the hypotheses.
"""

from zeroone.claims import (
    gaussian_rvscgd_breaks,
    gaussian_rvscgd_descent,
    gaussian_rvscgd_first_order,
    gaussian_rvscgd_fixed_points,
    gaussian_rvscgd_l1,
    gaussian_rvscgd_limits,
    gaussian_rvscgd_steps,
)
from zeroone.claims.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    *gaussian_rvscgd_steps.CLAIMS,
    *gaussian_rvscgd_first_order.CLAIMS,
    *gaussian_rvscgd_descent.CLAIMS,
    *gaussian_rvscgd_l1.CLAIMS,
    *gaussian_rvscgd_fixed_points.CLAIMS,
    *gaussian_rvscgd_limits.CLAIMS,
    *gaussian_rvscgd_breaks.CLAIMS,
)
