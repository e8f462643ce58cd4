"""The example by hand from the handout. Each comment says what should be printed."""

# %%
print(step(np.array([4.0, 0.0, -2.0])))  # [1. 0. 0.]
print(staircase(np.array([-1.0, 0.0, 0.25, 0.75]), 3))  # [0.  0.  0.5 1. ]

# %%
X = np.array([[2.0, 2.0], [2.0, 1.0], [-1.0, 1.0]])
weights = [np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([[2.0, 0.0], [0.0, 3.0]])]
biases = [np.zeros(2), np.array([-1.0, 0.0])]
print(preactivations(X, weights[0], biases[0]).tolist())  # [[4.0, 0.0], [3.0, 1.0], [0.0, -2.0]]
print(scores(X, weights, biases).tolist())  # [[1.0, 0.0], [1.0, 3.0], [-1.0, 0.0]]

# %%
print(predict(scores(X, weights, biases)))  # [0 1 1]
