"""The example by hand from the handout. Each comment says what should be printed."""

# %%
A, V = np.array([[0.25, 3.0, 0.25]]), np.array([[0.0, 0.0, 1.0]])
print(cost(np.array([[-0.5, 3.0, 0.5]]), A, V, 1.0, 4.0))  # 2.3125
print(nearest_on_side(A, np.array([[0.0, 1.0, 1.0]]), 0.5))  # [[-0.5  3.   0.5]]

# %%
print(update_margin(A, V, 1.0, 4.0, 0.5))  # [[-0.5  3.   0.5]]
print(update_tiny(-A, V, 1.0, 4.0) > 0)  # [[False False  True]]

# %%
# Tutorial 6, sample 4: neuron 2 flips.
a, s, R = np.array([-0.25]), np.array([0.0]), np.array([[-1.0]])
bits, residual = update_neuron(a, s, R, np.array([-1.0]), 0.5)
print(bits, residual)  # [1.] [[0.]]
