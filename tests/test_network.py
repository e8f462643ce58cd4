"""ZeroOneMLP against exact rational arithmetic in plain Python loops."""

import tracemalloc
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import zeroone.nets.mlp as network_module
from zeroone.nets.compress import compress_layers, keep_units
from zeroone.nets.mlp import Forward, ZeroOneMLP, check_layers
from zeroone.nets.units import Units

# ------------------------------------------------------------------------------------------------
# Oracles: exact rationals, one sample, one unit and one input at a time.


def exact_activation(z, activation, levels):
    if activation == "step":
        return Fraction(1 if z > 0 else 0)
    if activation == "sign":
        return Fraction(1 if z > 0 else -1)
    passed = 0
    for j in range(levels - 1):
        if z > Fraction(j, levels - 1):
            passed += 1
    return Fraction(passed, levels - 1)


def exact_forward(net, x):
    """Preactivations and activations of all layers for one sample, as lists of Fractions."""
    v = [Fraction(float(entry)) for entry in x]
    preactivations, activations = [], [v]
    for i in range(len(net.weights)):
        z = []
        for j in range(net.weights[i].shape[0]):
            total = Fraction(float(net.biases[i][j]))
            for k in range(net.weights[i].shape[1]):
                total += Fraction(float(net.weights[i][j, k])) * v[k]
            z.append(total)
        preactivations.append(z)
        if i < len(net.weights) - 1:
            v = [exact_activation(entry, net.activation, net.levels) for entry in z]
            activations.append(v)
    return preactivations, activations


def exact_class(scores):
    best = 0
    for k in range(1, len(scores)):
        if scores[k] > scores[best]:
            best = k
    return best


def exact_survivors(net, rng):
    """Remove one removable unit at a time, in random order; return who stays in the end."""
    alive = [set(range(n)) for n in net.layer_sizes[1:-1]]

    def removable(layer, j):
        below = range(net.layer_sizes[0]) if layer == 0 else alive[layer - 1]
        last = layer + 1 == len(alive)
        above = range(net.layer_sizes[-1]) if last else alive[layer + 1]
        constant = all(net.weights[layer][j, k] == 0 for k in below)
        return constant or all(net.weights[layer + 1][m, j] == 0 for m in above)

    while True:
        candidates = [
            (i, j) for i in range(len(alive)) for j in sorted(alive[i]) if removable(i, j)
        ]
        if not candidates:
            return alive
        layer, j = candidates[rng.integers(len(candidates))]
        alive[layer].remove(j)


# ------------------------------------------------------------------------------------------------
# Random networks whose arithmetic is exact in float32 and float64: small multiples of 1/2.

ACTIVATIONS = [("step", None), ("sign", None), ("staircase", 2), ("staircase", 3), ("staircase", 5)]


def random_exact_network(rng):
    depth = int(rng.integers(0, 4))
    sizes = [
        int(rng.integers(1, 5)),
        *(int(rng.integers(0 if rng.random() < 0.2 else 1, 6)) for _ in range(depth)),
        int(rng.integers(1, 5)),
    ]
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        W = rng.integers(-2, 3, (n_out, n_in)) / 2
        W[rng.random(n_out) < 0.35] = 0
        W[:, rng.random(n_in) < 0.35] = 0
        weights.append(W)
        biases.append(rng.integers(-2, 3, n_out) / 2)
    activation, levels = ACTIVATIONS[rng.integers(len(ACTIVATIONS))]
    dtype = rng.choice(["float32", "float64"])
    return ZeroOneMLP(
        [W.astype(dtype) for W in weights],
        [b.astype(dtype) for b in biases],
        activation=activation,
        levels=levels,
    )


seeds = st.integers(0, 2**32 - 1)


@st.composite
def networks_and_data(draw):
    """Mostly zeros, so that preactivations are exactly 0 and rows and columns vanish."""
    halves = st.sampled_from([0.0, 0.0, 0.0, 0.5, -0.5, 1.0, -1.0])
    sizes = draw(
        st.tuples(
            st.integers(1, 3),
            st.lists(st.integers(0, 3), max_size=3),
            st.integers(1, 3),
        ).map(lambda parts: [parts[0], *parts[1], parts[2]])
    )

    def matrix(n_out, n_in):
        entries = draw(st.lists(halves, min_size=n_out * n_in, max_size=n_out * n_in))
        return np.array(entries, dtype=dtype).reshape(n_out, n_in)

    dtype = draw(st.sampled_from([np.float32, np.float64]))
    weights = [matrix(n, m) for m, n in pairwise(sizes)]
    biases = [matrix(1, n)[0] for n in sizes[1:]]
    activation, levels = draw(st.sampled_from(ACTIVATIONS))
    X = matrix(draw(st.integers(1, 3)), sizes[0])
    return ZeroOneMLP(weights, biases, activation=activation, levels=levels), X


