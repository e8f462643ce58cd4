"""Networks of convolutions in the classifier and on the command line."""

import pickle

import numpy as np
import pytest

from zeroone import FTPropClassifier, Network, load, load_digits
from zeroone.cli import main
from zeroone.nets.architectures import Builder, convnet4, lenet
from zeroone.nets.layers import Dense, Flatten
from zeroone.nets.units import HiddenUnits
from zeroone.targetprop.solver import iterate

SMALL = {"network": "convnet4", "width": 0.1, "image_shape": (8, 8), "normalise": True}


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    return data.X_train[:400], data.y_train[:400]


def own_architecture(image_shape, n_classes, **options):
    """One layer of 3 x 3 filters: what a user writes."""
    build = Builder(image_shape, **options)
    build.add(build.convolution(build.scaled(8), 3), build.units(), Flatten())
    build.add(build.output(n_classes))
    return build.network()


def test_it_learns(digits):
    X, y = digits
    classifier = FTPropClassifier(**SMALL, epochs=10, random_state=1).fit(X, y)
    assert isinstance(classifier.network_, Network)
    assert classifier.score(X, y) > 0.8
    assert len(classifier.history_) == 10


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "step", "loss": "linear"},
        {"activation": "staircase", "levels": 3},
        {"loss": "saturated_hinge", "shift": 1, "flip": True},
        {"crop": 10, "dropout": 0.2, "surrogate": "clipped_relu"},
        {"optimiser": "momentum", "learning_rate": 0.1, "normalise": False},
        {"network": own_architecture},
        {"network": "resnet18", "width": 0.05},
        {"network": "mlp", "hidden": (9, 7)},
    ],
)
def test_every_option_trains_and_the_network_is_a_copy(digits, parameters):
    X, y = digits
    classifier = FTPropClassifier(**{**SMALL, **parameters}, epochs=1)
    steps = classifier.steps(X, y)
    for _ in range(3):
        next(steps)
    early = classifier.snapshot()
    scores = early.forward(X[:5])
    for _ in steps:
        pass
    assert np.array_equal(early.forward(X[:5]), scores)
    assert not np.array_equal(classifier.network_.forward(X[:5]), scores)
    assert classifier.network_.dtype == np.float32


def test_bytes_and_floats_give_the_same(digits):
    X, y = digits
    assert X.dtype == np.uint8
    scores = [
        FTPropClassifier(**SMALL, epochs=1).fit(data, y).decision_function(data)
        for data in (X, X.astype(np.float64))
    ]
    assert np.allclose(*scores, atol=1e-5)


def test_partial_fit_goes_on(digits):
    X, y = digits
    classifier = FTPropClassifier(**SMALL, shift=1, dropout=0.1)
    for _ in range(3):
        classifier.partial_fit(X, y, classes=range(10))
    assert classifier.n_iter_ == 3
    assert classifier.score(X, y) > 0.3


@pytest.mark.parametrize("surrogate", ["identity", "relu", "clipped_relu"])
def test_a_fitted_classifier_can_be_pickled(digits, surrogate):
    X, y = digits
    classifier = FTPropClassifier(**SMALL, epochs=1, surrogate=surrogate).fit(X, y)
    again = pickle.loads(pickle.dumps(classifier))
    assert again.network_ == classifier.network_
    assert np.array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_a_network_of_the_users_is_not_changed(digits):
    X, y = digits
    network = own_architecture((8, 8, 1), 10, rng=0)
    before = [array.copy() for layer in network.layers for array in layer.parameters]
    classifier = FTPropClassifier(network=network, image_shape=(8, 8), epochs=1).fit(X, y)
    after = [array for layer in network.layers for array in layer.parameters]
    assert all(map(np.array_equal, before, after))
    assert classifier.score(X, y) > 0.2


