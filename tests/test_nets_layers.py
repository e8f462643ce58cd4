"""The layers of images: shapes, edges, refusals; against loops over positions where it is exact."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zeroone.nets.convolution as convolution_module
from zeroone.claims.nets.derivatives import KINDS
from zeroone.claims.nets.plain import convolved, convolved_back, pooled, pooled_back
from zeroone.nets.augmentation import Augmentation
from zeroone.nets.convolution import Convolution, Window, patches, patches_adjoint
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Chain, Dense, Flatten
from zeroone.nets.normalisation import Normalisation
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.residual import Residual
from zeroone.nets.scaling import Scaling
from zeroone.nets.units import HiddenUnits


def integers(rng, *shape):
    """Draw small integers: all sums of their products are exact, and they tie."""
    return rng.integers(-3, 4, shape).astype(float)


@st.composite
def windows(draw, most_padding=2):
    """Draw the shape of a batch, and a window that fits."""
    n, channels = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    padding = draw(st.integers(0, most_padding)), draw(st.integers(0, most_padding))
    size = (
        draw(st.integers(1, height + 2 * padding[0])),
        draw(st.integers(1, width + 2 * padding[1])),
    )
    stride = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    return (n, height, width, channels), size, stride, padding


seeds = st.integers(0, 2**32 - 1)


def filters(rng, shape, size, n_filters=2, **options):
    weights = integers(rng, n_filters, *size, shape[-1])
    return Convolution(weights, integers(rng, n_filters), **options)


# ----------------------------------------------------------------------------------- convolution


@given(windows(), seeds)
def test_convolution_is_its_definition(drawn, seed):
    shape, size, stride, padding = drawn
    rng = np.random.default_rng(seed)
    V, layer = integers(rng, *shape), filters(rng, shape, size, stride=stride, padding=padding)
    A = layer.forward(V)
    assert A.shape == (len(V), *layer.output_shape(shape[1:]))
    if len(V):
        np.testing.assert_array_equal(A, convolved(V, layer.weights, layer.biases, stride, padding))
    G = integers(rng, *A.shape)
    dV = layer.backward(G)
    by_V, by_W, by_b = convolved_back(V, layer.weights, G, stride, padding)
    for ours, theirs in zip((dV, *layer.gradients), (by_V, by_W, by_b), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(windows(), seeds)
def test_patches_and_their_adjoint(drawn, seed):
    shape, size, stride, padding = drawn
    rng, window = np.random.default_rng(seed), Window(size, stride, padding)
    V = integers(rng, *shape)
    rows = patches(V, window)
    positions = window.positions(*shape[1:3])
    assert rows.shape == (len(V) * np.prod(positions), np.prod(size) * shape[3])
    R = integers(rng, *rows.shape)
    back = patches_adjoint(R, window, shape[1:])
    assert back.shape == V.shape
    assert np.vdot(rows, R) == np.vdot(V, back)


@pytest.mark.parametrize("entries", [1, 30, 61, 10**6])
def test_results_do_not_depend_on_the_blocks(entries, monkeypatch):
    rng = np.random.default_rng(0)
    V = integers(rng, 7, 5, 4, 2)
    layer = filters(rng, V.shape, (3, 2), padding=1)
    expected = layer.forward(V), layer.backward(np.ones((7, 5, 5, 2))), *layer.gradients
    expected = [array.copy() for array in expected]
    monkeypatch.setattr(convolution_module, "BLOCK_ENTRIES", entries)
    found = layer.forward(V), layer.backward(np.ones((7, 5, 5, 2))), *layer.gradients
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_window_as_large_as_the_image_is_a_dense_layer():
    rng = np.random.default_rng(1)
    V = integers(rng, 3, 4, 5, 2)
    layer = filters(rng, V.shape, (4, 5))
    dense = Dense(layer.weights.reshape(2, -1), layer.biases)
    np.testing.assert_array_equal(layer.forward(V)[:, 0, 0], dense.forward(Flatten().forward(V)))


def test_without_learned_biases_there_is_one_gradient():
    rng = np.random.default_rng(2)
    layer = filters(rng, (2, 3, 3, 1), (2, 2), learn_biases=False)
    layer.forward(integers(rng, 2, 3, 3, 1))
    layer.backward(np.ones((2, 2, 2, 2)))
    assert len(layer.parameters) == len(layer.gradients) == 1


# --------------------------------------------------------------------------------------- pooling


@given(windows(most_padding=0), seeds, st.data())
def test_max_pooling_is_its_definition(drawn, seed, data):
    shape, size, stride, _ = drawn
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in size)
    rng = np.random.default_rng(seed)
    V, layer = integers(rng, *shape), MaxPooling(size, stride, padding)
    A = layer.forward(V)
    largest, winners = pooled(V, size, stride, padding)
    np.testing.assert_array_equal(A, largest)
    assert A.shape[1:] == layer.output_shape(shape[1:])
    G = integers(rng, *A.shape)
    np.testing.assert_array_equal(layer.backward(G), pooled_back(G, winners, V.shape))


@given(windows(most_padding=0), seeds, st.data())
def test_average_pooling_is_a_convolution(drawn, seed, data):
    shape, size, stride, _ = drawn
    padding = tuple(data.draw(st.integers(0, k // 2)) for k in size)
    rng = np.random.default_rng(seed)
    V, layer = integers(rng, *shape), AveragePooling(size, stride, padding)
    A = layer.forward(V)
    means, no_bias = np.full((1, *size, 1), 1 / np.prod(size)), np.zeros(1)
    G = integers(rng, *A.shape)
    back = layer.backward(G)
    for m in range(shape[3] if len(V) else 0):
        one, of_one = V[..., m : m + 1], G[..., m : m + 1]
        expected = convolved(one, means, no_bias, stride, padding)
        np.testing.assert_allclose(A[..., m : m + 1], expected, atol=1e-12)
        expected, *_ = convolved_back(one, means, of_one, stride, padding)
        np.testing.assert_allclose(back[..., m : m + 1], expected, atol=1e-12)


def test_on_a_tie_the_first_position_in_row_order_wins():
    V = np.zeros((1, 2, 2, 1))
    for on, winner in ([], (0, 0)), ([(0, 1), (1, 0)], (0, 1)), ([(1, 0), (1, 1)], (1, 0)):
        V[:] = 0
        for at in on:
            V[0, *at, 0] = 1
        layer = MaxPooling(2)
        layer.forward(V)
        expected = np.zeros((2, 2))
        expected[winner] = 5
        assert layer.backward(np.full((1, 1, 1, 1), 5.0))[0, ..., 0].tolist() == expected.tolist()


def test_windows_of_more_than_255_pixels_know_their_winner():
    V = np.zeros((1, 20, 20, 1))
    V[0, 17, 11] = 1
    layer = MaxPooling(20)
    layer.forward(V)
    assert np.argwhere(layer.backward(np.ones((1, 1, 1, 1)))).tolist() == [[0, 17, 11, 0]]


# ------------------------------------------------------------------------------- the other layers


def test_a_normalisation_takes_positions_for_samples():
    rng = np.random.default_rng(4)
    V, G = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((2, 3, 4, 5))
    images, rows = (Normalisation(np.arange(1.0, 6), np.ones(5)) for _ in range(2))
    np.testing.assert_allclose(images.forward(V).reshape(-1, 5), rows.forward(V.reshape(-1, 5)))
    np.testing.assert_allclose(images.backward(G).reshape(-1, 5), rows.backward(G.reshape(-1, 5)))
    for ours, theirs in zip(images.gradients, rows.gradients, strict=True):
        np.testing.assert_allclose(ours, theirs)
    # Running means start at 0 and 1 and take in a twentieth of the batch's.
    np.testing.assert_allclose(images.mean, 0.05 * V.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(images.variance, 0.95 + 0.05 * V.var(axis=(0, 1, 2)))


@pytest.mark.parametrize("n", [1, 3])
def test_one_sample_and_one_position_are_only_shifted(n):
    layer = Normalisation(np.array([2.0]), np.array([0.5]))
    assert layer.forward(np.full((n, 1, 1, 1), 7.0)).ravel().tolist() == [0.5] * n


def test_a_block_adds_its_branches():
    rng = np.random.default_rng(5)
    V = integers(rng, 2, 3, 3, 2)
    body, short = filters(rng, V.shape, (3, 3), padding=1), filters(rng, V.shape, (1, 1))
    identity, both = Residual([body]), Residual([body], [short])
    np.testing.assert_array_equal(identity.forward(V), body.forward(V) + V)
    np.testing.assert_array_equal(both.forward(V), body.forward(V) + short.forward(V))
    assert len(both.parameters) == 4
    with pytest.raises(ValueError, match=r"body gives the shape \(2, 2, 2\)"):
        Residual([filters(rng, V.shape, (2, 2))]).output_shape((3, 3, 2))


def test_dropout_keeps_the_mean_and_lets_go_in_the_end():
    V = np.ones((50, 10, 10, 2))
    layer = Dropout(0.25, 0)
    A = layer.forward(V)
    assert set(np.unique(A)) == {0.0, 1 / 0.75}
    assert abs(A.mean() - 1) < 0.05
    np.testing.assert_array_equal(layer.forward(V, remember=False), A)
    np.testing.assert_array_equal(layer.backward(V), A)
    assert layer.evaluate(V) is V


def test_scaling_of_bytes_has_the_precision_of_the_means():
    layer = Scaling(np.array([10, 250], np.float32), 0.5)
    A = layer.forward(np.array([[[[0, 255]]]], np.uint8))
    assert A.dtype == np.float32
    assert A.ravel().tolist() == [-5.0, 2.5]


def test_empty_chains_and_single_precision():
    V = np.ones((2, 3, 3, 1), np.float32)
    assert Chain([]).forward(V) is V
    rng = np.random.default_rng(6)
    layers = [
        Scaling(np.ones(1, np.float32), 0.3),
        Convolution(
            rng.standard_normal((2, 2, 2, 1)).astype(np.float32), np.ones(2, np.float32), padding=1
        ),
        Normalisation(np.ones(2, np.float32), np.ones(2, np.float32)),
        MaxPooling(2, 1),
        AveragePooling(2, 1),
        HiddenUnits("staircase", 3),
        Dropout(0.5, 0),
        Residual([HiddenUnits("sign")]),
        Flatten(),
    ]
    for layer in layers:
        A = layer.forward(V)
        assert A.dtype == layer.evaluate(V).dtype == np.float32, layer.kind
        assert layer.backward(np.ones_like(A)).dtype == np.float32, layer.kind
        assert all(gradient.dtype == np.float32 for gradient in layer.gradients)
        V = A


# ----------------------------------------------------------------------------------- every layer


def layer_and_images(kind, rng, n):
    """Return a layer of a kind, and a function that draws n images, or vectors, for it."""
    shape = (12,) if kind == "dense" else (4, 3, 2)
    return KINDS[kind](rng, shape), lambda n=n: rng.standard_normal((n, *shape))


@pytest.mark.parametrize("kind", KINDS)
@given(seeds, st.integers(1, 3), st.integers(1, 3))
def test_looking_does_not_disturb_what_is_remembered(kind, seed, n, others):
    layer, images = layer_and_images(kind, np.random.default_rng(seed), n)
    A = layer.forward(images())
    G, kept = np.random.default_rng(0).standard_normal(A.shape), copy.deepcopy(layer)
    expected = kept.backward(G), *kept.gradients
    layer.forward(images(others), remember=False)
    layer.evaluate(images(others))
    found = layer.backward(G), *layer.gradients
    # To rounding: a copy lies elsewhere in memory, and products may add up in another order there.
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_one_may_look_before_there_is_anything_to_remember(kind):
    layer, images = layer_and_images(kind, np.random.default_rng(0), 2)
    A = layer.forward(images(), remember=False)
    assert A.shape == (2, *layer.output_shape(images().shape[1:]))
    assert np.isfinite(A).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_batch_goes_through_and_teaches_nothing(kind):
    layer, images = layer_and_images(kind, np.random.default_rng(1), 0)
    before = [value.copy() for value in layer.arguments().values() if isinstance(value, np.ndarray)]
    A = layer.forward(images())
    assert A.shape == layer.evaluate(images()).shape == (0, *layer.output_shape(images().shape[1:]))
    assert layer.backward(np.zeros(A.shape)).shape == images().shape
    assert all((gradient == 0).all() for gradient in layer.gradients)
    after = [value for value in layer.arguments().values() if isinstance(value, np.ndarray)]
    for ours, theirs in zip(after, before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_chain_of_two_learns_both_without_the_derivative_by_its_input():
    rng = np.random.default_rng(2)
    V, G = integers(rng, 3, 4), integers(rng, 3, 2)
    lower, upper = (
        Dense(integers(rng, n_out, n_in), integers(rng, n_out)) for n_out, n_in in ((5, 4), (2, 5))
    )
    chain = Chain([Scaling(np.ones(4), 2.0), lower, upper])
    chain.forward(V)
    chain.backward(G, to_input=False)
    by_lower = G @ upper.weights
    np.testing.assert_array_equal(lower.gradients[0], by_lower.T @ (2 * (V - 1)))
    np.testing.assert_array_equal(lower.gradients[1], by_lower.sum(axis=0))


# ---------------------------------------------------------------------------------- augmentation


def test_moved_images_are_reproducible():
    V = np.random.default_rng(7).standard_normal((20, 6, 5, 2))
    one, same, other = (Augmentation(2, True, 4, seed) for seed in (1, 1, 2))
    first = one.forward(V)
    np.testing.assert_array_equal(first, same.forward(V))
    assert not np.array_equal(first, other.forward(V))
    np.testing.assert_array_equal(first, one.forward(V, remember=False))
    assert not np.array_equal(first, one.forward(V))  # drawn anew


@given(st.integers(0, 3), st.booleans(), st.none() | st.integers(1, 9), seeds)
def test_every_image_is_moved_by_a_window_that_is_allowed(shift, flip, crop, seed):
    V = np.arange(1.0, 2 * 4 * 5 + 1).reshape(2, 4, 5, 1)
    layer = Augmentation(shift, flip, crop, seed)
    height, width = (4, 5) if crop is None else (crop, crop)
    A = layer.forward(V)
    assert A.shape == (2, height, width, 1)
    wide = np.pad(V, ((0, 0), (20, 20), (20, 20), (0, 0)))
    ranges = []
    for size, pixels in ((height, 4), (width, 5)):
        low, high = sorted((0, pixels - size))
        ranges.append(range(low - shift, high + shift + 1))
    for n in range(2):
        candidates = []
        for y in ranges[0]:
            for x in ranges[1]:
                seen = wide[n, 20 + y : 20 + y + height, 20 + x : 20 + x + width]
                candidates += [seen, seen[:, ::-1]] if flip else [seen]
        assert any(np.array_equal(A[n], seen) for seen in candidates)
    # After training: the middle, of every image alike.
    top, left = 20 + (4 - height) // 2, 20 + (5 - width) // 2
    np.testing.assert_array_equal(
        layer.evaluate(V), wide[:, top : top + height, left : left + width]
    )
    # The derivative goes back where the pixels came from.
    G = np.random.default_rng(0).integers(-3, 4, A.shape).astype(float)
    A = layer.forward(V)
    assert np.vdot(G, A) == np.vdot(layer.backward(G), V)


def test_every_window_is_drawn_mirrored_and_not():
    """Nine places of a window, and their mirror images: 18 pictures of an image, alike often."""
    image = np.arange(25.0).reshape(1, 5, 5, 1)
    for shift, size, crop in ((0, 5, 3), (1, 3, None), (0, 3, 5)):
        V = np.broadcast_to(1 + image[:, :size, :size], (1800, size, size, 1))
        for seed in range(3):
            seen = Augmentation(shift, True, crop, seed).forward(V).reshape(1800, -1)
            _, counts = np.unique(seen, axis=0, return_counts=True)
            assert len(counts) == 18
            assert 50 < counts.min() <= counts.max() < 170  # of 100, deviation 10
    # Each image has a window of its own: two neighbours often differ.
    assert len(np.unique(seen[:6], axis=0)) > 1


def test_after_training_images_are_not_moved():
    V = np.random.default_rng(8).standard_normal((3, 4, 4, 1))
    layer = Augmentation(3, True, rng=0)
    assert not np.array_equal(layer.forward(V), V)
    np.testing.assert_array_equal(layer.evaluate(V), V)


# -------------------------------------------------------------------------------------- refusals

ONES = np.ones((2, 3, 3, 4)), np.ones(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Convolution(*ONES, stride=0), "stride must be an integer >= 1"),
        (lambda: Convolution(*ONES, stride=(1, 2, 3)), "stride must be an integer or two"),
        (lambda: Convolution(*ONES, padding=-1), "padding must be an integer >= 0"),
        (lambda: Convolution(*ONES, padding=1.5), "padding"),
        (lambda: Convolution(np.ones((2, 3, 3)), np.ones(2)), "weights must have the shape"),
        (lambda: Convolution(ONES[0], np.ones(3)), "biases one entry a filter"),
        (lambda: Convolution(np.ones((2, 0, 3, 4)), np.ones(2)), "kernel must be an integer >= 1"),
        (lambda: MaxPooling(0), "window must be an integer >= 1"),
        (lambda: MaxPooling(2, 0), "stride must be an integer >= 1"),
        (lambda: MaxPooling(3, padding=2), "padding must be at most half of the window"),
        (lambda: AveragePooling((2, 2), padding=(0, -1)), "padding must be an integer >= 0"),
        (lambda: Normalisation(np.ones(3), np.ones(2)), "one entry a unit"),
        (lambda: Normalisation(np.ones((2, 2)), np.ones((2, 2))), "one entry a unit"),
        (lambda: Normalisation(np.ones(2), np.ones(2), 1.5), "forgetting must be a finite number"),
        (
            lambda: Normalisation(np.ones(2), np.ones(2), 0.1, np.ones(2), -np.ones(2)),
            "variance must be >= 0",
        ),
        (lambda: Scaling(np.ones(2), np.inf), "factor must be a finite number"),
        (lambda: Chain([Flatten(), None]), "layers must hold layers only, but has None"),
        (lambda: Residual([Flatten], []), "layers must hold layers only"),
        (lambda: Dropout(1.0), "rate"),
        (lambda: Dropout(-0.1), "rate"),
        (lambda: Augmentation(-1), "shift must be an integer >= 0"),
        (lambda: Augmentation(flip=1), "flip must be True or False"),
        (lambda: Augmentation(crop=0), "crop must be an integer >= 1"),
        (lambda: HiddenUnits("relu"), "activation"),
        (lambda: HiddenUnits("sign", 3), "levels"),
        (lambda: HiddenUnits("step", None, "soft"), "pseudo_derivative"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Convolution(*ONES), (2, 5, 4), "window 3 high does not fit into an image 2 high"),
        (Convolution(*ONES), (5, 2, 4), "window 3 wide does not fit into an image 2 wide"),
        (Convolution(*ONES), (5, 5, 3), "takes 4 channels"),
        (Convolution(*ONES), (5, 5), "takes images"),
        (MaxPooling(3), (2, 4, 1), "window 3 high does not fit"),
        (AveragePooling((1, 3)), (2, 2, 1), "window 3 wide does not fit"),
        (MaxPooling(2), (8,), "takes images"),
        (Dense(np.ones((2, 3)), np.ones(2)), (4,), "takes 3 entries"),
        (Dense(np.ones((2, 3)), np.ones(2)), (1, 1, 3), "takes vectors"),
        (Normalisation(np.ones(3), np.ones(3)), (4, 4, 2), "takes 3 channels"),
        (Scaling(np.ones(3), 1.0), (4, 4, 2), "means of shape"),
        (Augmentation(3), (3, 5, 1), "shift must be smaller"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer.output_shape(shape)


def test_patches_of_a_window_that_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not fit"):
        patches(np.ones((1, 2, 2, 1)), Window((3, 1)))
