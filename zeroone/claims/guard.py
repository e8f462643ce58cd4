"""A measure that counts only where the subject's answers are those of another implementation.

A bound, a descent or a counterexample says little of what a function must return. A run that jumps
to its goal descends, a limit of zeros balances, and answers to other questions hold any number of
counterexamples. `Checked` asks a second implementation the same questions, and takes back what was
measured (NaN, which fails every claim) if the answers differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zeroone.support.validation import FloatArray

Pair = tuple[FloatArray, FloatArray]

# Rows of answers that must agree: one at a tie may fall to either side by rounding.
SHARE = 0.9


def whole(answer: Any) -> tuple[Any, ...]:
    """Return an answer that is one array."""
    return (answer,)


@dataclass(frozen=True)
class Checked:
    """A comparison on one group of instances that counts only if the subject answers rightly.

    Parameters
    ----------
    measure : callable (subject, group) -> (measured, theoretical)
        The comparison.
    oracle : object
        A function, or a tuple of functions, that answers as the subject should.
    read : callable (answer) -> tuple of ndarray
        What of an answer is compared with the oracle's, a row for each instance.
    tolerance : float
        Largest difference of a row, relative to its largest entry and 1.
    """

    measure: Callable[[Any, Any], Pair]
    oracle: Any
    read: Callable[[Any], tuple[Any, ...]] = whole
    tolerance: float = 1e-6

    def __call__(self, subject: Any, group: Any) -> Pair:
        """Return what is measured, or NaN if an answer differed from the oracle's."""
        agreed: list[bool] = []
        measured, theoretical = np.broadcast_arrays(
            *self.measure(self.watched(subject, self.oracle, agreed), group)
        )
        if all(agreed):
            return measured, theoretical
        lost = np.full(max(measured.size, 1), np.nan)
        return lost, lost

    def watched(self, subject: Any, oracle: Any, agreed: list[bool]) -> Any:
        """Return the subject; each call notes whether the answer was the oracle's."""
        if isinstance(subject, tuple):
            return tuple(
                self.watched(one, other, agreed) for one, other in zip(subject, oracle, strict=True)
            )

        def ask(*arguments: Any, **options: Any) -> Any:
            answer = subject(*arguments, **options)
            expected = oracle(*arguments, **options)
            pairs = zip(self.read(answer), self.read(expected), strict=True)
            agreed.append(all(self.agree(*pair) for pair in pairs))
            return answer

        return ask

    def agree(self, answer: Any, expected: Any) -> bool:
        """Return whether enough rows of two arrays are the same."""
        answer, expected = np.asarray(answer, dtype=float), np.asarray(expected, dtype=float)
        if answer.shape != expected.shape:
            return False
        rows = (len(expected), -1) if expected.ndim else (1, 1)
        answer, expected = answer.reshape(rows), expected.reshape(rows)
        size = np.maximum(np.max(np.abs(expected), axis=1, initial=0), 1)
        apart = np.max(np.abs(answer - expected), axis=1, initial=0)
        return bool(np.mean(apart <= self.tolerance * size) >= SHARE)
