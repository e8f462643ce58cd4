"""The examples by hand from the handout. Each comment says what should be printed."""

# %%
V = np.arange(1.0, 10.0).reshape(1, 3, 3, 1)
rows = patches(V, 2, 1, 0).astype(int)
print(rows[:2].tolist())  # [[1, 2, 4, 5], [2, 3, 5, 6]]
print(rows[2:].tolist())  # [[4, 5, 7, 8], [5, 6, 8, 9]]

# %%
seen = patches_adjoint(np.ones((4, 4)), 3, 3, 1, 2, 1, 0)
print(seen.reshape(3, 3).astype(int).tolist())  # [[1, 2, 1], [2, 4, 2], [1, 2, 1]]

# %%
W, G = np.ones((1, 2, 2, 1)), np.ones((1, 2, 2, 1))
dW, db, dV = convolution_gradient(V, W, G, 1, 0)
print(dW.ravel(), db)  # [12. 16. 24. 28.] [4.]

# %%
prices, v, r0 = np.array([1.0, 0.0, 2.0]), np.array([1.0]), np.array([2.0])
print(pooled_bits(prices, v, r0).astype(int))  # [0 1 0]
