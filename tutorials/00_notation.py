# %% [markdown]
# # 0. Notation
#
# ## What you will see
#
# This page lists every symbol that the tutorials use: what it means, what the code calls it, and
# which shape it has. After the symbols of a part come the equations that the tutorials cite, each
# with its number and the function that computes it. The last cell checks the shapes.
#
# **Numbers of equations.** They are those of [the theory](../docs/theory.md), which also says where
# each equation holds and which claim of `zeroone verify` checks it. Its parts are
# [A](../docs/theory.md#a), [B](../docs/theory.md#b) and [C](../docs/theory.md#c). Part A has the
# sections A1, A2 and so on; section A1 is at `docs/theory.md#a1`. (A1.4) belongs to section A1, and
# (A.2) comes before A1 begins. (U.1) to (U.4) are about [single units](../docs/theory.md#units) and
# belong to all parts.
#
# **Names in the code.** `gaussian.angle` is short for `zeroone.gaussian.angle`. A name without a
# dot is an argument, a field or a local variable.
#
# **Conventions**
#
# * `step(0) = 0` and `sign(0) = -1`, everywhere.
# * Arrays are sample-major: a sample is a row. `X` has the shape `(n_samples, n_in)`, weights have
#   the shape `(n_out, n_in)`, and a layer computes `X @ W.T + b`. The papers stack samples as
#   columns, so that their matrices are the transposes of these.
# * A proximal map is $\operatorname{prox}_{tP}(x) = \operatorname{argmin}_u\ t P(u) + \tfrac12
#   \lVert u - x \rVert^2$, with the factor ½.
# * $\lVert\cdot\rVert$ is the Euclidean norm, and of a matrix the Frobenius norm. Angles are in
#   radians.
#
# **Papers**
#
# * [RVS] Dinh, Xin, *Convergence of a Relaxed Variable Splitting Coarse Gradient Descent Method for
#   Learning Sparse Weight Binarized Activation Neural Network*, arXiv:1901.09731: part A.
# * [BCD] Zhang, Zhou, Li, Xiu, *0/1 Deep Neural Networks via Block Coordinate Descent*,
#   arXiv:2206.09379: part B.
# * [FTP] Friesen, Domingos, *Deep Learning as a Mixed Convex-Combinatorial Optimization Problem*,
#   ICLR 2018, arXiv:1710.11573: part C.
#
# The papers share one alphabet, and some letters have several meanings. Two meanings of a letter
# never meet on one page.
#
# * $P$ is a penalty, and in (A1.2) a projection.
# * $z$ is a pre-activation, and in (A6.5) a multiplier.
# * $h$ is the output of the network in part A, the number of layers in part B, the output of a
#   layer in part C, and in section C3 the number of hidden units.
# * $c$ is the least norm in (A3.1) and (A4.1), and $k / 2\pi$ elsewhere in part A.
# * $\tau$ is a threshold in part A and a price in part B.
# * $\pi$ is 3.14159 in part A and a price in part B.
# * $\gamma$ is an angle in (A7.6), the shape of MCP in section A5, and a ridge in part B.
# * $\delta$ is an angle in part A, and a ridge in the metric $M$ of part B.

# %% [markdown]
# ## Units, in all parts
#
# | symbol | meaning | name in the code | shape |
# |---|---|---|---|
# | $z$ | pre-activation | `z` | any |
# | $\mathrm{step}(z)$ | 1 if $z > 0$, else 0 | `activations.step` | that of $z$ |
# | $\mathrm{sign}(z)$ | $2\,\mathrm{step}(z) - 1$ | `activations.sign` | that of $z$ |
# | staircase | mean of $k - 1$ steps | `activations.staircase` | that of $z$ |
# | $k$ | number of values of a staircase | `levels` | integer |
# | $\mu'(z)$ | pseudo-derivative, (U.4) | `activations.pseudo_derivative` | that of $z$ |
#
# $$\mathrm{step}(z) = \begin{cases} 1 & z > 0 \\ 0 & z \le 0 \end{cases} \tag{U.1}$$
#
# `activations.step`
#
# $$\mathrm{sign}(z) = 2\,\mathrm{step}(z) - 1 \tag{U.2}$$
#
# `activations.sign`
#
# $$\mathrm{staircase}(z) = \frac{1}{k-1} \sum_{j=0}^{k-2}
# \mathrm{step}\Big(z - \frac{j}{k-1}\Big) \tag{U.3}$$
#
# `activations.staircase`
#
# $$\mu'(z) = 1, \qquad 1[z > 0], \qquad 1[0 < z \le 1], \qquad 1[-1 \le z \le 1] \tag{U.4}$$
#
# `activations.identity_derivative`, `activations.relu_derivative`,
# `activations.clipped_relu_derivative`, `activations.saturating_derivative`

