"""Pictures for people: training curves, comparisons, the Gaussian network."""