# ------------------------------------------------------------------------------------------------
# Checkers, which the planted errors below must not pass


def check_forward(net, X):
    result = net.forward(X)
    scores = net.decision_function(X)
    assert isinstance(result, Forward)
    assert len(result.preactivations) == len(result.activations) == len(net.weights)
    for array in (*result.preactivations, *result.activations, scores):
        assert array.dtype == net.dtype
    for n, x in enumerate(X):
        preactivations, activations = exact_forward(net, x)
        for i in range(len(net.weights)):
            assert result.preactivations[i][n].tolist() == preactivations[i]
            assert result.activations[i][n].tolist() == activations[i]
        assert result.output[n].tolist() == preactivations[-1]
        assert scores[n].tolist() == preactivations[-1]
    if net.layer_sizes[-1] > 1:
        winners = [exact_class(exact_forward(net, x)[0][-1]) for x in X]
        assert net.predict(X).tolist() == winners


def check_compression(net, X, compress, rng):
    small, kept = compress(net)
    assert (small.activation, small.levels, small.dtype) == (net.activation, net.levels, net.dtype)
    assert len(small.weights) == len(net.weights)
    for n, x in enumerate(X):
        # The oracle evaluates the network as it was; nothing of it knows about compression.
        assert small.decision_function(X)[n].tolist() == exact_forward(net, x)[0][-1]
    survivors = exact_survivors(net, rng)
    assert len(kept) == len(survivors)
    for i, mask in enumerate(kept):
        assert mask.dtype == np.bool_
        assert set(np.flatnonzero(mask).tolist()) == survivors[i]
        below = kept[i - 1] if i > 0 else np.ones(net.layer_sizes[0], dtype=bool)
        np.testing.assert_array_equal(small.weights[i], net.weights[i][mask][:, below])
    assert len({n == 0 for n in small.layer_sizes[1:-1]}) <= 1  # all hidden layers empty, or none


def library_compress(net):
    return net.compress(return_kept=True)


def run_on_random_networks(check, count=150, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        net = random_exact_network(rng)
        X = rng.integers(-2, 3, (3, net.layer_sizes[0])) / 2
        check(net, X, rng)


# ------------------------------------------------------------------------------------------------
# Forward


@settings(max_examples=100, deadline=None)
@given(networks_and_data())
def test_forward_is_the_exact_network(case):
    check_forward(*case)


def test_forward_on_random_networks():
    run_on_random_networks(lambda net, X, rng: check_forward(net, X))


class OneAtZero(Units):
    def forward(self, Z):
        return np.where(super().forward(Z) > 0, 1, (Z == 0)).astype(Z.dtype)


class StepOneAtZero(ZeroOneMLP):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.units = OneAtZero(self.activation, self.levels)


class SignOfThreeValues(Units):
    def forward(self, Z):
        return np.sign(Z) if self.activation == "sign" else super().forward(Z)


class NumpySign(ZeroOneMLP):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.units = SignOfThreeValues(self.activation, self.levels)


class NonlinearOutput(ZeroOneMLP):
    def decision_function(self, X):
        return self.units.forward(super().decision_function(X))


class LastOfTies(ZeroOneMLP):
    def predict(self, X):
        scores = self.decision_function(X)
        return scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1)


@pytest.mark.parametrize("wrong", [StepOneAtZero, NumpySign, NonlinearOutput, LastOfTies])
def test_planted_errors_of_forward_are_caught(wrong):
    def check(net, X, rng):
        parts = {"activation": net.activation, "levels": net.levels}
        check_forward(wrong(net.weights, net.biases, **parts), X)

    with pytest.raises(AssertionError):
        run_on_random_networks(check)