# %% [markdown]
# ## Part A: the no-overlap network on Gaussian input [RVS]
#
# | symbol | meaning | name in the code | shape |
# |---|---|---|---|
# | $k$ | number of patches | `k` | integer |
# | $d$ | size of a patch | `d` | integer |
# | $Z$ | inputs, i.i.d. N(0, 1) | `Z`, `gaussian.sampling.sample_inputs` | `(n_samples, k, d)` |
# | $Z_i$ | patch $i$ of one input | `Z[n, i]` | `(d,)` |
# | $w$ | filter, shared by the patches | `w` | `(d,)` |
# | $w^\ast$ | teacher, of norm 1 | `w_star` | `(d,)` |
# | $\hat w$ | $w / \lVert w \rVert$ | `gaussian.filters.unit` | `(d,)` |
# | $\theta$ | angle of $w$ and $w^\ast$ | `gaussian.angle` | number |
# | $h(w, Z)$ | output | `gaussian.sampling.output` | `(n_samples,)` |
# | $\ell(w, Z)$ | loss of a sample | `gaussian.sampling.sample_loss` | `(n_samples,)` |
# | | empirical risk | `gaussian.sampling.empirical_risk` | number |
# | $f(w)$ | population loss | `gaussian.population_loss` | number |
# | $c$ | $k / 2\pi$ | `slope` | number |
# | $P w^\ast$ | $w^\ast$ projected across $w$ | `gaussian.filters.tangent` | `(d,)` |
# | $\nabla f(w)$ | true gradient | `gaussian.true_gradient` | `(d,)` |
# | $g(w, Z)$ | coarse gradient | `gaussian.sampling.sampled_coarse_gradient` | `(d,)` |
# | $\mathbb{E}\,g(w)$ | its expectation | `gaussian.coarse_gradient` | `(d,)` |
# | $P(u)$ | penalty | `penalty`, `penalties.Penalty` | number |
# | $t$ | level of a proximal map | `t` | number |
# | $\tau$ | largest entry taken to 0 | `penalties.Penalty.largest_zero` | number |
# | $a$ | shape of transformed $\ell_1$ | `a` | number |
# | $u$ | sparse filter | `u` | `(d,)` |
# | $\lambda$ | price of the penalty | `lam` | number |
# | $\beta$ | stiffness of the coupling | `beta` | number |
# | $\eta$ | step size | `eta` | number |
# | $L_\beta(u, w)$ | Lagrangian | `lagrangian` | number |
# | $z$ | multiplier of ADMM | `multiplier` | `(d,)` |
# | $\delta$ | angle down to which descent is promised | `delta` | number |
# | $L$ | Lipschitz constant of $\mathbb{E}\,g$ | `lipschitz` | number |
# | $\bar u, \bar w$ | limit of the iteration | `gaussian.limits.LimitPoint` | `(d,)` |
# | $C$ | factor in the balance (A7.5) | `gaussian.limits.balance` | number |
# | $\gamma$ | angle of $\bar u$ and $\bar w$ | `gaussian.angle` | number |
#
# All functions of part A take many filters at once: `w` may have the shape `(..., d)`.

