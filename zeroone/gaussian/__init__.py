"""The one-hidden-layer no-overlap network on Gaussian input (docs/theory.md#a)."""

from zeroone.gaussian.filters import angle
from zeroone.gaussian.population import coarse_gradient, population_loss, true_gradient

__all__ = ["angle", "coarse_gradient", "population_loss", "true_gradient"]
