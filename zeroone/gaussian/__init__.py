"""The no-overlap network on Gaussian input: one layer (docs/theory.md#a), and two (#e)."""

from zeroone.gaussian.filters import angle
from zeroone.gaussian.population import coarse_gradient, population_loss, true_gradient

__all__ = ["angle", "coarse_gradient", "population_loss", "true_gradient"]