# %% [markdown]
# ### Equations of [A](../docs/theory.md#a): the network
#
# $$h(w, Z) = \sum_{i=1}^{k} \mathrm{step}(Z_i \cdot w) \tag{A.1}$$
#
# `gaussian.sampling.output`
#
# $$\ell(w, Z) = \tfrac12 \big(h(w, Z) - h(w^\ast, Z)\big)^2 \tag{A.2}$$
#
# `gaussian.sampling.sample_loss`; its mean over samples is `gaussian.sampling.empirical_risk`.
#
# $$\theta(w, w^\ast) = 2 \operatorname{atan2}\big(\lVert \hat w - w^\ast \rVert,\
# \lVert \hat w + w^\ast \rVert\big) \tag{A.3}$$
#
# `gaussian.angle`
#
# ### [A1](../docs/theory.md#a1): losses and gradients
#
# $$f(w) = \mathbb{E}\,\ell(w, Z) = \frac{k}{2\pi}\, \theta(w, w^\ast) \tag{A1.1}$$
#
# `gaussian.population_loss`
#
# $$\nabla f(w) = -\frac{k}{2\pi \lVert w \rVert} \frac{P w^\ast}{\lVert P w^\ast \rVert},
# \qquad P = I - \hat w \hat w^T, \qquad 0 < \theta < \pi \tag{A1.2}$$
#
# `gaussian.true_gradient`
#
# $$g(w, Z) = \sqrt{2/\pi}\ \big(h(w, Z) - h(w^\ast, Z)\big) \sum_{i=1}^{k} \mu'(Z_i \cdot w)\, Z_i
# \tag{A1.3}$$
#
# `gaussian.sampling.sampled_coarse_gradient`
#
# $$\mathbb{E}\,g(w, Z) = \frac{k}{2\pi} (\hat w - w^\ast) \qquad \text{for } \mu' = \mathrm{step}
# \tag{A1.4}$$
#
# `gaussian.coarse_gradient`; for the other $\mu'$ `gaussian.population.expected_coarse_gradient`.
#
# ### [A2](../docs/theory.md#a2): the acute angle
#
# $$\langle \mathbb{E}\,g(w), \nabla f(w) \rangle =
# \frac{k^2}{4 \pi^2 \lVert w \rVert} \sin\theta > 0,
# \qquad \text{and their angle is } \theta/2 \tag{A2.1}$$
#
# ### [A3](../docs/theory.md#a3): the true gradient jumps at the teacher
#
# $$\lVert \nabla f(w_1) - \nabla f(w_2) \rVert \le
# \frac{k}{2\pi c^2} \max(1, \cot\delta)\, \lVert w_1 - w_2 \rVert
# \qquad \text{for } \theta \in [\delta, \pi - \delta],\ \lVert w_i \rVert \ge c \tag{A3.1}$$
#
# ### [A4](../docs/theory.md#a4): the coarse gradient does not
#
# $$\lVert \mathbb{E}\,g(w_1) - \mathbb{E}\,g(w_2) \rVert \le
# \frac{k}{2\pi c} \lVert w_1 - w_2 \rVert \qquad \text{for } \lVert w_i \rVert \ge c \tag{A4.1}$$
#
# $$f(w_2) \le f(w_1) + \langle \mathbb{E}\,g(w_1), w_2 - w_1 \rangle +
# \frac{L}{2} \lVert w_2 - w_1 \rVert^2 \qquad
# \text{for unit filters, } \theta_2 \le \theta_1,\ L \ge \frac{k}{2\pi} \tag{A4.2}$$

