"""Classifiers over the solvers, with the conventions of scikit-learn."""

from zeroone.estimators.bcd import BCDClassifier, FullBatchBCDClassifier
from zeroone.estimators.targetprop import FTPropClassifier

__all__ = ["BCDClassifier", "FTPropClassifier", "FullBatchBCDClassifier"]
