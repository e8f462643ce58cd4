"""Networks of any layers: building, evaluation, files, compression, summaries, architectures."""

import contextlib
import io
import json
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zeroone.nets.network as network_module
from zeroone.claims.nets.compression import evaluated, filters_left, sample_sparse, stretches
from zeroone.nets import architectures
from zeroone.nets.architectures import ARCHITECTURES, Builder, architecture
from zeroone.nets.augmentation import Augmentation
from zeroone.nets.convolution import Convolution
from zeroone.nets.dropout import Dropout
from zeroone.nets.layers import Chain, Dense, Flatten, Layer
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.network import KINDS, Network, load
from zeroone.nets.normalisation import Normalisation
from zeroone.nets.pooling import AveragePooling, MaxPooling
from zeroone.nets.residual import Residual
from zeroone.nets.scaling import Scaling
from zeroone.nets.units import HiddenUnits


def of_all_kinds(dtype="float64", **options):
    """Return a small network that has a layer of each kind."""
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.standard_normal(shape).astype(dtype)

    normalisation = Normalisation(array(2), array(2), 0.1, array(2), np.abs(array(2)) + 1)
    layers = [
        Augmentation(1, True, 5),
        Scaling(array(1), 0.5),
        Convolution(array(2, 3, 2, 1), array(2), stride=(1, 2), padding=(1, 0)),
        normalisation,
        MaxPooling((2, 1), 1, (1, 0)),
        HiddenUnits("staircase", 3, "relu"),
        Residual(
            [Convolution(array(2, 1, 1, 2), array(2), learn_biases=False), HiddenUnits("sign")],
            [Chain([Convolution(array(2, 1, 1, 2), array(2))])],
        ),
        AveragePooling(2, 1),
        Dropout(0.25),
        Flatten(),
    ]
    (n_in,) = Chain(layers).output_shape((6, 6, 1))
    layers.append(Dense(array(3, n_in), array(3)))
    return Network(layers, (6, 6, 1), **options)


IMAGES = np.random.default_rng(1).standard_normal((9, 6, 6, 1))


def test_the_small_network_has_all_kinds():
    found = {name for name, *_ in _walked(of_all_kinds().layers)}
    # The two of block coordinate descent are in `test_bcd_convolution`.
    assert found == set(KINDS) - {"patch normalisation", "region means"}


def _walked(layers):
    for layer in layers:
        yield layer.kind, layer
        for value in layer.arguments().values():
            if isinstance(value, list) and value and isinstance(value[0], Layer):
                yield from _walked(value)


# -------------------------------------------------------------------------------------- building


def test_shapes_are_those_of_the_outputs():
    net = of_all_kinds()
    assert net.shapes == tuple(V.shape[1:] for V in net.outputs(IMAGES))
    assert net.n_inputs == 36
    assert net.n_outputs == 3


def dense(n_out, n_in, dtype="float64"):
    return Dense(np.ones((n_out, n_in), dtype), np.ones(n_out, dtype))


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        ([], (4,), "layers must hold at least one"),
        ([dense(2, 3), dense(2, 3)], (3,), r"layer 2 \(dense\): it takes 3 entries"),
        ([MaxPooling(3), Flatten()], (2, 2, 1), r"layer 1 \(max pooling\): a window 3 high"),
        ([HiddenUnits(), MaxPooling(1)], (2, 2, 1), "must end in a vector of scores"),
        (
            [Residual([HiddenUnits(), MaxPooling(1), dense(1, 4)]), Flatten()],
            (2, 2, 1),
            r"layer 1 \(residual block\): layer 3 \(dense\): it takes vectors",
        ),
        ([dense(2, 3), dense(1, 2, "float32")], (3,), "all float32 or all float64"),
        ([dense(2, 3, "float16")], (3,), "all float32 or all float64"),
        ([Dense(np.full((1, 2), np.nan), np.ones(1))], (2,), r"layer 1 \(dense\) must be finite"),
        ([dense(1, 3)], (), "input_shape must be one or more"),
        ([dense(1, 3)], (0,), "input_shape must be an integer >= 1"),
        ([dense(1, 3)], 3, "input_shape must be one or more"),
    ],
)
def test_what_does_not_fit_is_refused(layers, shape, message):
    with pytest.raises(ValueError, match=message):
        Network(layers, shape)