def test_exact_zeros_are_off_in_every_activation():
    for activation, levels, off in [("step", None, 0), ("sign", None, -1), ("staircase", 4, 0)]:
        net = ZeroOneMLP([[[1, -1]], [[1]]], [[0], [0]], activation=activation, levels=levels)
        assert net.decision_function([[3, 3], [0, 0], [-0.0, 0]]).tolist() == [[off]] * 3


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.float16, np.float32, ">f8", object])
def test_inputs_of_any_real_dtype_are_converted_before_the_product(dtype):
    # As uint8, 255 * 2 would wrap around to 254.
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2, (5, 3)) * (255 if dtype is np.uint8 else 1)
    for precision in (np.float32, np.float64):
        W = [rng.integers(-2, 3, (4, 3)), rng.integers(-2, 3, (2, 4))]
        b = [rng.integers(-300, 300, 4), rng.integers(-2, 3, 2)]
        net = ZeroOneMLP([w.astype(precision) for w in W], [v.astype(precision) for v in b])
        expected = [exact_forward(net, x)[0][-1] for x in X.tolist()]
        given = X.astype(dtype)
        assert net.decision_function(given).tolist() == expected
        assert net.forward(given).output.tolist() == expected
        assert net.forward(given).output.dtype == net.decision_function(given).dtype == precision


def test_nested_lists_are_accepted():
    net = ZeroOneMLP([[[1.0, 2.0], [3.0, -4.0]]], [[0.5, 0]])
    assert net.dtype == np.float64
    assert net.decision_function([[1, 1]]).tolist() == [[3.5, -1.0]]
    assert net.forward([[1, 1]]).activations[0].tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("entries", [1, 7, 64, 10**9])
def test_scores_do_not_depend_on_the_blocks(entries, monkeypatch):
    rng = np.random.default_rng(2)
    net = ZeroOneMLP(
        [rng.integers(-2, 3, (6, 4)), rng.integers(-2, 3, (3, 6))],
        [rng.integers(-2, 3, 6), rng.integers(-2, 3, 3)],
    )
    X = rng.integers(0, 4, (23, 4)).astype(np.uint8)
    expected = net.forward(X).output
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", entries)
    np.testing.assert_array_equal(net.decision_function(X), expected)


def test_scores_of_many_bytes_take_bounded_memory(monkeypatch):
    rng = np.random.default_rng(3)
    net = ZeroOneMLP([rng.normal(size=(100, 50)), rng.normal(size=(2, 100))], [[0] * 100, [0, 0]])
    X = rng.integers(0, 256, (40_000, 50), dtype=np.uint8)
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", 2**15)

    def peak(function):
        tracemalloc.start()
        try:
            function(X)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    full_copy = X.size * 8
    assert peak(net.decision_function) < full_copy / 4
    assert peak(lambda X: net.forward(X).output) > full_copy  # the check can tell the difference


# ------------------------------------------------------------------------------------------------
# Predict


def test_ties_go_to_the_lowest_index():
    net = ZeroOneMLP([np.zeros((3, 1))], [[1, 2, 2]], classes=["a", "c", "b"])
    assert net.predict([[0.0], [5.0]]).tolist() == ["c", "c"]


@pytest.mark.parametrize(
    "classes", [[3, 1, 2], [True, False], ["no", "yes"], [0.5, -1.5], np.array([9, 8], ">i4")]
)
def test_predict_returns_the_labels(classes):
    net = ZeroOneMLP([np.eye(len(classes))], [np.zeros(len(classes))], classes=classes)
    predicted = net.predict(np.eye(len(classes)))
    np.testing.assert_array_equal(predicted, classes)
    assert predicted.dtype == np.asarray(classes).dtype.newbyteorder("=")
    assert predicted.dtype != object


def test_without_classes_predict_returns_indices():
    net = ZeroOneMLP([np.eye(3)], [np.zeros(3)])
    predicted = net.predict(np.eye(3))
    assert predicted.tolist() == [0, 1, 2]
    assert predicted.dtype.kind == "i"


def test_predict_needs_two_outputs():
    net = ZeroOneMLP([[[1.0]]], [[0.0]], classes=["only"])
    with pytest.raises(ValueError, match="at least 2 outputs"):
        net.predict([[1.0]])


# ------------------------------------------------------------------------------------------------
# Compression


@settings(max_examples=200, deadline=None)
@given(networks_and_data(), seeds)
def test_compression_keeps_the_function_and_nothing_idle(case, seed):
    check_compression(*case, library_compress, np.random.default_rng(seed))


def test_compression_of_random_networks():
    run_on_random_networks(lambda net, X, rng: check_compression(net, X, library_compress, rng))


