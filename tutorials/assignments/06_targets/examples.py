"""The example by hand from the handout. Each comment says what should be printed."""

# %%
print(output_gradient(np.array([[0.0, 0.0]]), np.array([1])).tolist())  # [[0.5, -0.5]]

# %%
e, z = np.array([[0.5, -0.25, 0.0]]), np.array([[3.0, -0.5, 1.0]])
t, weights = set_targets(e, "magnitude")
print((t + 0).tolist(), weights.tolist())  # [[-1.0, 1.0, 0.0]] [[0.5, 0.25, 0.0]]

# %%
print((layer_gradient(z, t, weights, "hinge") + 0).tolist())  # [[0.5, -0.25, 0.0]]
print((layer_gradient(z, t, weights, "saturated_hinge") + 0).tolist())  # [[0.0, -0.25, 0.0]]

# %%
# With the identity as weights above, e is G itself.
print((straight_through(e, np.eye(3), z, "saturating") + 0).tolist())  # [[0.0, -0.25, 0.0]]