# %% [markdown]
# ### [A5](../docs/theory.md#a5): proximal maps
#
# $$\operatorname{prox}_{tP}(x) = \operatorname{argmin}_u\ t\,P(u) + \tfrac12 \lVert u - x \rVert^2
# \tag{A5.1}$$
#
# `penalties.Penalty.prox`; where two points are minimisers, the smaller one is taken.
#
# $$\ell_1:\quad \operatorname{sign}(x) \max(\lvert x \rvert - t, 0) \tag{A5.2}$$
#
# `penalties.soft_threshold`
#
# $$\ell_0:\quad x \text{ if } \lvert x \rvert > \sqrt{2t}, \text{ else } 0 \tag{A5.3}$$
#
# `penalties.hard_threshold`
#
# $$\rho_a(u) = \frac{(a + 1) \lvert u \rvert}{a + \lvert u \rvert} \tag{A5.4}$$
#
# `penalties.TransformedL1`, the sum over entries of (A5.4).
#
# $$\tau = \begin{cases} t (a+1)/a & t \le a^2 / (2(a+1)) \\
# \sqrt{2t(a+1)} - a/2 & \text{otherwise} \end{cases} \tag{A5.5}$$
#
# $$\text{transformed } \ell_1:\quad 0 \text{ if } \lvert x \rvert \le \tau, \text{ else }
# \operatorname{sign}(x) \Big( \tfrac23 (a + \lvert x \rvert) \cos\tfrac{\varphi}{3} -
# \tfrac{2a}{3} + \tfrac{\lvert x \rvert}{3} \Big), \quad
# \cos\varphi = 1 - \frac{27\, t\, a (a+1)}{2 (a + \lvert x \rvert)^3} \tag{A5.6}$$
#
# `penalties.transformed_l1_threshold`
#
# $$\ell_{2,0}:\quad \text{keep the group } g \text{ if } \lVert g \rVert^2 > 2t, \text{ else set it
# to } 0 \tag{A5.7}$$
#
# `penalties.group_hard_threshold`
#
# Two more penalties, in closed form too: (A5.8) to (A5.10), MCP, and (A5.11) to (A5.14), SCAD.
#
# ### [A6](../docs/theory.md#a6): relaxed variable splitting
#
# $$L_\beta(u, w) = f(w) + \lambda P(u) + \frac{\beta}{2} \lVert w - u \rVert^2 \tag{A6.1}$$
#
# $$u \leftarrow \operatorname{prox}_{(\lambda/\beta) P}(w) \tag{A6.2}$$
#
# $$w \leftarrow w - \eta \big( \mathbb{E}\,g(w) + \beta (w - u) \big) \tag{A6.3}$$
#
# $$w \leftarrow w / \lVert w \rVert \tag{A6.4}$$
#
# `gaussian.rvscgd.run`, or step by step `gaussian.rvscgd.iterate`.
#
# $$u \leftarrow \operatorname{prox}_{(\lambda/\beta) P}(w + z/\beta), \qquad
# w \leftarrow w - \eta \big( \mathbb{E}\,g(w) + z + \beta (w - u) \big), \qquad
# z \leftarrow z + \beta (w - u) \tag{A6.5}$$
#
# `gaussian.rvscgd.run` with `method="admm"`
#
# ### [A7](../docs/theory.md#a7): Theorem 1
#
# $$\text{(i)}\quad \theta(w_0, w^\ast) \le \pi - \delta \tag{A7.1}$$
#
# $$\text{(ii)}\quad \beta \le \frac{k}{2\pi} \sin\delta, \qquad
# \lambda < \frac{k}{2\pi \sqrt d} \tag{A7.2}$$
#
# $$\text{(iii)}\quad \eta \le \min\Big( \frac{1}{\beta + L}, \frac{2\pi}{k} \Big) \tag{A7.3}$$
#
# `gaussian.theory.hypotheses`
#
# $$\text{the angle falls, to first order in } \eta, \text{ if}\quad \frac{k}{2\pi} \sin^2\theta >
# \beta \big( \langle u, w \rangle \cos\theta - \langle u, w^\ast \rangle \big) \tag{A7.4}$$
#
# `gaussian.theory.angle_descent_margin`
#
# $$\frac{k}{2\pi} w^\ast + \beta \bar u = C \bar w, \qquad C > 0 \tag{A7.5}$$
#
# `gaussian.limits.balance`
#
# $$\sin\theta = \frac{2\pi\beta}{k} \lVert \bar u \rVert \sin\gamma \tag{A7.6}$$
#
# $$\ell_1:\quad \sin\theta \le \frac{2\pi}{k} \lambda \sqrt d \tag{A7.7}$$
#
# `gaussian.limits.sine_bound`
#
# $$\ell_1:\quad \bar w_i = \operatorname{sign}(w^\ast_i) \begin{cases}
# s_i / C & s_i \le C \lambda / \beta \\ (s_i - \lambda) / (C - \beta) & \text{otherwise}
# \end{cases}, \qquad s_i = \frac{k}{2\pi} \lvert w^\ast_i \rvert, \qquad
# \lVert \bar w \rVert = 1 \tag{A7.8}$$
#
# `gaussian.limits.l1_limit`
#
# $$\text{measured: the angle does not rise if}\quad
# \beta \le 2\, \frac{k}{2\pi} \sin\theta \tag{A7.9}$$

