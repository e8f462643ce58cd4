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

# %%
# The sample of tutorial 10. With W2 = 0 nothing comes down, and only the output layer moves.
X, classes = np.array([[1.0, 2.0]]), np.array([0])
W1, b1 = np.array([[0.5, -0.5], [1.0, 0.5], [-1.0, 1.0]]), np.array([0.0, -0.5, 0.5])
W2, b2 = np.zeros((2, 3)), np.zeros(2)
new = update(X, classes, W1, b1, W2, b2, "linear", "magnitude", 0.5)
print(np.array_equal(new[0], W1), np.array_equal(new[1], b1))  # True True
print(new[2].tolist())  # [[-0.25, 0.25, 0.25], [0.25, -0.25, -0.25]]
