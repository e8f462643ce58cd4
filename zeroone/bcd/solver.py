"""Full-batch block coordinate descent: a generator of block updates, each of which lowers F.

One sweep visits every block once. With the blocks of the chosen splitting,

    two     W_i ridge;  U_i one neuron at a time, V_i = step(U_i)
    three   W_i ridge;  V_i ridge;  U_i entry by entry
    joint   W_i ridge;  (V_i, U_i) one neuron at a time

F is non-increasing at every update, in exact arithmetic for any data (theory, B1 and B2).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zeroone.bcd import blocks
from zeroone.bcd.initialise import initial_rows
from zeroone.bcd.neurons import sweep_neurons
from zeroone.bcd.objective import (
    State,
    evaluate_term,
    layer_product,
    objective,
    with_constant,
)
from zeroone.bcd.options import Options
from zeroone.layers import check_hidden
from zeroone.network import ZeroOneMLP
from zeroone.trace import Step
from zeroone.validation import FloatArray, check_matrix


def initial_state(
    X: FloatArray,
    Y: FloatArray,
    hidden: Sequence[int],
    options: Options,
    rng: np.random.Generator,
    start: ZeroOneMLP | None = None,
) -> State:
    """Return the variables at which descent starts: a forward pass, with U pushed out of the gap.

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

    Returns
    -------
    State
        Hidden layers by `options.initialisation`, the output layer by ridge regression.
    """
    state = State(Y, [with_constant(X)], [], [], [])
    for layer, size in enumerate(hidden):
        V = state.activations[-1]
        if start is None:
            W = initial_rows(V, Y, size, options.initialisation, rng)
        else:
            W = np.column_stack([start.weights[layer], start.biases[layer]]).astype(X.dtype)
        A = layer_product(V, W)
        U = blocks.nearest_on_side(A, A > 0, options.gap)
        state.weights.append(W)
        state.products.append(A)
        state.preactivations.append(U)
        state.activations.append(with_constant(U > 0, X.dtype))
    if start is None:
        V, zero = state.activations[-1], np.zeros((Y.shape[1], hidden[-1] + 1), X.dtype)
        gamma = options.coefficients(len(hidden) + 1).gamma[-1]
        # At zero weights the residual is Y itself.
        top = blocks.ridge_weights(zero, Y.T @ V, blocks.Gram(V), tau=1.0, gamma=gamma)
    else:
        top = np.column_stack([start.weights[-1], start.biases[-1]]).astype(X.dtype)
    state.weights.append(top)
    state.products.append(layer_product(state.activations[-1], top))
    return state


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
        self.input_gram = blocks.Gram(state.activations[0])

    def update(self, block: str) -> tuple[list[str], dict[str, Any]]:
        """Update one block; return the names of the terms that it changed, and what it counted."""
        layer = int(block[1:]) - 1
        action = {"W": self.weights, "V": self.activations, "U": self.preactivations}
        if block[0] == "J" or (block[0] == "U" and self.options.splitting == "two"):
            return self.neurons(layer)
        return action[block[0]](layer)

    def coupling(self, layer: int) -> str:
        """Return the name of the term that measures layer `layer`'s residual."""
        return f"coupling_{layer + 1}" if layer < self.state.n_layers - 1 else "fit"

    def weights(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """W_i: ridge regression, then the group penalty on rows or columns."""
        state, coefficients = self.state, self.coefficients
        V, W = state.activations[layer], state.weights[layer]
        gram = self.input_gram if layer == 0 else blocks.Gram(V)
        C = blocks.correlate(state.target(layer), state.products[layer], V)
        tau, gamma = coefficients.layer_weight(layer), coefficients.gamma[layer]
        lam = coefficients.lam[layer]
        if lam > 0 and coefficients.groups == "columns":
            W = blocks.proximal_linear_columns(W, C, gram, tau=tau, gamma=gamma, lam=lam)
            C = blocks.correlate(state.target(layer), V @ W.T, V)
            W = blocks.ridge_on_columns(W, C, gram, tau=tau, gamma=gamma)
        else:
            W = blocks.ridge_weights(W, C, gram, tau=tau, gamma=gamma)
            if lam > 0:
                W = blocks.keep_rows(W, gram, tau=tau, gamma=gamma, lam=lam)
        state.weights[layer] = W
        state.refresh_product(layer)
        return [self.coupling(layer), "ridge", "sparsity"], {"nonzero_rows": int(W.any(1).sum())}

    def activations(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """V_i in the three-splitting form: ridge regression."""
        state, coefficients = self.state, self.coefficients
        V = state.activations[layer + 1]
        V[:, :-1] = blocks.ridge_activations(
            V[:, :-1],
            state.preactivations[layer] > 0,
            state.residual(layer + 1),
            state.weights[layer + 1][:, :-1],
            tau=coefficients.layer_weight(layer + 1),
            pi=coefficients.pi[layer],
        )
        state.refresh_product(layer + 1)
        return [f"activation_{layer + 1}", self.coupling(layer + 1)], {}

    def preactivations(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """U_i in the three-splitting form: a choice between two points for every entry."""
        state, coefficients = self.state, self.coefficients
        U = blocks.update_preactivations(
            state.products[layer],
            state.activations[layer + 1][:, :-1],
            tau=coefficients.tau[layer],
            pi=coefficients.pi[layer],
            margin=self.options.gap,
        )
        flips = np.count_nonzero((U > 0) != (state.preactivations[layer] > 0))
        state.preactivations[layer] = U
        terms = [self.coupling(layer), f"activation_{layer + 1}"]
        return terms, {"flipped": flips}

    def neurons(self, layer: int) -> tuple[list[str], dict[str, Any]]:
        """(V_i, U_i) together, one neuron at a time: the two-splitting form, or the joint block."""
        state, coefficients = self.state, self.coefficients
        two = self.options.splitting == "two"
        A, U = state.products[layer], state.preactivations[layer]
        bits, V = U > 0, state.activations[layer + 1][:, :-1]
        flipped = sweep_neurons(
            bits,
            A,
            state.residual(layer + 1),
            state.weights[layer + 1][:, :-1],
            kappa=coefficients.layer_weight(layer + 1),
            tau=coefficients.tau[layer],
            margin=self.options.gap,
            pi=np.inf if two else coefficients.pi[layer],
            V=None if two else V,
            rng=self.rng,
        )
        if two:
            V[:] = bits
        blocks.nearest_on_side(A, bits, self.options.gap, out=U)
        state.refresh_product(layer + 1)
        terms = [self.coupling(layer), self.coupling(layer + 1)]
        return terms if two else [*terms, f"activation_{layer + 1}"], {"flipped": flipped}


def iterate(
    X: FloatArray,
    Y: FloatArray,
    hidden: int | Sequence[int],
    *,
    rng: np.random.Generator | int | None = None,
    start: ZeroOneMLP | None = None,
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
    **options
        The fields of `Options`, by name.

    Yields
    ------
    Step
        After every block update: the sweep, the block's name such as ``"U2"``, the terms of F
        before and after, and the live `State`. ``info["position"]`` counts sweeps as a fraction,
        and ``info["epoch_ends"]`` says whether this block is its sweep's last.

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
    sizes = check_hidden(hidden)
    expected = (X.shape[1], *sizes, Y.shape[1])
    if start is not None and start.layer_sizes != expected:
        raise ValueError(f"start must have layers {expected}, but has {start.layer_sizes}")
    chosen.block_names(len(sizes) + 1, np.random.default_rng(0))
    chosen.coefficients(len(sizes) + 1)
    return _sweeps(X, Y, sizes, chosen, np.random.default_rng(rng), start)


def _sweeps(
    X: FloatArray,
    Y: FloatArray,
    hidden: tuple[int, ...],
    options: Options,
    rng: np.random.Generator,
    start: ZeroOneMLP | None,
) -> Iterator[Step]:
    """Yield the steps of all sweeps; arguments as in `iterate`, checked."""
    state = initial_state(X, Y, hidden, options, rng, start)
    updates = BlockUpdates(state, options, rng)
    terms: dict[str, float] = {}
    for sweep in range(1, options.sweeps + 1):
        coefficients = options.coefficients(state.n_layers, sweep)
        if not terms or coefficients != updates.coefficients:
            updates.coefficients = coefficients
            terms = objective(state, coefficients, options.splitting)
        names = options.block_names(state.n_layers, rng)
        for number, block in enumerate(names, start=1):
            moved, info = updates.update(block)
            info["position"] = sweep - 1 + number / len(names)
            info["epoch_ends"] = number == len(names)
            before = terms
            new = {name: evaluate_term(name, state, coefficients) for name in moved}
            terms = {**before, **new}
            yield Step(sweep, block, before, terms, state, info)


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
    weights = [W[:, :-1].copy() for W in state.weights]
    biases = [W[:, -1].copy() for W in state.weights]
    return ZeroOneMLP(weights, biases, classes=classes)