# %% [markdown]
# ## Part B: nets of step units by block coordinate descent [BCD]
#
# | symbol | meaning | name in the code | shape |
# |---|---|---|---|
# | $h$ | number of layers, the linear one on top | `n_layers` | integer |
# | $n_i$ | units of layer $i$ | `hidden` | integer |
# | $X = V_0$ | inputs | `X` | `(n_samples, n_0)` |
# | $Y$ | targets, one-hot or real | `Y` | `(n_samples, n_h)` |
# | $W_i$ | weights of layer $i$ | `weights` | `(n_i, n_{i-1})` |
# | $b_i$ | biases of layer $i$ | `biases` | `(n_i,)` |
# | $A_i$ | $V_{i-1} W_i^T + b_i$: what layer $i$ computes | `products` | `(n_samples, n_i)` |
# | $U_i$ | free pre-activations | `preactivations` | `(n_samples, n_i)` |
# | $V_i$ | free activations | `activations` | `(n_samples, n_i)` |
# | $F$ | objective | `bcd.objective.objective` | number |
# | $F_2$ | objective with $V_i = \mathrm{step}(U_i)$ | `splitting="two"` | number |
# | $\tau_i$ | price of $\lVert U_i - A_i \rVert^2$ | `tau` | number |
# | $\pi_i$ | price of $\lVert V_i - \mathrm{step}(U_i) \rVert^2$ | `pi` | number |
# | $\gamma_i$ | ridge on $W_i$ | `gamma` | number |
# | $\lambda_i$ | price of a group of weights | `lam` | number |
# | $\lVert W \rVert_{2,0}$ | number of non-zero rows | `bcd.objective.nonzero_groups` | integer |
# | $m$ | margin: $\lvert u \rvert \ge m$ | `margin` | number |
# | $u, a, v$ | entries of $U_i$, $A_i$, $V_i$ | `U`, `A`, `V` | number |
# | $s$ | $\mathrm{step}(u)$, a hidden bit | `bits` | 0 or 1 |
# | $w$ | outgoing weights of a neuron | `W[:, j]` | `(n_{i+1},)` |
# | $R$ | residual of the next layer | `R` | `(n_samples, n_{i+1})` |
# | $r_0$ | residual without the neuron | `R` | `(n_samples, n_{i+1})` |
# | $H$ | $\tau V^T V + \gamma I$ | `bcd.blocks.Gram` | `(n_in+1, n_in+1)` |
# | $K$ | $(V^T V + \gamma I)^{-1}$ | `bcd.regression.Regression` | `(n_in+1, n_in+1)` |
# | $f, y$ | score and label $\pm 1$ of a class | `scores`, `signed` | `(n_samples, n_h)` |
# | $M$ | metric of the mini-batch form | `bcd.proximal.covariance_metric` | `(n_in+1, n_in+1)` |
# | $\rho$ | price of moving $W$ | `rho` | number |