def test_iterate_moves_the_network_itself():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 8, 8, 1)), rng.integers(0, 3, 40)
    network = own_architecture((8, 8, 1), 3, rng=0, dtype="float64")
    before = network.forward(X)
    steps = list(iterate(X, y, network, epochs=2, measure=True, rng=1))
    assert {step.block for step in steps} == {"W1", "W2"}
    assert all(np.isfinite(step.decrease) for step in steps)
    assert not np.array_equal(network.forward(X), before)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image_shape": None}, "image_shape must be"),
        ({"image_shape": (8, 9)}, "image_shape must hold 64 features"),
        ({"image_shape": (8,)}, "image_shape must be"),
        ({"image_shape": (8, 8, 1, 1)}, "image_shape must be"),
        ({"network": "lenet"}, "image_shape must fit the network"),
        ({"network": "convnet9"}, "network must be one of"),
        ({"network": "nowhere:net"}, "network names the module"),
        ({"width": 0}, "width must be"),
        ({"crop": 0}, "crop must be"),
        ({"crop": 2}, "image_shape must fit the network"),
        ({"shift": 8}, "shift must be smaller"),
        ({"flip": "yes"}, "flip must be"),
        ({"hidden": 50}, "hidden must be 200 with a network other than mlp"),
        ({"whitening": 0.1}, "whitening must be None"),
        ({"network": None}, "width must be 1.0 without a network"),
        ({"network": lenet()}, "network must take images of shape"),
        ({"network": None, "width": 1.0, "flip": True}, "flip must be False without a network"),
    ],
)
def test_bad_input_is_one_clear_line(digits, parameters, message):
    X, y = digits
    with pytest.raises(ValueError, match=message) as caught:
        FTPropClassifier(**{**SMALL, **parameters}).fit(X, y)
    assert "\n" not in str(caught.value)


def test_parts_without_anything_to_learn_are_refused():
    layers = [Flatten(), HiddenUnits("sign"), Dense(np.zeros((2, 4)), np.zeros(2))]
    network = Network(layers, (2, 2, 1))
    with pytest.raises(ValueError, match="part 1 of 2 has no parameters"):
        iterate(np.ones((4, 2, 2, 1)), [0, 1, 0, 1], network)


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = "--network convnet4 --width 0.1 --epochs 2 --normalise --flip --shift 1 --seed 3"
    arguments = f"train --data digits --method ftprop {options} --save m.npz --history h.csv"
    assert main([*arguments.split(), "--plot", "p.png"]) == 0
    printed = capsys.readouterr().out
    assert "8x8x1-3-6-102-10" in printed
    assert "neurons kept, layer 3" in printed
    network = load("m.npz")
    assert isinstance(network, Network)
    assert network.metadata["training"]["network"] == "convnet4"
    data = load_digits()
    accuracy = np.mean(network.predict(data.X_test) == data.y_test)
    assert f"{accuracy:.2%}" in printed
    assert main(["evaluate", "m.npz", "--data", "digits"]) == 0
    assert f"accuracy {accuracy:.2%}" in capsys.readouterr().out
    assert main(["prune", "m.npz", "--data", "digits", "--keep", "3"]) == 2
    assert "must be a multi-layer perceptron" in capsys.readouterr().err
    assert (tmp_path / "p.png").stat().st_size > 1000
    assert len((tmp_path / "h.csv").read_text().splitlines()) == 3


def test_the_command_trains_what_the_classifier_trains(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = "--network convnet4 --width 0.1 --epochs 1 --seed 5"
    assert main(f"train --data digits --method sste {options} --save m.npz".split()) == 0
    data = load_digits()
    parameters = {"network": "convnet4", "width": 0.1, "image_shape": data.image_shape}
    classifier = FTPropClassifier(
        **parameters, loss="saturated_hinge", epochs=1, random_state=5, dtype="float32"
    ).fit(data.X_train, data.y_train)
    saved = load("m.npz")
    assert np.array_equal(saved.forward(data.X_test), classifier.network_.forward(data.X_test))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--network nothing", "network must be one of"),
        ("--network lenet", "image_shape must fit the network"),
        ("--network convnet4 --width -1", "width must be"),
        ("--network convnet4 --crop 0", "crop must be"),
        ("--flip", "flip must be False without a network"),
        ("--method bcd --network lenet", "--network is an option of --method"),
    ],
)
def test_bad_options_are_one_line(options, message, capsys):
    method = "" if "--method" in options else "--method ftprop "
    assert main(f"train --data digits {method}{options}".split()) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_users_architecture_by_name(tmp_path, monkeypatch, capsys):
    source = """
from zeroone.nets.architectures import Builder
from zeroone.nets.layers import Flatten

def tiny(image_shape, n_classes, **options):
    build = Builder(image_shape, **options)
    build.add(build.convolution(4, 3), build.units(), Flatten())
    build.add(build.output(n_classes))
    return build.network()
"""
    (tmp_path / "my_nets.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    command = "train --data digits --method ftprop --network my_nets:tiny --epochs 1"
    assert main(command.split()) == 0
    assert "8x8x1-4-10" in capsys.readouterr().out


def test_full_width_of_convnet4_is_that_of_the_paper():
    assert convnet4().n_parameters == 4_259_274
