"""Data frames and sparse matrices: taken, or refused with a clear word."""

import importlib

import numpy as np
import pytest
from scipy import sparse

from zeroone.bcd import full_batch
from zeroone.estimators import BCDClassifier, FTPropClassifier
from zeroone.nets.mlp import ZeroOneMLP

Y = np.array(["ash", "oak"] * 20)


def numbers(seed=0):
    return np.random.default_rng(seed).standard_normal((40, 3)) + (Y == "oak")[:, np.newaxis]


class Frame:
    """What the package needs of a data frame: columns, and an array of its values."""

    def __init__(self, values, columns):
        self.values, self.columns, self.shape = values, columns, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self):
        return len(self.values)


def frame(values, columns=("a", "b", "c")):
    """Return a data frame of pandas, or what looks like one where there is no pandas."""
    try:
        pandas = importlib.import_module("pandas")
    except ImportError:
        return Frame(values, list(columns))
    return pandas.DataFrame({name: list(values[:, i]) for i, name in enumerate(columns)})


@pytest.mark.parametrize("estimator", [BCDClassifier, FTPropClassifier])
def test_a_frame_is_taken_with_the_names_of_its_columns(estimator):
    X = numbers()
    # Laid out in memory by columns, as those of a frame are, so that sums are rounded alike.
    plain = estimator(5, epochs=2).fit(np.asarray(frame(X)), Y)
    framed = estimator(5, epochs=2).fit(frame(X), Y)
    assert framed.network_ == plain.network_
    assert list(framed.feature_names_in_) == ["a", "b", "c"]
    np.testing.assert_array_equal(framed.predict(frame(X)), plain.predict(np.asarray(frame(X))))
    with pytest.raises(ValueError, match="same order"):
        framed.predict(frame(X, ("b", "a", "c")))


def test_missing_values_of_a_frame_are_refused_with_their_column():
    X = numbers()
    X[7, 1] = np.nan
    with pytest.raises(ValueError, match="X must be finite, but column 'b' holds NaN"):
        BCDClassifier(5, epochs=1).fit(frame(X), Y)
    X = X.astype(object)
    X[7, 1], X[3, 2] = 0.0, None
    with pytest.raises(ValueError, match="column 'c'"):
        BCDClassifier(5, epochs=1).fit(frame(X), Y)


def test_words_are_refused_with_their_column():
    X = numbers().astype(object)
    X[:, 2] = "red"
    message = r"X must hold numbers, but column 'c' does not: .*'red'.*encode words as numbers"
    with pytest.raises(ValueError, match=message):
        BCDClassifier(5, epochs=1).fit(frame(X), Y)
    with pytest.raises(ValueError, match=r"but column 3 does not"):
        BCDClassifier(5, epochs=1).fit(X, Y)


@pytest.mark.parametrize("missing", [None, np.nan, float("nan")])
def test_missing_labels_are_refused(missing):
    labels = Y.astype(object)
    labels[5] = missing
    with pytest.raises(ValueError, match="y must have a label for each sample, but entry 5 is"):
        BCDClassifier(5, epochs=1).fit(numbers(), labels)


def test_labels_of_several_types_are_refused():
    labels = Y.astype(object)
    labels[5] = 3
    with pytest.raises(ValueError, match="y must hold labels of one type, but holds int and str"):
        BCDClassifier(5, epochs=1).fit(numbers(), labels)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csc_array, sparse.coo_array])
def test_sparse_matrices_are_refused_with_the_remedy(kind):
    X = numbers()
    net = BCDClassifier(5, epochs=1).fit(X, Y)
    assert isinstance(net.network_, ZeroOneMLP)
    calls = (
        lambda: BCDClassifier(5, epochs=1).fit(kind(X), Y),
        lambda: net.predict(kind(X)),
        lambda: net.network_.predict(kind(X)),
        lambda: net.network_.forward(kind(X)),
        lambda: next(full_batch.iterate(kind(X), np.eye(2)[np.arange(40) % 2], 5)),
    )
    for call in calls:
        with pytest.raises(ValueError, match=r"dense array, but is .* sparse one.*X\.toarray\(\)"):
            call()