# %% [markdown]
# ### Equations of [B](../docs/theory.md#b)
#
# $$F(W, b, U, V) = \tfrac12 \lVert A_h - Y \rVert^2 +
# \sum_{i<h} \Big[ \tfrac{\tau_i}{2} \lVert U_i - A_i \rVert^2 +
# \tfrac{\pi_i}{2} \lVert V_i - \mathrm{step}(U_i) \rVert^2 \Big] +
# \sum_i \Big[ \tfrac{\gamma_i}{2} \big( \lVert W_i \rVert^2 + \lVert b_i \rVert^2 \big) +
# \lambda_i \lVert W_i \rVert_{2,0} \Big] \tag{B.1}$$
#
# `bcd.objective.objective`
#
# ### [B1](../docs/theory.md#b1): the blocks in closed form
#
# A bias is a weight on a constant 1. In (B1.1), (B1.2), (B1.6), (B2.5), (B2.7) and (B2.8) $V$
# stands for $[V\ 1]$, and $W$ for $[W\ b]$.
#
# $$W_i = \tau\, U_i^T V_{i-1} (\tau\, V_{i-1}^T V_{i-1} + \gamma I)^{-1},
# \qquad \tau = 1,\ U_h = Y \text{ on top} \tag{B1.1}$$
#
# `bcd.blocks.ridge_weights`
#
# $$\text{keep the row } w \text{ if}\quad r \cdot w > 2\lambda, \qquad r = \tau V^T u,\
# w = (\tau V^T V + \gamma I)^{-1} r \tag{B1.2}$$
#
# `bcd.blocks.keep_rows`
#
# $$V_i\, (\tau W^T W + \pi I) = \tau\, (U_{i+1} - b_{i+1})\, W + \pi\, \mathrm{step}(U_i),
# \qquad W = W_{i+1} \tag{B1.3}$$
#
# `bcd.blocks.ridge_activations`
#
# $$u = \operatorname{argmin}\ \tfrac{\tau}{2} (u - a)^2 + \tfrac{\pi}{2} (v - \mathrm{step}(u))^2
# \tag{B1.4}$$
#
# `bcd.blocks.update_preactivations`
#
# $$\text{tiny:}\ u \in \{\max(a, 0^+), \min(a, 0)\}, \qquad
# \text{margin:}\ u \in \{\max(a, m), \min(a, -m)\} \tag{B1.5}$$
#
# `bcd.blocks.nearest_on_side`
#
# $$W \leftarrow \text{group threshold of } W - s \nabla_W \text{ at level } s\lambda, \qquad
# s = 1 / (\tau \lVert V^T V \rVert_2 + \gamma) \tag{B1.6}$$
#
# `bcd.blocks.proximal_linear_columns`

# %% [markdown]
# ### [B2](../docs/theory.md#b2): the two-splitting form, batches, removal
#
# $$F_2(W, b, U) = \tfrac12 \lVert A_h - Y \rVert^2 +
# \sum_{i<h} \tfrac{\tau_i}{2} \lVert U_i - A_i \rVert^2 + \text{ridge} + \ell_{2,0},
# \qquad A_i = \mathrm{step}(U_{i-1}) W_i^T + b_i \tag{B2.1}$$
#
# `bcd.objective.objective` with `splitting="two"`
#
# $$V - \mathrm{step}(U) = \tau R W (\tau W^T W + \pi I)^{-1}, \qquad
# u \text{ flips only if } \lvert v - s \rvert > \tfrac12 + \frac{\tau a^2}{2\pi} \tag{B2.2}$$
#
# $$\mathrm{cost}(s = 1) - \mathrm{cost}(s = 0) = \tfrac12 \lVert w \rVert^2 - w \cdot r_0 +
# \tfrac{\tau}{2} (d_1^2 - d_0^2) \tag{B2.3}$$
#
# `bcd.neurons.sweep_neurons`; $d_1$ and $d_0$ are the distances of $a$ from the pre-activations
# that fire and that do not, `bcd.blocks.crossing_cost`.
#
# $$\mathrm{cost}(s = 1) - \mathrm{cost}(s = 0) = \frac{\pi}{\lVert w \rVert^2 + \pi}
# \big( \tfrac12 \lVert w \rVert^2 - w \cdot r_0 \big) +
# \tfrac{\tau}{2} (d_1^2 - d_0^2) \tag{B2.4}$$
#
# `bcd.neurons.sweep_neurons` with a finite `pi`: the joint block of one neuron.
#
# $$W + \big( \tau (U - A)^T V - \gamma W \big) H^{-1} = \tau\, U^T V H^{-1}, \qquad
# H = \tau V^T V + \gamma I \tag{B2.5}$$
#
# `bcd.blocks.Gram.solve`
#
# $$\tfrac12 \max(0, 1 - y f)^2 = \min_{y t \ge 1} \tfrac12 (t - f)^2, \qquad
# t = y \max(y f, 1) \tag{B2.6}$$
#
# `bcd.regression.target_block`
#
# $$W \leftarrow W + \sum_n d_n \frac{(M^{-1} v_n)^T}{v_n^T M^{-1} v_n + \rho \kappa}, \qquad
# d = u - a \tag{B2.7}$$
#
# `bcd.proximal.proximal_weights_by_sample`
#
# $$\text{rise of the next layer's loss without neuron } j:\quad
# \frac{\lVert w_{\mathrm{out}, j} \rVert^2}{2 K_{jj}}, \qquad K = (V^T V + \gamma I)^{-1}
# \tag{B2.8}$$
#
# `bcd.regression.remove_cheapest`

