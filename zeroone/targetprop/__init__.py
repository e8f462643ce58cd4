"""Learning by targets: each hidden unit gets one for every sample, and is then a perceptron."""

from zeroone.targetprop.options import TargetOptions
from zeroone.targetprop.solver import DivergenceError, TargetState, iterate

__all__ = ["DivergenceError", "TargetOptions", "TargetState", "iterate"]
