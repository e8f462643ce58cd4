"""Classifiers over the solvers, with the conventions of scikit-learn."""

from zeroone.estimators.bcd import FORMS, BCDClassifier
from zeroone.estimators.targetprop import FTPropClassifier

__all__ = ["FORMS", "BCDClassifier", "FTPropClassifier"]
