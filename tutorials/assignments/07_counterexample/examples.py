"""What your instances should satisfy. Each comment says what should be printed."""

# %%
points, targets, certificate = inseparable(1)
print(certificate.min() >= 0, certificate.max() > 0)  # True True
print(certificate * targets @ np.column_stack([points, np.ones(len(points), int)]))  # [0 0]

# %%
points, targets, certificate = inseparable_in_general_position(2)
print(points.shape)  # (4, 2)
print(certificate * targets @ np.column_stack([points, np.ones(4, int)]))  # [0 0 0]

# %%
w, w_star, k, lam, beta, eta = rising_angle()
c = k / (2 * np.pi)
print(eta <= 1 / (beta + c), beta > c * np.sqrt(1 - (w @ w_star) ** 2))  # True True

# %%
X, y, W1, tau, pi, gamma, sweeps = worse_network()
print(len(X) == len(y), W1.shape[1] == X.shape[1], set(y.tolist()) <= {-1, 1})  # True True True
