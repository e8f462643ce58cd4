"""The example by hand from the handout. Each comment says what should be printed."""

# %%
w, w_star, k = np.array([0.0, 2.0]), np.array([1.0, 0.0]), 4
print(round(float(angle(w, w_star)), 4))  # 1.5708
print(true_gradient(w, w_star, k).round(4) + 0)  # [-0.3183  0.    ]
print(coarse_gradient(w, w_star, k).round(4))  # [-0.6366  0.6366]

# %%
Z = np.array([[[1.0, 1.0], [-1.0, 2.0]]])
print(sampled_gradient(w, w_star, Z).round(4))  # [0.     2.3937]

# %%
estimate, error = monte_carlo(w, w_star, k, 100_000, np.random.default_rng(0))
print(np.abs(estimate - coarse_gradient(w, w_star, k)) < 5 * error)  # [ True  True]
