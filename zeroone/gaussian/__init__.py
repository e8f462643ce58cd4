"""The one-hidden-layer no-overlap network on Gaussian input (theory, A)."""

from zeroone.gaussian.geometry import angle
from zeroone.gaussian.population import coarse_gradient, population_loss, true_gradient

__all__ = ["angle", "coarse_gradient", "population_loss", "true_gradient"]
