"""The coarse gradient by the package."""

from zeroone.gaussian import filters, population, sampling

angle = filters.angle
true_gradient = population.true_gradient
coarse_gradient = population.coarse_gradient
sampled_gradient = sampling.sampled_coarse_gradient


def monte_carlo(w, w_star, k, n_samples, rng):
    found = sampling.monte_carlo(w, w_star, k, n_samples, rng).coarse_gradient
    return found.mean, found.standard_error
