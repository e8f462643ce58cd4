"""The classifier over block coordinate descent."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from zeroone.bcd import minibatch, solver
from zeroone.bcd.batch import hidden_bits, start
from zeroone.bcd.options import BatchOptions, Options
from zeroone.bcd.output import fit_output, signed_targets
from zeroone.estimators.base import NetworkClassifier
from zeroone.layers import check_hidden
from zeroone.rows import row_blocks
from zeroone.schedules import Schedule, schedule_value
from zeroone.trace import History, Step
from zeroone.validation import FloatArray, check_choice

FORMS = ("mini-batch", "full-batch")


class BCDClassifier(NetworkClassifier):
    """A net of 0/1 step units, trained by closed-form block coordinate descent.

    Parameters
    ----------
    hidden : int or tuple of int, default 200
        Sizes of the hidden layers.
    form : {"mini-batch", "full-batch"}, default "mini-batch"
        The practical form, or the reference whose objective never rises.
    epochs : int, default 30
        Passes over the data; in the full-batch form, sweeps over all blocks.
    batch_size : int, optional
        Samples in a batch; see `zeroone.bcd.BatchOptions`.
    tau : float or sequence of float, default 0.5
        Price of a pre-activation that is not the one computed, one number or one a hidden layer.
    tau_schedule : schedule, default 1.0
        A factor on tau; a number, a pair (first, last), or a function.
    margin : float, default 0.1
        Half-width of the gap around the threshold for the remedy "margin".
    remedy : {"margin", "tiny"}, default "margin"
        What stands for the infimum over u > 0, which is not attained.
    gamma : float, default 0.01
        Ridge: of the output layer relative to one sample, or of all layers in the full-batch form.
    lam : float, default 0.0
        Price of a neuron: l2,0. In the mini-batch form, relative to one sample.
    initialisation : {"differences", "data-scaled", "random"}, default "differences"
        The rule for the first weights.
    passes, targets, forgetting, proximal, proximity, layerwise
        Of the mini-batch form; see `zeroone.bcd.BatchOptions`.
    shift : int, default 0
        In the mini-batch form, move each batch of images by up to this many pixels at random.
    image_shape : tuple of int, optional
        (height, width) or (height, width, channels), for `shift`.
    splitting, pi, groups, order
        Of the full-batch form; see `zeroone.bcd.Options`.
    whitening : float or None, default 50.0
        Shrink input directions of a variance far above this many times the mean; None for none.
    dtype : {"float32", "float64"}, optional
        Working precision; by default float32 for float32 input and float64 for any other.
    random_state : int, numpy.random.Generator or None, default 0
        Seed.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels.
    network_ : ZeroOneMLP
        The trained network, for input as it was passed to `fit`.
    history_ : History
        The objective by term, a row an epoch (mini-batch) or a block update (full-batch).
    n_features_in_, n_iter_ : int
        Number of features, and of epochs run.

    Examples
    --------
    >>> from zeroone.datasets import load_digits
    >>> data = load_digits()
    >>> classifier = BCDClassifier(hidden=50, epochs=3).fit(data.X_train, data.y_train)
    >>> classifier.score(data.X_test, data.y_test) > 0.85
    True
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = 200,
        *,
        form: str = "mini-batch",
        epochs: int = 30,
        batch_size: int | None = None,
        tau: float | Sequence[float] = 0.5,
        tau_schedule: Schedule = 1.0,
        margin: float = 0.1,
        remedy: str = "margin",
        gamma: float = 0.01,
        lam: float = 0.0,
        initialisation: str = "differences",
        passes: int = 1,
        targets: str = "slack",
        forgetting: float = 0.1,
        proximal: str = "samples",
        proximity: Schedule = (1.0, 20.0),
        layerwise: bool = True,
        shift: int = 0,
        image_shape: Sequence[int] | None = None,
        splitting: str = "two",
        pi: float | Sequence[float] = 1.0,
        groups: str = "rows",
        order: str | Sequence[str] = "backward",
        whitening: float | None = 50.0,
        dtype: str | None = None,
        random_state: int | np.random.Generator | None = 0,
    ) -> None:
        self.hidden = hidden
        self.form = form
        self.epochs = epochs
        self.batch_size = batch_size
        self.tau = tau
        self.tau_schedule = tau_schedule
        self.margin = margin
        self.remedy = remedy
        self.gamma = gamma
        self.lam = lam
        self.initialisation = initialisation
        self.passes = passes
        self.targets = targets
        self.forgetting = forgetting
        self.proximal = proximal
        self.proximity = proximity
        self.layerwise = layerwise
        self.shift = shift
        self.image_shape = image_shape
        self.splitting = splitting
        self.pi = pi
        self.groups = groups
        self.order = order
        self.whitening = whitening
        self.dtype = dtype
        self.random_state = random_state

    # ------------------------------------------------------------------------------- training

    @property
    def partial_fit(self) -> Callable[..., Self]:
        """Go on training with one pass over some samples: ``partial_fit(X, y, classes=None)``.

        X and y are as for `fit`. `classes`, needed in the first call, has all labels that will ever
        come. The samples of the first call also decide how the input is centred and scaled, and the
        first weights.

        Returns
        -------
        BCDClassifier

        Raises
        ------
        ValueError
            As `fit`; or if classes are missing in the first call, or a label is not among them.
        AttributeError
            If `form` is not "mini-batch": there is no such method then.

        Notes
        -----
        The price of moving stays what the middle of its schedule is, since nobody knows how many
        samples will come; the output layer is that of the running averages; and a net of several
        hidden layers starts with all of them.
        """
        if self.form != "mini-batch":
            raise AttributeError(f"partial_fit needs form='mini-batch', but form is {self.form!r}")
        return self._partial_fit

    def _check_parameters(self) -> None:
        """Refuse parameters of the form in use that are out of range."""
        check_choice("form", self.form, FORMS)
        self._batch_options() if self.form == "mini-batch" else self._full_options()

    def _signed(self, indices: NDArray[np.intp]) -> FloatArray:
        return signed_targets(indices, len(self.classes_), self.state_.weights[0].dtype)

    def _batch_options(self) -> BatchOptions:
        return BatchOptions(
            epochs=self.epochs,
            batch_size=self.batch_size,
            tau=self.tau,
            tau_schedule=self.tau_schedule,
            remedy=self.remedy,
            margin=self.margin,
            passes=self.passes,
            targets=self.targets,
            gamma=self.gamma,
            lam=self.lam,
            forgetting=self.forgetting,
            layerwise=self.layerwise,
            proximal=self.proximal,
            proximity=self.proximity,
            initialisation=self.initialisation,
        )

    def _full_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "sweeps": self.epochs,
            "splitting": self.splitting,
            "remedy": self.remedy,
            "margin": self.margin,
            "tau": self.tau,
            "tau_schedule": self.tau_schedule,
            "pi": self.pi,
            "gamma": self.gamma,
            "lam": self.lam,
            "groups": self.groups,
            "order": self.order,
            "initialisation": self.initialisation,
        }
        Options(**options)
        return options

    def _start(self, data: FloatArray, indices: NDArray[np.intp]) -> None:
        """Set up the state of the mini-batch form."""
        signed = signed_targets(indices, len(self.classes_), data.dtype)
        hidden = check_hidden(self.hidden)
        rng = np.random.default_rng(self.random_state)
        self.state_ = start(data, signed, hidden, self._batch_options(), rng)

    def _one_pass(self, data: FloatArray, indices: NDArray[np.intp]) -> Iterator[Step]:
        """Go once over some samples, at the middle of the schedule of the price of moving."""
        middle = schedule_value("proximity", self.proximity, 2, 3)
        once = replace(self._batch_options(), epochs=1, proximity=middle)
        return minibatch.train(data, self._signed(indices), self.state_, once)

    def _train(self, X: NDArray[Any], indices: NDArray[np.intp]) -> Iterator[Step]:
        """Yield the steps of a whole training, and finish the network after the last."""
        self.history_ = History()
        data = self._scaled(X)
        rng = np.random.default_rng(self.random_state)
        signed = signed_targets(indices, len(self.classes_), data.dtype)
        if self.form == "mini-batch":
            hidden = check_hidden(self.hidden)
            steps = minibatch.run_stages(
                data, signed, hidden, self._batch_options(), rng, fetch=self._fetch(X, rng)
            )
            for step in steps:
                self.state_ = step.state
                if "epoch_ends" in step.info:
                    self.history_.record_step(step)
                yield step
        else:
            onehot = np.eye(len(self.classes_), dtype=data.dtype)[indices]
            steps = solver.iterate(
                data[:, :-1], onehot, self.hidden, rng=rng, **self._full_options()
            )
            for step in steps:
                self.state_ = step.state
                self.history_.record_step(step)
                yield step
        self.n_iter_ = self.epochs
        self._fit_output(data, signed)
        self.network_ = self.snapshot()

    def _fit_output(self, data: FloatArray, signed: FloatArray) -> None:
        """Fit the output layer to the hard network's bits on all data."""
        weights = self.state_.weights
        blocks = list(row_blocks(len(data), 4096))
        # 0/1 in a byte each: computed once, used in every iteration.
        bits = [hidden_bits(data[rows], weights).astype(np.uint8) for rows in blocks]

        def batches() -> Iterator[tuple[FloatArray, FloatArray]]:
            for V, rows in zip(bits, blocks, strict=True):
                yield V.astype(data.dtype), signed[rows]

        targets = self.targets if self.form == "mini-batch" else "fixed"
        weights[-1] = fit_output(batches, weights[-1], gamma=self.gamma, targets=targets)
