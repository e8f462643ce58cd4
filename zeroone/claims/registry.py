"""All claims, in reading order."""

from zeroone.claims import (
    bcd_blocks,
    bcd_descent,
    bcd_network,
    gaussian_population,
    gaussian_rvscgd,
)

CLAIMS = (
    *bcd_blocks.CLAIMS,
    *bcd_descent.CLAIMS,
    *bcd_network.CLAIMS,
    *gaussian_population.CLAIMS,
    *gaussian_rvscgd.CLAIMS,
)