def wrong_compress(fold, is_constant=lambda W, b: ~W.any(axis=1), repeat=True):
    """Compress with another rule for the constants; `fold` gives what moves into the biases."""

    def compress(net):
        weights, biases, kept = list(net.weights), list(net.biases), []
        for i in range(len(weights) - 1):
            constant = is_constant(weights[i], biases[i])
            values = fold(net, biases[i][constant])
            biases[i + 1] = biases[i + 1] + weights[i + 1][:, constant] @ values
            if repeat:
                keep_units(weights, biases, i, ~constant)
            kept.append(~constant)
        for i in reversed(range(len(kept))):
            if not repeat:
                keep_units(weights, biases, i, kept[i])
            used = weights[i + 1].any(axis=0)
            keep_units(weights, biases, i, used)
            kept[i][kept[i]] = used
        parts = {"activation": net.activation, "levels": net.levels}
        return ZeroOneMLP(weights, biases, **parts), kept

    return compress


def right_fold(net, b):
    return np.array([exact_activation(v, net.activation, net.levels) for v in b], dtype=net.dtype)


PLANTED = {
    "folds b instead of act(b)": wrong_compress(lambda net, b: b),
    "drops constants unfolded": wrong_compress(lambda net, b: np.zeros_like(b)),
    "folds only constants with a bias": wrong_compress(
        right_fold, lambda W, b: ~W.any(axis=1) & (b != 0)
    ),
    "takes a zero bias for on": wrong_compress(lambda net, b: right_fold(net, b + (b == 0))),
    "does not follow up": wrong_compress(right_fold, repeat=False),
    "takes small for zero": wrong_compress(
        right_fold, lambda W, b: np.abs(W).sum(axis=1, initial=0) <= 0.5
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_errors_of_compression_are_caught(name):
    with pytest.raises(AssertionError):
        run_on_random_networks(lambda net, X, rng: check_compression(net, X, PLANTED[name], rng))


def test_the_planting_itself_is_sound():
    # With the right rule in all places, the same frame passes: what is caught above is the error.
    run_on_random_networks(
        lambda net, X, rng: check_compression(net, X, wrong_compress(right_fold), rng)
    )


def test_a_removal_is_followed_up_and_down():
    # Unit 0 of layer 1 is constant, so unit 0 of layer 2 (fed by it alone) becomes so; unit 1 of
    # layer 2 is unheard, so unit 1 of layer 1 (feeding it alone) becomes so.
    net = ZeroOneMLP(
        [[[0, 0], [1, 0], [0, 1]], [[2, 0, 0], [0, 1, 0], [1, 0, 1]], [[3, 0, 1], [1, 0, -1]]],
        [[1, 0, 0], [-1, 0, -1], [10, 20]],
    )
    assert [mask.tolist() for mask in net.active_neurons()] == [
        [False, True, True],
        [True, False, True],
    ]
    small, kept = net.compress(return_kept=True)
    assert [mask.tolist() for mask in kept] == [[False, False, True], [False, False, True]]
    assert small.layer_sizes == (2, 1, 1, 2)
    # step(1) = 1 moves into layer 2: biases 2 - 1 = 1 and 1 - 1 = 0; step(1) = 1 then into layer 3.
    assert [b.tolist() for b in small.biases] == [[0], [0], [13, 21]]
    assert small.n_parameters == 2 + 1 + 1 + 1 + 2 + 2


def test_a_constant_network_ends_with_empty_layers():
    net = ZeroOneMLP(
        [np.zeros((3, 2)), np.ones((4, 3)), np.ones((2, 4))],
        [np.array([1, -1, 0.0]), np.array([-1, 0, 1, -5.0]), np.array([1, 2.0])],
        activation="sign",
        classes=["a", "b"],
        metadata={"from": "test"},
    )
    small = net.compress()
    assert small.layer_sizes == (2, 0, 0, 2)
    assert small.n_parameters == 2
    result = small.forward(np.ones((5, 2)))
    assert [z.shape for z in result.preactivations] == [(5, 0), (5, 0), (5, 2)]
    assert [v.shape for v in result.activations] == [(5, 2), (5, 0), (5, 0)]
    np.testing.assert_array_equal(result.output, net.forward(np.ones((5, 2))).output)
    assert small.predict(np.ones((5, 2))).tolist() == ["b"] * 5
    assert small.compress() == small
    assert small.metadata == {"from": "test"}
    assert [mask.tolist() for mask in small.active_neurons()] == [[], []]


def test_without_hidden_layers_there_is_nothing_to_remove():
    net = ZeroOneMLP([np.zeros((2, 3))], [[1, 2]])
    small, kept = net.compress(return_kept=True)
    assert small == net
    assert kept == []
    assert net.active_neurons() == []


def test_compression_is_idempotent():
    def check(net, X, rng):
        small = net.compress()
        again, kept = small.compress(return_kept=True)
        assert again == small
        assert all(mask.all() for mask in (*kept, *small.active_neurons()))

    run_on_random_networks(check)


def rounding_bound(net, layer, j, v):
    """Return the bound in the notes of `compress_layers` for one preactivation of `net`."""
    W, b = net.weights[layer], net.biases[layer]
    total = abs(float(b[j])) + sum(abs(float(W[j, k]) * float(v[k])) for k in range(W.shape[1]))
    return 2 * (W.shape[1] + 2) * float(np.finfo(net.dtype).eps) * total


def random_real_network(rng, dtype, activation):
    sizes = [4, 12, 8, 3]
    weights, biases = [], []
    for n_in, n_out in pairwise(sizes):
        W = rng.normal(size=(n_out, n_in)) * 10.0 ** rng.integers(-3, 4)
        W[rng.random(n_out) < 0.4] = 0
        weights.append(W.astype(dtype))
        biases.append(rng.normal(size=n_out).astype(dtype))
    return ZeroOneMLP(weights, biases, activation=activation)


def check_rounding(net, X, compress):
    """Compare away from thresholds; return the largest error of a score over its bound."""
    small = compress(net)
    scores, predicted = small.decision_function(X), small.predict(X)
    ratios = []
    for n, x in enumerate(X):
        preactivations, activations = exact_forward(net, x)
        if any(
            abs(z) <= rounding_bound(net, i, j, activations[i])
            for i in range(2)
            for j, z in enumerate(preactivations[i])
        ):
            continue
        bounds = [rounding_bound(net, 2, j, activations[2]) for j in range(3)]
        for j in range(3):
            error = abs(Fraction(float(scores[n, j])) - preactivations[2][j])
            assert error <= bounds[j]
            ratios.append(float(error) / bounds[j] if bounds[j] > 0 else 0)
        best, second = sorted(preactivations[2])[:-3:-1]
        if best - second > 2 * max(bounds):
            assert predicted[n] == exact_class(preactivations[2])
    return max(ratios)


@settings(max_examples=50, deadline=None)
@given(seeds, st.sampled_from([np.float32, np.float64]), st.sampled_from(["step", "sign"]))
def test_away_from_thresholds_rounding_stays_within_the_documented_bound(seed, dtype, activation):
    rng = np.random.default_rng(seed)
    net = random_real_network(rng, dtype, activation)
    X = rng.normal(size=(5, 4)).astype(dtype)
    check_rounding(net, X, ZeroOneMLP.compress)


def test_the_rounding_bound_is_neither_vacuous_nor_blind():
    def rounded_to_single(net):
        small = net.compress()
        return small._with_layers([W.astype("f4") for W in small.weights], list(small.biases))

    rng = np.random.default_rng(6)
    cases = [
        (random_real_network(rng, np.float64, "step"), rng.normal(size=(5, 4))) for _ in range(10)
    ]
    assert max(check_rounding(*case, ZeroOneMLP.compress) for case in cases) > 0.005
    with pytest.raises(AssertionError):
        _ = [check_rounding(*case, rounded_to_single) for case in cases]


def test_compression_may_switch_a_unit_at_its_threshold():
    # The documented exception. The unit of layer 2 hears 0.2 from a constant unit and -0.7 from one
    # that varies, and (-0.7 + 0.2) + 0.5 = 5.6e-17 > 0, but -0.7 + (0.2 + 0.5) = 0.
    net = ZeroOneMLP(
        [[[1.0], [0.0]], [[-0.7, 0.2]], [[1.0], [0.0]]],
        [[0.0, 1.0], [0.5], [0.0, 0.5]],
    )
    small = net.compress()
    before, after = (n.forward([[1.0]]).preactivations[1][0, 0] for n in (net, small))
    assert 0 < before <= rounding_bound(net, 1, 0, [1, 1])
    assert after == 0
    assert (net.predict([[1.0]])[0], small.predict([[1.0]])[0]) == (0, 1)


# ------------------------------------------------------------------------------------------------
# Dropping units


@settings(max_examples=60, deadline=None)
@given(networks_and_data(), st.data())
def test_dropping_is_zeroing_the_outgoing_weights(case, data):
    net, X = case
    hidden = len(net.weights) - 1
    if hidden == 0:
        with pytest.raises(ValueError, match="layer must be less than"):
            net.drop_neurons(0, [])
        return
    layer = data.draw(st.integers(0, hidden - 1))
    n = net.layer_sizes[layer + 1]
    keep = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)
    dropped = net.drop_neurons(layer, keep)
    silenced = [W.copy() for W in net.weights]
    silenced[layer + 1][:, ~keep] = 0
    parts = {"activation": net.activation, "levels": net.levels}
    expected = ZeroOneMLP(silenced, net.biases, **parts)
    for n, x in enumerate(X):
        assert dropped.decision_function(X)[n].tolist() == exact_forward(expected, x)[0][-1]
    assert dropped.layer_sizes[layer + 1] == keep.sum()
    assert dropped.dtype == net.dtype


@pytest.mark.parametrize(
    ("layer", "mask", "message"),
    [
        (1, [True, False], "layer must be less than the number of hidden layers, 1, but is 1"),
        (-1, [True, False], "layer must be an integer >= 0, but is -1"),
        (0, [0, 1], "keep_mask must be an array of bools"),
        (0, [True], "keep_mask must be an array of bools"),
        (0, [[True, True]], "keep_mask must be an array of bools"),
    ],
)
def test_dropping_refuses(layer, mask, message):
    net = ZeroOneMLP([np.eye(2), np.eye(2)], [np.zeros(2), np.zeros(2)])
    with pytest.raises(ValueError, match=message):
        net.drop_neurons(layer, mask)


# ------------------------------------------------------------------------------------------------
# The object


def test_precision_sizes_and_description():
    W, b = [np.ones((3, 2)), np.ones((2, 3))], [np.ones(3), np.ones(2)]
    single = [[a.astype(np.float32) for a in arrays] for arrays in (W, b)]
    assert ZeroOneMLP(*single).dtype == np.float32
    assert ZeroOneMLP(single[0], b).dtype == np.float64
    net = ZeroOneMLP(W, b, activation="staircase", levels=3)
    assert net.layer_sizes == (2, 3, 2)
    assert net.n_parameters == 6 + 3 + 6 + 2
    assert repr(net) == (
        "<ZeroOneMLP 2-3-2, activation='staircase', levels=3, float64, 17 parameters>"
    )


def test_the_network_owns_its_arrays():
    W, metadata = np.eye(2), {"runs": [1]}
    classes = np.array([4, 5])
    net = ZeroOneMLP([W], [np.zeros(2)], classes=classes, metadata=metadata)
    W[0, 0], classes[0] = 7, 7
    metadata["runs"].append(2)
    assert net.weights[0][0, 0] == 1
    assert net.classes.tolist() == [4, 5]
    assert net.metadata == {"runs": [1]}
    for array in (net.weights[0], net.biases[0], net.classes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_equality_looks_at_everything():
    def build(weight=1.0, **changes):
        parts = {"activation": "step", "classes": ["a", "b"], "metadata": {"n": 1}} | changes
        return ZeroOneMLP([np.full((2, 1), weight)], [np.zeros(2)], **parts)

    assert build() == build()
    others = [
        build(weight=2.0),
        build(activation="sign"),
        build(activation="staircase", levels=3),
        build(classes=None),
        build(classes=["a", "c"]),
        build(metadata=None),
        ZeroOneMLP([np.ones((2, 2))], [np.zeros(2)], classes=["a", "b"], metadata={"n": 1}),
        ZeroOneMLP([np.ones((2, 1))], [np.ones(2)], classes=["a", "b"], metadata={"n": 1}),
        ZeroOneMLP(
            [np.ones((2, 1), np.float32)],
            [np.zeros(2, np.float32)],
            classes=["a", "b"],
            metadata={"n": 1},
        ),
        "a network",
    ]
    assert all(build() != other for other in others)
    assert build(classes=[1, 0]) != build(classes=[True, False])


ONE = {"weights": [np.ones((2, 3))], "biases": [np.zeros(2)]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": [], "biases": []}, "one array each per layer, and at least one"),
        ({"biases": [[0, 0], [0]]}, "but have 1 and 2"),
        ({"weights": 3}, "weights must be a sequence of arrays, but is 3"),
        ({"weights": np.ones((2, 3))}, r"weights\[0\] must have 2 axes"),
        ({"biases": [np.zeros((2, 1))]}, r"biases\[0\] must have 1 axes"),
        ({"biases": [np.zeros(3)]}, r"biases\[0\] must have one entry per row"),
        (
            {"weights": [np.ones((2, 3)), np.ones((2, 3))], "biases": [[0, 0], [0, 0]]},
            r"weights\[1\] must have one column per row of weights\[0\], 2, but has shape \(2, 3\)",
        ),
        ({"weights": [[[1, np.nan, 0], [0, 0, 0]]]}, r"weights\[0\] must be finite"),
        ({"biases": [[0, np.inf]]}, r"biases\[0\] must be finite"),
        ({"weights": [[["a", "b", "c"]] * 2]}, r"weights\[0\] must hold real numbers"),
        ({"weights": [np.ones((2, 0))]}, "at least one input and one output, but have 0 and 2"),
        (
            {"weights": [np.ones((0, 3))], "biases": [np.zeros(0)]},
            "at least one input and one output, but have 3 and 0",
        ),
        ({"activation": "relu"}, "activation must be one of step, sign, staircase"),
        ({"activation": None}, "activation must be one of step, sign, staircase"),
        ({"levels": 3}, "levels must be None for activation 'step', but is 3"),
        ({"activation": "staircase"}, "levels must be an integer >= 2, but is None"),
        ({"activation": "staircase", "levels": 1}, "levels must be an integer >= 2, but is 1"),
        ({"activation": "staircase", "levels": 10**9}, "levels must be at most 10000, but is 1"),
        ({"classes": [1, 2, 3]}, "classes must hold 2 numbers, bools or strings"),
        ({"classes": [[1, 2]]}, "classes must hold 2 numbers, bools or strings"),
        ({"classes": np.array(["a", "b"], object)}, "but has dtype object"),
        ({"classes": [1j, 2]}, "but has dtype complex128"),
        ({"classes": [b"a", b"b"]}, "numbers, bools or strings"),
        ({"classes": ["a", "a"]}, "classes must all be different"),
        ({"classes": [1.0, np.nan]}, "classes must be finite"),
        ({"metadata": [1]}, "metadata must be a dict, but is of type list"),
        ({"metadata": {"a": np.float64}}, "metadata must be writable as JSON"),
        ({"metadata": {"a": np.nan}}, "metadata must be writable as JSON"),
    ],
)
def test_the_constructor_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        ZeroOneMLP(**(ONE | changes))


@pytest.mark.parametrize("method", ["forward", "decision_function", "predict"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((2, 4)), r"X must have 3 columns, but has shape \(2, 4\)"),
        (np.ones(3), r"X must have 2 axes, but has shape \(3,\)"),
        (np.ones((0, 3), np.uint8), "X must not be empty"),
        ([[1, 2, np.nan]], "X must be finite"),
        (np.full((9, 3), np.inf), "X must be finite"),
        (np.array([["a", "b", "c"]]), "X must hold real numbers"),
        (None, "X must have 2 axes"),
    ],
)
def test_bad_data_are_refused(method, X, message):
    net = ZeroOneMLP(**ONE)
    with pytest.raises(ValueError, match=message):
        getattr(net, method)(X)


def test_data_too_large_for_the_precision_are_refused():
    net = ZeroOneMLP([np.ones((2, 1), np.float32)], [np.zeros(2, np.float32)])
    for method in (net.forward, net.decision_function):
        with pytest.raises(ValueError, match="X must be finite"):
            method([[1e300]])
    assert ZeroOneMLP([np.ones((2, 1))], [np.zeros(2)]).predict([[1e300]]).tolist() == [0]


def test_layer_functions_leave_their_arguments_alone():
    weights, biases = check_layers([np.zeros((2, 1)), np.ones((2, 2))], [[1, -1], [0, 0]])
    lists = (list(weights), list(biases))
    compress_layers(*lists, lambda z: (z > 0).astype(float))
    assert [a is b for a, b in zip(lists[0], weights, strict=True)] == [True, True]
    assert lists[1][1].tolist() == [0, 0]