@pytest.mark.parametrize("classes", [[0, 1], [0, 0, 1], [[0, 1, 2]], [0, 1, np.nan]])
def test_classes_are_checked(classes):
    with pytest.raises(ValueError, match="classes"):
        of_all_kinds(classes=classes)


# ------------------------------------------------------------------------------------ evaluation


@pytest.mark.parametrize("entries", [1, 200, 1000, 10**9])
def test_scores_do_not_depend_on_the_blocks(entries, monkeypatch):
    net = of_all_kinds()
    whole = net.outputs(IMAGES)[-1]
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", entries)
    np.testing.assert_allclose(net.forward(IMAGES), whole, rtol=1e-12)
    np.testing.assert_array_equal(net.forward(IMAGES), net.forward(IMAGES.reshape(9, 36)))
    np.testing.assert_array_equal(net.predict(IMAGES), whole.argmax(axis=1))


def test_scores_are_those_of_plain_loops():
    for drawn in sample_sparse(np.random.default_rng(2), 12):
        expected = evaluated(drawn.network.layers, drawn.X)
        np.testing.assert_array_equal(drawn.network.forward(drawn.X), expected)


def test_scores_of_many_bytes_take_bounded_memory(monkeypatch):
    monkeypatch.setattr(network_module, "BLOCK_ENTRIES", 10_000)
    net = architecture("lenet")((28, 28, 1), 10, width=0.5, rng=0)
    pixels = np.random.default_rng(3).integers(0, 255, (600, 28, 28, 1), dtype=np.uint8)
    tracemalloc.start()
    net.forward(pixels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < pixels.size  # as floats the images alone would take four times that


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((0, 6, 6, 1)), "X must hold samples"),
        (np.ones((6, 6, 1)), "X must hold samples"),
        (np.ones((2, 35)), "X must hold samples"),
        (np.ones((2, 6, 6)), "X must hold samples"),
        (np.full((2, 36), np.nan), "X must be finite"),
        (np.full((2, 36), 1j), "X"),
    ],
)
def test_bad_data_are_refused(X, message):
    for method in ("forward", "predict", "outputs"):
        with pytest.raises(ValueError, match=message):
            getattr(of_all_kinds(), method)(X)


def test_a_network_of_one_score_predicts_nothing():
    with pytest.raises(ValueError, match="at least 2 outputs"):
        Network([dense(1, 2)], (2,)).predict([[1, 2]])


def test_an_mlp_is_a_network():
    rng = np.random.default_rng(4)
    mlp = ZeroOneMLP(
        [rng.standard_normal((4, 3)), rng.standard_normal((2, 4))],
        [rng.standard_normal(4), rng.standard_normal(2)],
        activation="sign",
        classes=["no", "yes"],
    )
    X, net = rng.standard_normal((20, 3)), Network.of(mlp)
    np.testing.assert_allclose(net.forward(X), mlp.decision_function(X), rtol=1e-12)
    assert net.predict(X).tolist() == mlp.predict(X).tolist()
    assert net.hidden_sizes == (4,)


def test_a_copy_has_arrays_of_its_own():
    net = of_all_kinds(classes=list("abc"), metadata={"seed": 1})
    copy = net.copy()
    assert copy == net
    for array in copy.chain.parameters:
        array += 1
    assert copy != net
    assert net == of_all_kinds(classes=list("abc"), metadata={"seed": 1})


# ----------------------------------------------------------------------------------------- files


def arrays_of(net):
    return [
        value
        for _, layer in _walked(net.layers)
        for value in layer.arguments().values()
        if isinstance(value, np.ndarray)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [None, ["a", "b", "ü"], [3, 1, 2], [0.5, 1.5, -1.0]])
