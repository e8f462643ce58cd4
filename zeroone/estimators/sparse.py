"""A network trained as a pair, one that learns and one that is sparse: what the classifier keeps.

See `zeroone.targetprop.splitting`. First RVSCGD or ADMM trains w with u beside it. A refit then
begins at u and trains the weights that are left; zeros stay zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zeroone.nets.calibrate import calibrated
from zeroone.nets.network import Network
from zeroone.nets.scaling import Rows
from zeroone.steps import Step
from zeroone.support.validation import FloatArray
from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import TargetState, finished, train
from zeroone.targetprop.splitting import (
    SplittingOptions,
    begin_refit,
    restore,
    set_sparse,
    split,
)

# So many training samples measure the normalisation of u: it saw those of w alone.
CALIBRATION = 2000


class SparseTraining:
    """The training of a pair of networks.

    Parameters
    ----------
    state : TargetState
        Of a network, about to be trained.
    images : ndarray or PickedRows, shape (n_samples, *input_shape)
        Training part.
    indices : ndarray of int, shape (n_samples,)
        Classes.
    options : TargetOptions
    splitting : SplittingOptions
    refit_epochs : int
        Epochs of the refit, 0 for none.
    sample_weight : ndarray, shape (n_samples,), optional
    """

    def __init__(
        self,
        state: TargetState,
        images: Rows,
        indices: NDArray[np.intp],
        options: TargetOptions,
        splitting: SplittingOptions,
        refit_epochs: int,
        sample_weight: FloatArray | None = None,
    ) -> None:
        self.state, self.images, self.indices, self.options = state, images, indices, options
        self.sample_weight = sample_weight
        self.refit_epochs = refit_epochs
        # The nets before the refit, once it has begun.
        self.dense_before: Network | None = None
        self.sparse_before: Network | None = None
        updates = len(images) // options.size(len(images)) * options.epochs
        split(state, splitting, updates)

    def steps(self) -> Iterator[Step]:
        """Train w and u, and then refit u; yield the steps of both."""
        yield from self._trained(self.options)
        if self.refit_epochs == 0:
            return
        self.dense_before, self.sparse_before = self.dense(), self.sparse()
        begin_refit(self.state, self.options)
        again = replace(self.options, epochs=self.refit_epochs)
        yield from self._trained(again)

    def _trained(self, options: TargetOptions) -> Iterator[Step]:
        weight = self.sample_weight
        return train(self.images, self.indices, self.state, options, sample_weight=weight)

    def dense(self) -> Network:
        """Return the present net of w, of its own arrays; once the refit has begun, the last."""
        return self.dense_before or self._finished()

    def sparse(self) -> Network:
        """Return the present net of u, of its own arrays, its normalisation measured anew."""
        if self.sparse_before is not None:  # the net in training is the sparse one
            return self._finished()
        before = set_sparse(self.state)
        try:
            found = self._finished()
        finally:
            restore(self.state, before)
        order = np.random.default_rng(0).permutation(len(self.images))[:CALIBRATION]
        return calibrated(found, self.images[np.sort(order)])

    def _finished(self) -> Network:
        if self.state.network is None:
            raise ValueError("state must be that of a network")
        return finished(self.state.network)
