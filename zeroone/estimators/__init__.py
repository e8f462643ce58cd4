"""Classifiers and regressors over the solvers, with the conventions of scikit-learn.

Examples
--------
>>> from zeroone.datasets import load_digits
>>> data = load_digits()
>>> classifier = FTPropClassifier(hidden=50, epochs=5, class_weight="balanced")
>>> weights = [2.0] * 100 + [1.0] * (len(data.y_train) - 100)
>>> chances = classifier.fit(data.X_train, data.y_train, weights).predict_proba(data.X_test)
>>> bool((chances.argmax(axis=1) == classifier.predict(data.X_test)).all())
True
"""

from zeroone.estimators.bcd import BCDClassifier, FullBatchBCDClassifier
from zeroone.estimators.regressors import BCDRegressor, FTPropRegressor, FullBatchBCDRegressor
from zeroone.estimators.targetprop import FTPropClassifier

__all__ = [
    "BCDClassifier",
    "BCDRegressor",
    "FTPropClassifier",
    "FTPropRegressor",
    "FullBatchBCDClassifier",
    "FullBatchBCDRegressor",
]
