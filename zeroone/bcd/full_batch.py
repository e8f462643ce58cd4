"""Full-batch block coordinate descent: a generator of block updates, each of which lowers F.

One sweep visits every block once. With the blocks of the chosen splitting,

    two     W_i ridge;  U_i one neuron at a time, V_i = step(U_i)
    three   W_i ridge;  V_i ridge;  U_i entry by entry
    joint   W_i ridge;  (V_i, U_i) one neuron at a time

F is non-increasing at every update, in exact arithmetic for any data (docs/theory.md#b1, #b2). A
block W_i holds the biases b_i, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from zeroone.bcd.blocks import (
    LARGEST_MARGIN,
    REMEDIES,
    Gram,
    correlate,
    keep_rows,
    nearest_on_side,
    proximal_linear_columns,
    ridge_activations,
    ridge_on_columns,
    ridge_weights,
    update_preactivations,
)
from zeroone.bcd.initialise import INITIALISATIONS, initial_rows
from zeroone.bcd.neurons import neuron_groups, sweep_neurons
from zeroone.bcd.objective import (
    LEAST_RIDGE,
    Coefficients,
    State,
    evaluate_term,
    layer_product,
    nonzero_groups,
    objective,
    per_layer,
)
from zeroone.steps import Block, Step
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import (
    FloatArray,
    check_choice,
    check_hidden,
    check_integer,
    check_matrix,
    check_number,
    check_sample_weight,
)

if TYPE_CHECKING:
    from zeroone.nets.mlp import ZeroOneMLP

SPLITTINGS = ("two", "three", "joint")
ORDERS = ("backward", "forward", "random")


def sweeps(
    X: FloatArray,
    Y: FloatArray,
    hidden: tuple[int, ...],
    options: Options,
    rng: np.random.Generator,
    start: ZeroOneMLP | None,
    sample_weight: FloatArray | None = None,
) -> Iterator[Step]:
    """Yield the steps of all sweeps, each block in its turn; arguments as in `iterate`, checked."""
    state = initial_state(X, Y, hidden, options, rng, start, sample_weight)
    updates = BlockUpdates(state, options, rng)
    terms: dict[str, float] = {}
    for sweep in range(1, options.sweeps + 1):
        coefficients = options.coefficients(state.n_layers, sweep)
        if not terms or coefficients != updates.coefficients:
            updates.coefficients = coefficients
            terms = objective(state, coefficients, options.splitting)
        order = options.blocks(state.n_layers, rng)
        for number, block in enumerate(order, start=1):
            moved, info = updates.update(block)
            info["position"] = sweep - 1 + number / len(order)
            info["epoch_ends"] = number == len(order)
            info["coefficients"], info["options"] = coefficients, options
            before = terms
            new = {name: evaluate_term(name, state, coefficients) for name in moved}
            terms = {**before, **new}
            yield Step(sweep, block, before, terms, state, info)


class BlockUpdates:
    """The block updates of one run: each changes the state in place and names the terms it moved.

    Parameters
    ----------
    state : State
        The variables, changed in place.
    options : Options
        The splitting, the remedy and the kind of groups.
    rng : numpy.random.Generator
        For the order of the neurons.
    """

    def __init__(self, state: State, options: Options, rng: np.random.Generator) -> None:
        self.state = state
        self.options = options
        self.rng = rng
        self.coefficients = options.coefficients(state.n_layers)
        # X never changes, so its Gram matrix is formed and inverted once.
        self.input_gram = Gram(state.activations[0], sample_weight=state.sample_weight)

    def update(self, block: str) -> tuple[list[str], dict[str, Any]]:
        """Update one block; return the names of the terms that it changed, and what it counted."""
        layer = int(block[1:]) - 1
        if block[0] == "W":
            return self.update_weights(layer)
        if block[0] == "V":
            return self.update_activations(layer)
        if self.options.splitting == "three":
            return self.update_preactivations(layer)
        return self.update_neurons(layer)

    def coupling(self, layer: int) -> str:
        """Return the name of the term that measures layer `layer`'s residual."""
        return f"coupling_{layer + 1}" if layer < self.state.n_layers - 1 else "fit"

    def update_weights(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """W_i and b_i: ridge regression, then the group penalty on rows or columns."""
        state, prices = self.state, self.coefficients
        V, W, b = state.activations[layer], state.weights[layer], state.biases[layer]
        gram = self.input_gram if layer == 0 else Gram(V, sample_weight=state.sample_weight)
        C, c = correlate(state.target(layer), state.products[layer], V, state.sample_weight)
        tau, gamma, lam = prices.layer_weight(layer), prices.gamma[layer], prices.lam[layer]
        if lam > 0 and prices.groups == "columns":
            W, b = proximal_linear_columns(W, b, C, c, gram, tau=tau, gamma=gamma, lam=lam)
            A = layer_product(V, W, b)
            C, c = correlate(state.target(layer), A, V, state.sample_weight)
            W, b = ridge_on_columns(W, b, C, c, gram, tau=tau, gamma=gamma)
        else:
            W, b = ridge_weights(W, b, C, c, gram, tau=tau, gamma=gamma)
            if lam > 0:
                W, b = keep_rows(W, b, gram, tau=tau, gamma=gamma, lam=lam)
        state.weights[layer], state.biases[layer] = W, b
        state.refresh_product(layer)
        rows = nonzero_groups(W, b, "rows")
        return [self.coupling(layer), "ridge", "sparsity"], {"nonzero_rows": rows}

    def update_activations(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """V_i in the three-splitting form: ridge regression."""
        state, prices = self.state, self.coefficients
        state.activations[layer + 1] = ridge_activations(
            state.activations[layer + 1],
            state.preactivations[layer] > 0,
            state.residual(layer + 1),
            state.weights[layer + 1],
            tau=prices.layer_weight(layer + 1),
            pi=prices.pi[layer],
        )
        state.refresh_product(layer + 1)
        return [f"activation_{layer + 1}", self.coupling(layer + 1)], {}

    def update_preactivations(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """U_i in the three-splitting form: a choice between two points for every entry."""
        state, prices = self.state, self.coefficients
        U = update_preactivations(
            state.products[layer],
            state.activations[layer + 1],
            tau=prices.tau[layer],
            pi=prices.pi[layer],
            margin=self.options.gap,
        )
        flipped = np.count_nonzero((U > 0) != (state.preactivations[layer] > 0))
        state.preactivations[layer] = U
        return [self.coupling(layer), f"activation_{layer + 1}"], {"flipped": flipped}

    def update_neurons(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """(V_i, U_i) together, one neuron at a time: the two-splitting form, or the joint block."""
        state, prices = self.state, self.coefficients
        two = self.options.splitting == "two"
        A, U = state.products[layer], state.preactivations[layer]
        V, W = state.activations[layer + 1], state.weights[layer + 1]
        bits, groups = U > 0, neuron_groups(W.shape[1], len(W), self.rng)
        flipped = sweep_neurons(
            bits,
            A,
            state.residual(layer + 1),
            W,
            kappa=prices.layer_weight(layer + 1),
            tau=prices.tau[layer],
            margin=self.options.gap,
            pi=np.inf if two else prices.pi[layer],
            V=None if two else V,
            groups=groups,
        )
        if two:
            V[:] = bits
        nearest_on_side(A, bits, self.options.gap, out=U)
        state.refresh_product(layer + 1)
        terms = [self.coupling(layer), self.coupling(layer + 1)]
        order = [neuron for group in groups for neuron in range(group.start, group.stop)]
        info = {"flipped": flipped, "order": order}
        return terms if two else [*terms, f"activation_{layer + 1}"], info


def iterate(
    X: FloatArray,
    Y: FloatArray,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    start: ZeroOneMLP | None = None,
    sample_weight: ArrayLike | None = None,
    **options: Any,
) -> Iterator[Step]:
    """Train a 0/1 MLP by full-batch block coordinate descent, one block update at a time.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        The input, already centred and scaled as wanted. float32 is kept.
    Y : array_like, shape (n_samples, n_outputs)
        The targets, one-hot or real.
    hidden : int or sequence of int
        Sizes of the hidden layers.
    rng : numpy.random.Generator or seed, optional
        Source of randomness for the start and the order of the neurons.
    start : ZeroOneMLP, optional
        A net to go on from.
    sample_weight : array_like, shape (n_samples,), optional
        How often each sample counts in F, > 0; by default once. A sample's bits do not depend on
        its weight, only the weights W do.
    **options
        The fields of `Options`, by name.

    Yields
    ------
    Step
        After every block update: the sweep, the `Block` such as ``"U2"``, the terms of F before and
        after, and the live `State`. ``info["position"]`` counts sweeps as a fraction, and
        ``info["epoch_ends"]`` says whether this block is its sweep's last; ``info["coefficients"]``
        are the prices of the sweep, and ``info["options"]`` the `Options`. After a block of bits,
        ``info["flipped"]`` is how many flipped and, where neurons take turns, ``info["order"]`` is
        that of their turns.

    Raises
    ------
    ValueError
        If an argument is of the wrong shape, not finite or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> Y = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    >>> steps = list(iterate(X, Y, 4, rng=0, sweeps=5))
    >>> [step.block for step in steps[:3]]
    ['W2', 'U1', 'W1']
    >>> all(step.decrease > -1e-12 for step in steps)
    True
    """
    try:
        chosen = Options(**options)
    except TypeError as error:
        raise ValueError(f"options must be fields of Options: {error}") from None
    X = check_matrix("X", X)
    Y = check_matrix("Y", Y, dtype=X.dtype)
    if len(X) != len(Y):
        raise ValueError(f"Y must have {len(X)} rows like X, but has {len(Y)}")
    weight = check_sample_weight(sample_weight, len(X), X.dtype)
    sizes = check_hidden(hidden)
    expected = (X.shape[1], *sizes, Y.shape[1])
    if start is not None and start.layer_sizes != expected:
        raise ValueError(f"start must have layers {expected}, but has {start.layer_sizes}")
    chosen.blocks(len(sizes) + 1, np.random.default_rng(0))
    for sweep in (1, chosen.sweeps):
        chosen.coefficients(len(sizes) + 1, sweep)
    return sweeps(X, Y, sizes, chosen, np.random.default_rng(rng), start, weight)


@dataclass(frozen=True)
class Options:
    """The options of full-batch block coordinate descent.

    Parameters
    ----------
    sweeps : int, default 20
        Number of passes over all blocks.
    splitting : {"two", "three", "joint"}, default "two"
        The form of the objective, and its blocks. "three" lets V_i differ from step(U_i): its F may
        fall while the hard network gets worse. "joint" has the same objective, with the blocks
        (V_j, U_j) of one neuron at a time.
    remedy : {"margin", "tiny"}, default "margin"
        How a unit fires at the least cost, although the infimum over u > 0 is not attained:
        "margin" keeps |u| >= margin, "tiny" takes the smallest positive normal float.
    margin : float, default 0.1
        The half-width of the gap for the remedy "margin", > 0.
    tau : float or sequence, default 0.5
        Price of |U_i - A_i|^2 / 2, one number or one a hidden layer, > 0.
    pi : float or sequence, default 1.0
        Price of |V_i - step(U_i)|^2 / 2, one number or one a hidden layer, > 0.
    gamma : float or sequence, default 1e-2
        Ridge on W_i and b_i, one number or one a layer, > 0: the W-block has a unique minimiser.
    lam : float or sequence, default 0.0
        Price of a non-zero group of W_i. One number applies to the rows of the hidden layers, or
        to the columns of all layers; a sequence has one number a layer.
    groups : {"rows", "columns"}, default "rows"
        "rows" are neurons, each kept or removed exactly. "columns" are inputs of a layer: a
        proximal-linear step chooses, then a ridge problem fits those that are left.
    order : {"backward", "forward", "random"} or sequence of str, default "backward"
        The order of the blocks in a sweep: from the output down, from the input up, shuffled in
        every sweep, or as named, such as ``["W2", "U1", "W1"]``.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights of hidden layers.
    tau_schedule : schedule, optional
        A factor on tau that changes from sweep to sweep; see `schedule_value`. F does not rise
        within a sweep; the next sweep measures it with its own factor.

    Raises
    ------
    ValueError
        If an option is out of its range.
    """

    sweeps: int = 20
    splitting: str = "two"
    remedy: str = "margin"
    margin: float = 0.1
    tau: float | Sequence[float] = 0.5
    pi: float | Sequence[float] = 1.0
    gamma: float | Sequence[float] = 1e-2
    lam: float | Sequence[float] = 0.0
    groups: str = "rows"
    order: str | Sequence[str] = "backward"
    initialisation: str = "differences"
    tau_schedule: Schedule = 1.0

    def __post_init__(self) -> None:
        check_integer("sweeps", self.sweeps)
        check_choice("splitting", self.splitting, SPLITTINGS)
        check_choice("remedy", self.remedy, REMEDIES)
        check_number("margin", self.margin, strict=True, maximum=LARGEST_MARGIN)
        check_choice("groups", self.groups, ("rows", "columns"))
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        if isinstance(self.order, str):
            check_choice("order", self.order, ORDERS)

    @property
    def gap(self) -> float:
        """The margin in force: 0 for the remedy "tiny"."""
        return self.margin if self.remedy == "margin" else 0.0

    def coefficients(self, n_layers: int, sweep: int = 1) -> Coefficients:
        """Return the coefficients of F in one sweep for a net of `n_layers` layers.

        Raises
        ------
        ValueError
            If a sequence has the wrong length, or a value is out of range.
        """
        hidden = n_layers - 1
        factor = schedule_value("tau_schedule", self.tau_schedule, sweep, self.sweeps)
        tau = [factor * each for each in per_layer("tau", self.tau, hidden)]
        lam = self.lam
        if np.ndim(lam) == 0 and self.groups == "rows":
            lam = (*per_layer("lam", lam, hidden, minimum=0.0), 0.0)
        return Coefficients(
            tau=per_layer("tau times tau_schedule", tau, hidden),
            pi=per_layer("pi", self.pi, hidden),
            gamma=per_layer("gamma", self.gamma, n_layers, minimum=LEAST_RIDGE),
            lam=per_layer("lam", lam, n_layers, minimum=0.0),
            groups=self.groups,
        )

    def blocks(self, n_layers: int, rng: np.random.Generator) -> list[Block]:
        """Return the blocks of one sweep in their order.

        Raises
        ------
        ValueError
            If `order` is a sequence that does not name every block once.
        """
        names = [f"W{n_layers}"]
        for layer in range(n_layers - 1, 0, -1):
            hidden = {"two": "U", "three": "VU", "joint": "J"}[self.splitting]
            names += [f"{letter}{layer}" for letter in hidden] + [f"W{layer}"]
        if self.order == "forward":
            names.reverse()
        elif self.order == "random":
            names = [names[index] for index in rng.permutation(len(names))]
        elif not isinstance(self.order, str):
            if sorted(self.order) != sorted(names):
                raise ValueError(
                    f"order must name each of {', '.join(names)} once, "
                    f"but is {', '.join(self.order)}"
                )
            names = list(self.order)
        return [stated_block(name, n_layers, self) for name in names]


def initial_state(
    X: FloatArray,
    Y: FloatArray,
    hidden: Sequence[int],
    options: Options,
    rng: np.random.Generator,
    start: ZeroOneMLP | None = None,
    sample_weight: FloatArray | None = None,
) -> State:
    """Return the variables at which descent starts: a forward pass, with U moved out of the gap.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    Y : ndarray, shape (n_samples, n_outputs)
    hidden : sequence of int
        Sizes of the hidden layers.
    options : Options
        For the rule of initialisation, the gap and the ridge of the output layer.
    rng : numpy.random.Generator
    start : ZeroOneMLP, optional
        A net to go on from, instead of a new one.
    sample_weight : ndarray, shape (n_samples,), optional

    Returns
    -------
    State
        Hidden layers by `options.initialisation`, the output layer by ridge regression.
    """
    state = State(Y, [X], [], [], [], [], sample_weight)
    for layer, size in enumerate(hidden):
        V = state.activations[-1]
        if start is None:
            W, b = initial_rows(V, Y, size, options.initialisation, rng, sample_weight)
        else:
            W, b = start.weights[layer].astype(X.dtype), start.biases[layer].astype(X.dtype)
        A = layer_product(V, W, b)
        U = nearest_on_side(A, A > 0, options.gap)
        state.weights.append(W)
        state.biases.append(b)
        state.products.append(A)
        state.preactivations.append(U)
        state.activations.append((U > 0).astype(X.dtype))
    V = state.activations[-1]
    if start is None:
        W, b = np.zeros((Y.shape[1], hidden[-1]), X.dtype), np.zeros(Y.shape[1], X.dtype)
        gamma = options.coefficients(len(hidden) + 1).gamma[-1]
        # At zero weights the residual is Y itself.
        weighted = Y if sample_weight is None else Y * sample_weight[:, np.newaxis]
        gram = Gram(V, sample_weight=sample_weight)
        C, c = weighted.T @ V, weighted.sum(axis=0)
        W, b = ridge_weights(W, b, C, c, gram, tau=1.0, gamma=gamma)
    else:
        W, b = start.weights[-1].astype(X.dtype), start.biases[-1].astype(X.dtype)
    state.weights.append(W)
    state.biases.append(b)
    state.products.append(layer_product(V, W, b))
    return state


def network(state: State, classes: np.ndarray | None = None) -> ZeroOneMLP:
    """Return the hard network of the present weights.

    Parameters
    ----------
    state : State
        The variables; U and V play no part, only W.
    classes : ndarray, optional
        The labels of the outputs.

    Returns
    -------
    ZeroOneMLP
        With copies of the weights.
    """
    from zeroone.nets.mlp import ZeroOneMLP  # the solver itself needs no network

    return ZeroOneMLP(state.weights, state.biases, classes=classes)


def stated_block(name: str, n_layers: int, options: Options) -> Block:
    """Return the block of a name such as ``"W2"``, with the equation of its update.

    Parameters
    ----------
    name : str
        W, V, U or J (V and U together) and the number of the layer.
    n_layers : int
    options : Options

    Returns
    -------
    Block
        Its equation has several lines: the update in words, then lines of a label (or none), two
        spaces or more, and a formula. V stands for the layer's input and a column of ones, W for
        the weights and the bias.
    """
    i = int(name[1:])
    V, W, U = f"V{i - 1}", f"W{i}", "Y" if i == n_layers else f"U{i}"
    outgoing, target = f"W{i + 1}", "Y" if i + 1 == n_layers else f"U{i + 1}"
    side = "tiny      silent: u = min(a, 0)    fires: u = max(a, the smallest positive number)"
    if options.gap > 0:
        side = f"m = {options.gap:.6g}  silent: u = min(a, -m)    fires: u = max(a, m)"
    if name[0] == "W":
        minimise = f"(tau/2) |{U} - {V} {W}^T|^2 + (gamma/2) |{W}|^2"
        ridge = f"{W} = tau {U}^T {V} (tau {V}^T {V} + gamma I)^-1"
        priced = f"{minimise} + lam (number of non-zero {options.groups})"
        if options.coefficients(n_layers).lam[i - 1] == 0:
            lines = [
                "ridge regression of each unit on the layer's input",
                f"minimise  {minimise}",
                f"solution  {ridge}",
            ]
        elif options.groups == "rows":
            lines = [
                "ridge regression, then each row is kept or dropped",
                f"minimise  {priced}",
                f"ridge     {ridge}",
                "then      keep row w iff r . w > 2 lam, with r = tau V^T u, else set it to 0",
            ]
        else:
            lines = [
                "a proximal-linear step, then each column is kept or dropped",
                f"lower     {priced}",
                f"step      Z = {W} - s gradient, with s = 1/(tau |{V}^T {V}|_2 + gamma)",
                "then      keep column z iff |z|^2 > 2 s lam, else set it to 0 (never the bias)",
                "then      ridge regression on the columns that are left",
            ]
        return Block(name, "\n".join(lines), "docs/theory.md#b1")
    if name[0] == "V":
        lines = [
            "ridge regression of each sample's activations",
            f"minimise  (kappa/2) |{target} - b - V{i} {outgoing}^T|^2 + "
            f"(pi/2) |V{i} - step({U})|^2",
            f"solution  V{i} (kappa {outgoing}^T {outgoing} + pi I) = "
            f"kappa ({target} - b) {outgoing} + pi step({U})",
        ]
        return Block(name, "\n".join(lines), "docs/theory.md#b1")
    if options.splitting == "three":
        lines = [
            "each entry chooses a side of the threshold",
            "minimise  (tau/2) (u - a)^2 + (pi/2) (v - step(u))^2 for every entry",
            f"where     a is the entry of {V} {W}^T, v that of V{i}; on a tie, silent",
            side,
        ]
        return Block(name, "\n".join(lines), "docs/theory.md#b1")
    two = options.splitting == "two"
    gain = "kappa" if two else "kappa pi/(kappa |w|^2 + pi)"
    lines = [
        "one neuron after another, each seeing what those before it did",
        f"rule      cost(fires) - cost(silent) = {gain} (|w|^2/2 - w . r0) + (tau/2) (d1^2 - d0^2)",
        "          fire where that is negative; on a tie, silent",
        f"where     w is the neuron's column of {outgoing}, r0 the residual of {target} without "
        "the neuron, d1 and d0 the distances of a from the nearest u that fires or is silent",
        side,
    ]
    return Block(name, "\n".join(lines), "docs/theory.md#b2")