# %% [markdown]
# ## Part C: hidden targets [FTP]
#
# | symbol | meaning | name in the code | shape |
# |---|---|---|---|
# | $z_d$ | pre-activations of layer $d$ | `z` | `(n_samples, n_units)` |
# | $h_d$ | its outputs | `activations.sign` | `(n_samples, n_units)` |
# | $W_d, b_d$ | weights and bias | `weights`, `biases` | `(n_units, n_in)`, `(n_units,)` |
# | $t$ | target $\pm 1$, or 0 for "don't care" | `targetprop.targets.Targets` | that of $z$ |
# | $e$ | $\partial L_{d+1} / \partial h_d$ | `e` | that of $h_d$ |
# | $\lvert e \rvert$ | how much a target matters | `weights` | that of $e$ |
# | $m$ | margin $t z$ | `m` | that of $z$ |
# | $\mathrm{loss}(m)$ | loss of a margin | `losses.HiddenLoss` | that of $m$ |
# | $L_d$ | loss of layer $d$ | `losses.layer_loss` | number |
# | $T_d$ | targets of a layer | `targetprop.targets.Targets` | `(n_samples, n_units)` |
# | $N, p$ | number of points, of inputs | `n_samples`, `n_in` | integer |

# %% [markdown]
# ### Equations of [C](../docs/theory.md#c) and [C1](../docs/theory.md#c1)
#
# $$z_d = h_{d-1} W_d^T + b_d, \qquad h_d = \mathrm{sign}(z_d) \text{ or } \mathrm{step}(z_d)
# \tag{C.1}$$
#
# `nets.network.ZeroOneMLP.forward`
#
# $$T_d \text{ is feasible if, for every unit, some } w, b \text{ have}\quad
# t_n (w \cdot x_n + b) \ge 1 \text{ for all } n \tag{C.2}$$
#
# `exact.separability.separate`, for one unit; `exact.separability.layer_feasibility`, for
# all.
#
# $$\text{otherwise}\quad \sum_n \alpha_n t_n (x_n, 1) = 0 \quad \text{for some } \alpha \ge 0,\
# \sum_n \alpha_n = 1 \tag{C.3}$$
#
# `exact.separability.verify`
#
# $$t = -\mathrm{sign}(e), \qquad e = \frac{\partial L_{d+1}}{\partial h_d}, \qquad t = 0
# \text{ where } e = 0 \tag{C.4}$$
#
# `targetprop.targets.set_targets`
#
# $$L_d = \sum \lvert e \rvert\, \mathrm{loss}(t z_d) \tag{C.5}$$
#
# `losses.layer_loss`
#
# $$\text{hinge:}\quad \max(0, 1 - m) \tag{C.6}$$
#
# `losses.Hinge`
#
# $$\text{saturated hinge:}\quad \min(2, \max(0, 1 - m)) \tag{C.7}$$
#
# `losses.SaturatedHinge`
#
# $$\text{soft hinge:}\quad 1 - \tanh(m) \tag{C.8}$$
#
# `losses.SoftHinge`
#
# $$\text{linear:}\quad -m \tag{C.9}$$
#
# `losses.Linear`
#
# $$\frac{\partial L_d}{\partial z} = \lvert e \rvert\, t\, \mathrm{loss}'(t z) =
# \begin{cases} e & \text{linear: the straight-through estimator} \\
# e\, 1[\lvert z \rvert \le 1] & \text{saturated hinge: the saturating one} \\
# e\, (1 - \tanh(z)^2) & \text{soft hinge} \\
# e\, 1[t z \le 1] & \text{hinge} \end{cases} \tag{C.10}$$
#
# `losses.layer_gradient`
#
# ### [C2](../docs/theory.md#c2), [C3](../docs/theory.md#c3): exact references
#
# $$\text{dichotomies of } N \text{ points in general position in } \mathbb{R}^p:\quad
# 2 \sum_{i=0}^{p} \binom{N-1}{i} \tag{C2.1}$$
#
# `exact.dichotomies.cover_count`; `exact.dichotomies.dichotomies` finds them.
#
# $$\text{training error} \ge \text{that of the global optimum, a mixed-integer linear program}
# \tag{C3.1}$$
#
# `exact.milp.milp_optimum`, `exact.enumeration.enumeration_optimum`

