"""The coarse gradient by the package."""

from zeroone.gaussian import model, population, streaming

angle = population.angle
true_gradient = population.true_gradient
coarse_gradient = population.coarse_gradient
sampled_gradient = model.sampled_coarse_gradient


def monte_carlo(w, w_star, k, n_samples, rng):
    found = streaming.monte_carlo(w, w_star, k, n_samples, rng).coarse_gradient
    return found.mean, found.standard_error
