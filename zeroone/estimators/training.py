"""How estimators train dense layers: one class a solver, whatever the outputs mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from numpy.typing import NDArray

from zeroone.bcd import full_batch, mini_batch
from zeroone.estimators.base import NetworkEstimator
from zeroone.estimators.samples import Samples
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.nets.scaling import PickedRows, Rows
from zeroone.nets.units import Units
from zeroone.steps import History, Step
from zeroone.support.schedules import Schedule, schedule_value
from zeroone.support.validation import FloatArray, check_hidden, check_integer
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import TargetState, restarted, start, start_at, train


class MiniBatchDescent(NetworkEstimator):
    """How an estimator trains dense layers by mini-batch block coordinate descent."""

    epochs: int
    batch_size: int | None
    tau: float | Sequence[float]
    tau_schedule: Schedule
    margin: float
    remedy: str
    gamma: float
    lam: float
    initialisation: str
    passes: int
    # Those of numbers are what they are.
    targets: str = "fixed"
    forgetting: float
    proximal: str
    proximity: Schedule
    layerwise: bool

    def _check_parameters(self) -> None:
        self._options()

    def _options(self) -> mini_batch.BatchOptions:
        return mini_batch.BatchOptions(
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

    def _removes_neurons(self) -> bool:
        return self.lam > 0

    def _start(self, data: Rows, targets: NDArray[Any], weight: FloatArray | None) -> None:
        Y, options = self._encoded(targets, data.dtype), self._options()
        layers = self._given_layers()
        if layers is None:
            hidden = check_hidden(self.hidden)
            self.state_ = mini_batch.start(
                data, Y, hidden, options, self._rng, sample_weight=weight
            )
        else:
            self.state_ = mini_batch.start_at(data, Y, layers, options, self._rng, weight)
            self.state_.epoch = self._epochs_before

    def _one_pass(
        self, data: Rows, targets: NDArray[Any], weight: FloatArray | None
    ) -> Iterator[Step]:
        """Go once over some samples, at the middle of the schedule of the price of moving."""
        middle = schedule_value("proximity", self.proximity, 2, 3)
        once = replace(self._options(), epochs=1, proximity=middle)
        Y = self._encoded(targets, self.state_.weights[0].dtype)
        return mini_batch.train(data, Y, self.state_, once, sample_weight=weight)

    def _train(self, samples: Samples) -> Iterator[Step]:
        """Yield the steps of a whole training; the last one fits the output layer on all data."""
        self.history_ = History()
        data, targets, weight, raw = self._visited(samples)
        options, Y = self._options(), self._encoded(targets, data.dtype)
        how: dict[str, Any] = {"fetch": self._fetch(raw, self._rng), "sample_weight": weight}
        if self._goes_on or self.initial_network is not None:
            self._start(data, targets, weight)
            steps = mini_batch.train(data, Y, self.state_, options, **how)
        else:
            sizes = check_hidden(self.hidden)
            steps = mini_batch.run_stages(data, Y, sizes, options, self._rng, **how)
        for step in steps:
            self.state_ = step.state
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        last = mini_batch.output_step(data, Y, self.state_, options, weight)
        self.n_iter_ = self.state_.epoch
        self.network_ = self.snapshot()
        yield last


class FullBatchDescent(NetworkEstimator):
    """How an estimator trains dense layers by full-batch block coordinate descent."""

    epochs: int
    splitting: str
    tau: float | Sequence[float]
    tau_schedule: Schedule
    pi: float | Sequence[float]
    margin: float
    remedy: str
    gamma: float | Sequence[float]
    lam: float | Sequence[float]
    groups: str
    order: str | Sequence[str]
    initialisation: str

    def _check_parameters(self) -> None:
        check_integer("epochs", self.epochs)
        full_batch.Options(**self._options())

    def _options(self) -> dict[str, Any]:
        return {
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

    def _train(self, samples: Samples) -> Iterator[Step]:
        """Yield the steps of a whole training."""
        self.history_ = History()
        data, layers = self._scaled(samples.X), self._given_layers()
        steps = full_batch.iterate(
            data,
            self._encoded(samples.targets, data.dtype),
            self.hidden,
            rng=self._rng,
            start=None if layers is None else ZeroOneMLP(*zip(*layers, strict=True)),
            sample_weight=samples.weight,
            **self._options(),
        )
        for step in steps:
            self.state_ = step.state
            self.history_.record_step(step)
            yield step
        self.n_iter_ = self._epochs_before + self.epochs
        self.network_ = self.snapshot()


class TargetTraining(NetworkEstimator):
    """How an estimator trains dense layers by mini-batch feasible target propagation."""

    activation: str
    levels: int | None
    epochs: int
    learning_rate: Schedule
    normalise: bool

    def _options(self) -> TargetOptions:
        names = (each.name for each in fields(TargetOptions))
        return TargetOptions(**{name: getattr(self, name) for name in names})

    def _check_parameters(self) -> None:
        self._options()
        if self.initial_network is not None and self.normalise:
            raise ValueError(
                "normalise must be False with initial_network: in a file the normalisation has "
                "become part of the weights"
            )

    def _activation(self) -> dict[str, Any]:
        return {"activation": self.activation, "levels": self.levels}

    def _check_sizes(self) -> None:
        super()._check_sizes()
        self._check_units(getattr(getattr(self, "network_", None), "units", None))

    def _check_units(self, units: Any) -> None:
        """Refuse to go on with a network of other hidden units than asked for."""
        if units is not None and units != Units(**self._activation()):
            raise ValueError(
                f"activation and levels must be {units.activation!r} and {units.levels} for "
                "warm_start to go on from the present network"
            )

    def _new_state(self, data: Rows) -> TargetState:
        """Return the state of a net with its first weights, for scaled input."""
        if self._goes_on:
            return restarted(self.state_, self._options(), self._epochs_before)
        n_features, sizes = data.shape[1], check_hidden(self.hidden)
        options = self._options()
        state = start(n_features, self._n_outputs(), sizes, options, self._rng, data.dtype)
        layers = self._given_layers()
        return state if layers is None else start_at(state, layers)

    def _trained_options(self) -> TargetOptions:
        """Return the options of the solver's own part."""
        return self._options()

    def _start(self, data: Rows, targets: NDArray[Any], weight: FloatArray | None) -> None:
        self.state_ = self._new_state(data)

    def _one_pass(
        self, data: Rows, targets: NDArray[Any], weight: FloatArray | None
    ) -> Iterator[Step]:
        rate = schedule_value("learning_rate", self.learning_rate, 2, 3)
        once = replace(self._trained_options(), epochs=1, decay="constant", learning_rate=rate)
        wanted = self._encoded(targets, data.dtype)
        return train(data, wanted, self.state_, once, sample_weight=weight)

    def _steps_of_solver(
        self,
        data: Rows,
        targets: NDArray[Any],
        weight: FloatArray | None,
        raw: NDArray[Any] | PickedRows,
    ) -> Iterator[Step]:
        """Yield the steps of all epochs with the present state."""
        wanted, fetch = self._encoded(targets, data.dtype), self._fetch(raw, self._rng)
        options = self._trained_options()
        return train(data, wanted, self.state_, options, fetch=fetch, sample_weight=weight)

    def _train(self, samples: Samples) -> Iterator[Step]:
        self.history_ = History()
        data, targets, weight, raw = self._visited(samples)
        self.state_ = self._new_state(data)
        for step in self._steps_of_solver(data, targets, weight, raw):
            if "epoch_ends" in step.info:
                self.history_.record_step(step)
            yield step
        self.n_iter_ = self.state_.epoch
        self.network_ = self.snapshot()