# %% [markdown]
# ## The shapes, checked
#
# This cell makes a small instance of the quantities in the tables. It prints the shape that the
# table says and the shape that the array has.

# %%
import numpy as np

from zeroone import activations, bcd, gaussian, losses
from zeroone.gaussian import limits, rvscgd, sampling
from zeroone.support.tables import table
from zeroone.targetprop import targets

rng = np.random.default_rng(0)
n_samples, k, d = 7, 3, 4
Z = sampling.sample_inputs(rng, n_samples, k, d)
w = rng.standard_normal(d)
w_star = np.array([0.6, 0.0, 0.8, 0.0])
prices = {"k": k, "lam": 0.01, "beta": 0.1}
run = rvscgd.run(w, w_star, penalty="l1", eta=0.5, n_iter=100, **prices)
limit = limits.l1_limit(w_star, **prices)

X, Y = rng.standard_normal((n_samples, 5)), np.eye(2)[rng.integers(2, size=n_samples)]
state = next(iter(bcd.iterate(X, Y, (6, 3), rng=0, sweeps=1))).state

e = rng.standard_normal((n_samples, 6))
t = targets.set_targets(e, "magnitude").signs

checked = {
    "step(z)": (activations.step(Z @ w), (n_samples, k)),
    "Z": (Z, (n_samples, k, d)),
    "h(w, Z)": (sampling.output(w, Z), (n_samples,)),
    "l(w, Z)": (sampling.sample_loss(w, w_star, Z), (n_samples,)),
    "theta": (gaussian.angle(w, w_star), ()),
    "f(w)": (gaussian.population_loss(w, w_star, k), ()),
    "grad f(w)": (gaussian.true_gradient(w, w_star, k), (d,)),
    "g(w, Z)": (sampling.sampled_coarse_gradient(w, w_star, Z), (d,)),
    "E g(w)": (gaussian.coarse_gradient(w, w_star, k), (d,)),
    "u": (run.u, (d,)),
    "limit of w": (limit.w, (d,)),
    "W_1": (state.weights[0], (6, 5)),
    "b_1": (state.biases[0], (6,)),
    "A_2": (state.products[1], (n_samples, 3)),
    "U_2": (state.preactivations[1], (n_samples, 3)),
    "V_2": (state.activations[2], (n_samples, 3)),
    "t": (t, (n_samples, 6)),
    "loss(m)": (losses.Hinge().value(t * e), (n_samples, 6)),
}
rows = [(name, str(shape), str(array.shape)) for name, (array, shape) in checked.items()]
print(table(["symbol", "in the table", "of the array"], rows))

# %% [markdown]
# ## What was shown

# %%
assert all(array.shape == shape for array, shape in checked.values())
assert activations.step(0.0) == 0
assert activations.sign(0.0) == -1
computed = state.activations[1] @ state.weights[1].T + state.biases[1]
np.testing.assert_allclose(state.products[1], computed, atol=1e-12)