def test_every_kind_comes_back_to_the_bit(tmp_path, dtype, classes):
    net = of_all_kinds(dtype, classes=classes, metadata={"seed": 1, "note": [None, 2.5, "x"]})
    path = tmp_path / "net.npz"
    net.save(path)
    for found in (load(path), Network.load(str(path))):
        assert found == net
        assert [kind for kind, _ in _walked(found.layers)] == [
            kind for kind, _ in _walked(net.layers)
        ]
        for ours, theirs in zip(arrays_of(found), arrays_of(net), strict=True):
            assert (ours.dtype, ours.shape, ours.tobytes()) == (
                theirs.dtype,
                theirs.shape,
                theirs.tobytes(),
            )
        np.testing.assert_array_equal(found.forward(IMAGES), net.forward(IMAGES))
        assert found.metadata == net.metadata


def test_equal_networks_give_equal_bytes(tmp_path):
    for name in ("one", "two"):
        of_all_kinds(metadata={"b": 1, "a": 2}).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_old_file_of_a_perceptron_loads(tmp_path):
    mlp = ZeroOneMLP([np.eye(3), np.ones((2, 3))], [np.zeros(3), np.array([0.0, 2.0])])
    mlp.save(tmp_path / "old.npz")
    assert isinstance(load(tmp_path / "old.npz"), ZeroOneMLP)
    found = Network.load(tmp_path / "old.npz")
    assert found == Network.of(mlp)
    assert found.forward([[1, -1, 2]]).tolist() == [[2, 4]]


def test_an_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path, net = tmp_path / "net.npz", of_all_kinds()
    net.save(path)
    before = path.read_bytes()

    def interrupted(file, **entries):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.described({"other": True}).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.npz"]


class Doubled(Layer):
    """Somebody's own layer."""

    kind = "doubled"

    def forward(self, V, *, remember=True):
        return 2 * V


def test_layers_of_ones_own_are_loaded_by_their_kind(tmp_path):
    net = Network([Doubled(), dense(2, 2)], (2,))
    net.save(tmp_path / "own.npz")
    with pytest.raises(ValueError, match="layer 1 is of the unknown kind 'doubled'"):
        load(tmp_path / "own.npz")
    assert load(tmp_path / "own.npz", [Doubled]) == net


