"""The iteration by hand from the handout. Each comment says what should be printed."""

# %%
w, w_star, k, lam, beta, eta = np.array([0.8, 0.6]), np.array([1.0, 0.0]), 6, 0.1, 0.5, 0.5
u = update_u(w, lam, beta, "l1")
print(u.round(4))  # [0.6 0.4]

# %%
new = update_w(w, u, w_star, k, beta, eta)
print(new.round(4))  # [0.9547 0.2976]
print(round(float(lagrangian(u, w, w_star, k, lam, beta, "l1")), 4))  # 0.7345
print(round(float(lagrangian(u, new, w_star, k, lam, beta, "l1")), 4))  # 0.4226

# %%
print(rvscgd(w, w_star, k, lam, beta, eta, 1, "l1")[1].round(4))  # [0.9547 0.2976]
answers = hypotheses(w, w_star, k, lam, beta, eta, 0.6)
print([bool(each) for each in answers])  # [True, True, True, True]
