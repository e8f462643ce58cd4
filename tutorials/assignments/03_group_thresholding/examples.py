"""The examples by hand from the handout. Each comment says what should be printed."""

# %%
x = np.array([2.0, -0.5, -1.0])
print((soft_threshold(x, 0.75) + 0).tolist())  # [1.25, 0.0, -0.25]
print((hard_threshold(x, 0.5) + 0).tolist())  # [2.0, 0.0, 0.0]

# %%
W = np.array([[3.0, 3.0], [1.0, -2.0]])
print(group_hard_threshold(W, 8.0, "rows").tolist())  # [[3.0, 3.0], [0.0, 0.0]]

# %%
# V^T V = 4 I: the rows of the ridge solution are V^T U / 5.
V = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
U = V @ np.array([[2.5, 0.0], [0.0, 0.25]])
print(sparse_rows(U, V, 1.0, 1.0, 0.5).round(6).tolist())  # [[2.0, 0.0], [0.0, 0.0]]