def rewritten(path, change):
    """Change the header and the entries of a file, with right checksums."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    arrays = {name: np.load(io.BytesIO(content)) for name, content in entries.items()}
    header = json.loads(arrays.pop("header.npy").tobytes())
    change(header, arrays)
    arrays["header.npy"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.save(stream, array, allow_pickle=True)
            archive.writestr(name, stream.getvalue())


def into(layer, **values):
    def change(header, arrays):
        header["layers"][layer]["arguments"].update(values)

    return change


def at_top(**values):
    return lambda header, arrays: header.update(values)


def replaced(number, array):
    return lambda header, arrays: arrays.update({f"array_{number}.npy": array})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (at_top(version=2), "a newer zeroone wrote it"),
        (at_top(version="1"), "format version"),
        (at_top(format="zeroone-other"), "its format is not"),
        (at_top(arrays=99), "other entries"),
        (at_top(arrays=-1), "number of arrays"),
        (at_top(arrays=10**12), "other entries"),
        (at_top(classes="yes"), "must be true or false"),
        (at_top(layers=3), "not a list"),
        (at_top(layers=[3]), "not an object"),
        (at_top(layers=[]), "at least one layer"),
        (at_top(input_shape=[6, 6]), "layer 1"),
        (at_top(input_shape="666"), "input_shape"),
        (at_top(input_shape=None), "input_shape"),
        (at_top(metadata=[1]), "metadata must be a dict"),
        (into(2, stride=[0, 1]), "stride must be an integer"),
        (into(2, stride=None), r"layer 3 \(convolution\)"),
        (into(2, weights={"array": 99}), "names array 99"),
        (into(2, weights={"array": 0}), "number of an array"),
        (into(2, weights={"array": "1"}), "number of an array"),
        (into(2, weights={"other": 1}), "neither an array nor layers"),
        (into(2, weights=3), r"layer 3 \(convolution\) cannot be made"),
        (into(2, unknown=3), r"layer 3 \(convolution\) cannot be made"),
        (into(3, scale={"array": 1}), "layer"),
        (into(5, activation="relu"), "activation"),
        (into(5, activation=["sign"]), "layer 6"),
        (into(6, body=3), "layer 7"),
        (into(6, body=[3]), "layer 7"),
        (into(6, body={"layers": 3}), "not a list"),
        (into(8, rate=2), "rate"),
        (into(1, factor="x"), "layer 2"),
        (into(1, factor=None), "layer 2"),
        (into(3, forgetting=[1]), "layer 4"),
        (replaced(1, np.full(1, np.nan)), "finite"),
        (replaced(1, np.ones(1, np.float32)), "all float32 or all float64"),
        (replaced(1, np.ones(1, int)), "dtype"),
        (replaced(1, np.array([{"a": 1}], dtype=object)), "Python objects"),
        (replaced(2, np.ones((2, 3, 2, 9))), "layer 3"),
        (replaced(2, np.ones(2)), "layer 3"),
        (replaced(4, np.ones(3)), "layer"),
        (replaced(7, np.ones(3)), "layer"),
    ],
)
def test_forged_files_are_refused_in_one_line(tmp_path, change, message):
    path = tmp_path / "net.npz"
    of_all_kinds().save(path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(f"cannot load {path}")
    assert "\n" not in str(caught.value)


def test_the_rewriting_itself_is_sound(tmp_path):
    path = tmp_path / "net.npz"
    of_all_kinds().save(path)
    rewritten(path, lambda header, arrays: None)
    assert load(path) == of_all_kinds()


class Trap:
    def __reduce__(self):
        return os.abort, ()


def test_pickles_are_not_opened(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="not a zip archive"):
        load(path)
    of_all_kinds().save(path)
    rewritten(path, replaced(1, np.array([Trap()], dtype=object)))
    with pytest.raises(ValueError, match="Python objects"):
        load(path)


def test_every_truncation_and_many_flips_are_refused_or_harmless(tmp_path):
    path, net = tmp_path / "net.npz", of_all_kinds()
    net.save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cannot load"):
            load(path)
    rng = np.random.default_rng(5)
    for place in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        refused = pytest.raises(ValueError, match=r"^cannot load")
        with contextlib.suppress(pytest.fail.Exception), refused:
            assert load(path) == net


# ----------------------------------------------------------------------------------- compression


@given(st.integers(0, 2**32 - 1))
def test_a_compressed_network_is_the_same_function(seed):
    for drawn in sample_sparse(np.random.default_rng(seed), 4):
        small = drawn.network.compress()
        np.testing.assert_array_equal(
            small.forward(drawn.X), evaluated(drawn.network.layers, drawn.X)
        )
        left = [n for stretch in stretches(small.layers) for n in filters_left(stretch)]
        assert small.compress() == small
        assert left == [
            len(layer.biases)
            for stretch in stretches(small.layers)
            for layer in stretch
            if isinstance(layer, Convolution | Dense)
        ]


def test_constant_filters_behind_a_normalisation():
    """Two normalised convolutions; the second filter of the first is zero."""
    rng = np.random.default_rng(6)
    first, second = rng.standard_normal((3, 2, 2, 1)), rng.standard_normal((2, 2, 2, 3))
    first[1] = 0
    normalisation = Normalisation(*(rng.standard_normal((3, 3))[:2]), 0.05, np.ones(3), np.ones(3))
    head = Dense(rng.standard_normal((2, 8)), np.zeros(2))
    net = Network(
        [
            Convolution(first, np.zeros(3), learn_biases=False),
            normalisation,
            AveragePooling(2, 1),
            HiddenUnits("sign"),
            Convolution(second, np.ones(2)),
            HiddenUnits("sign"),
            Flatten(),
            head,
        ],
        (5, 5, 1),
    )
    small = net.compress()
    assert [shape[-1] for shape in small.shapes[:5]] == [2, 2, 2, 2, 2]
    X = rng.standard_normal((30, 5, 5, 1))
    np.testing.assert_allclose(small.forward(X), net.forward(X), atol=1e-9)
    assert normalisation.scale.shape == (3,)  # the network itself is as it was


def test_a_border_keeps_a_constant_filter():
    """Zeros lie around an image whose filter gives one everywhere."""
    for padding, left in ((0, 1), (1, 2)):
        first = np.zeros((2, 1, 1, 1))
        first[0] = 1
        net = Network(
            [
                Convolution(first, np.ones(2)),
                HiddenUnits("step"),
                Convolution(np.ones((1, 3, 3, 2)), np.zeros(1), padding=padding),
                Flatten(),
            ],
            (4, 4, 1),
        )
        small = net.compress()
        assert small.shapes[0][-1] == left
        X = np.random.default_rng(7).integers(-3, 3, (5, 4, 4, 1))
        np.testing.assert_array_equal(small.forward(X), net.forward(X))


def test_the_border_of_a_mean_keeps_a_constant_filter():
    """Zeros lie around an image of ones: its means are not the same everywhere."""
    first = np.zeros((2, 1, 1, 1))
    first[0] = 1
    for padding, left in ((0, 1), (1, 2)):
        size = 3 + 2 * padding
        net = Network(
            [
                Convolution(first, np.ones(2)),
                HiddenUnits("step"),
                AveragePooling(2, 1, padding),
                Flatten(),
                Dense(np.arange(1.0, 4 * size**2 + 1).reshape(2, -1), np.zeros(2)),
            ],
            (4, 4, 1),
        )
        small = net.compress()
        assert small.shapes[0][-1] == left
        X = np.random.default_rng(8).integers(-3, 3, (5, 4, 4, 1))
        np.testing.assert_array_equal(small.forward(X), net.forward(X))


def test_a_network_of_zeros_is_compressed_to_its_constant(tmp_path):
    net = Network(
        [
            Convolution(np.zeros((2, 1, 1, 1)), np.ones(2)),
            HiddenUnits("step"),
            Flatten(),
            Dense(np.ones((2, 8)), np.zeros(2)),
        ],
        (2, 2, 1),
    )
    small = net.compress()
    assert small.shapes[0] == (2, 2, 0)
    assert small.forward(np.ones((3, 2, 2, 1))).tolist() == [[8, 8]] * 3
    assert small.compress() == small
    small.save(tmp_path / "constant")
    assert load(tmp_path / "constant") == small
    assert small.summary()


# ------------------------------------------------------------------------------------- summaries


def test_the_numbers_of_the_summary_are_counted():
    net = architecture("lenet")((28, 28, 1), 10)
    rows = [line.split() for line in net.summary(batch=32).splitlines()]
    cells = {" ".join(row[:2]): [word.replace(",", "") for word in row] for row in rows}
    # 6 filters of 5 x 5 at 28 x 28 positions; 16 of 5 x 5 x 6 at 10 x 10.
    assert cells["1 convolution"][-3:-1] == [str(6 * 26), str(28 * 28 * 6 * 25)]
    assert cells["4 convolution"][-3:-1] == [str(16 * 151), str(100 * 16 * 150)]
    assert cells["8 dense"][-3:-1] == [str(120 * 401), str(120 * 400)]
    assert float(cells["1 convolution"][-1]) == round(28 * 28 * 6 * 32 * 4 / 2**20, 1)
    products = 28 * 28 * 6 * 25 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    assert [word.replace(",", "") for word in rows[-1]][:3] == ["total", "61706", str(products)]


def test_the_summary_counts_layers_inside_blocks_once():
    net = of_all_kinds()
    total = net.summary().splitlines()[-1].split()
    assert int(total[1].replace(",", "")) == net.n_parameters
    assert int(total[2].replace(",", "")) == net.chain.multiplications(net.input_shape)
    for batch in (0, -1, 1.5):
        with pytest.raises(ValueError, match="batch"):
            net.summary(batch)


# --------------------------------------------------------------------------------- architectures


@pytest.mark.parametrize(
    ("name", "shape", "n_classes", "parameters"),
    [
        ("lenet", (28, 28, 1), 10, 61_706),
        ("convnet4", (32, 32, 3), 10, 4_259_274),
        ("convnet8", (40, 40, 3), 10, 2_082_378),
        ("alexnet", (224, 224, 3), 1000, 62_394_344),
        ("resnet18", (224, 224, 3), 1000, 11_689_512),
        ("resnet18", (32, 32, 3), 10, 11_173_962),
    ],
)
def test_parameters_are_those_of_the_theory(name, shape, n_classes, parameters, monkeypatch):
    def zeros(build, *shape):
        # Memory that nobody has written to costs nothing: a quarter of a gigabyte for AlexNet.
        return np.zeros(shape, build.dtype), np.zeros(shape[0], build.dtype)

    monkeypatch.setattr(Builder, "random", zeros)
    net = architecture(name)(shape, n_classes)
    assert net.n_parameters == parameters
    assert net.shapes[-1] == (n_classes,)


SMALL = {
    "mlp": (4, 4, 1),
    "lenet": (20, 20, 1),
    "convnet4": (8, 8, 3),
    "convnet8": (40, 40, 3),
    "alexnet": (99, 99, 3),
    "resnet18": (16, 16, 3),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_narrow_networks_compute_and_come_back(name, tmp_path):
    make = architecture(name)
    options = {"width": 0.05, "activation": "staircase", "levels": 3, "rng": 0}
    net = make(SMALL[name], 3, **options)
    assert net == make(SMALL[name], 3, **options)
    assert net != make(SMALL[name], 3, **options | {"rng": 1})
    assert net.dtype == np.float32
    X = np.random.default_rng(0).standard_normal((2, *SMALL[name]))
    # The output layer starts at zero.
    assert net.forward(X).tolist() == [[0, 0, 0]] * 2
    assert all(np.isfinite(V).all() for V in net.outputs(X))
    for array in net.layers[-1].parameters:
        array += 1
    net.save(tmp_path / "net")
    assert load(tmp_path / "net") == net
    A = net.chain.forward(X.astype(np.float32))
    back = net.chain.backward(np.ones_like(A))
    assert back.shape == X.shape
    assert all(np.isfinite(gradient).all() for gradient in net.chain.gradients)
    wide = make(SMALL[name], 3, **options | {"width": 0.1})
    for shape, wider in zip(net.shapes[:-1], wide.shapes[:-1], strict=True):
        assert len(shape) == len(wider)
        assert wider[-1] >= shape[-1]
    assert wide.n_parameters > net.n_parameters


def test_the_width_multiplies_filters_and_units():
    assert architecture("lenet")(width=0.5).hidden_sizes == (3, 8, 60, 42)
    assert architecture("lenet")(width=2, normalise=True).hidden_sizes == (12, 32, 240, 168)
    assert architecture("lenet")(width=1e-9).hidden_sizes == (1, 1, 1, 1)
    assert architecture("mlp")((5,), 2, hidden=(4, 3), dtype="float64").hidden_sizes == (4, 3)


def test_a_stage_that_halves_the_image_has_a_convolution_beside_it_at_any_width():
    """With one filter a stage, channels alone do not tell which shortcut is the identity."""
    net = architecture("resnet18")((16, 16, 3), 2, width=1e-9)
    beside = [len(layer.shortcut.layers) for layer in net.layers if isinstance(layer, Residual)]
    assert beside == [0, 0, 2, 0, 2, 0, 2, 0]


def test_random_weights_have_the_variance_of_their_inputs():
    net = architecture("lenet")(width=4, rng=0)
    second = net.layers[3].weights
    assert abs(second.std() * np.sqrt(second[0].size) - 1) < 0.02


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lenet", {"width": 0}, "width"),
        ("lenet", {"width": 101}, "width"),
        ("lenet", {"width": np.nan}, "width"),
        ("lenet", {"dtype": "float16"}, "dtype"),
        ("lenet", {"activation": "relu"}, "activation"),
        ("lenet", {"n_classes": 1}, "n_classes"),
        ("lenet", {"image_shape": (28, 28)}, "image_shape must fit the network"),
        ("lenet", {"image_shape": (10, 28, 1)}, "image_shape must fit the network"),
        ("lenet", {"image_shape": (0, 28, 1)}, "image_shape"),
        ("convnet8", {"image_shape": (32, 32, 3)}, "image_shape must fit the network"),
        ("convnet8", {"dropout": 1.0}, "rate"),
        ("mlp", {"hidden": (3, 0)}, "hidden"),
    ],
)
def test_bad_options_are_named(name, options, message):
    with pytest.raises(ValueError, match=message):
        architecture(name)(**options)


def test_unknown_architectures_are_refused():
    with pytest.raises(ValueError, match=r"network must be one of mlp, lenet, .*but is 'vgg'"):
        architecture("vgg")
    assert architecture("zeroone.nets.architectures:lenet") is architectures.lenet
