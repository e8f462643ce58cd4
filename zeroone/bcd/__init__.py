"""Block coordinate descent for 0/1 MLPs: each block has a closed form, none needs a gradient."""

from zeroone.bcd.minibatch import iterate as iterate_batches
from zeroone.bcd.objective import State
from zeroone.bcd.options import BatchOptions, Options
from zeroone.bcd.solver import iterate, network

__all__ = ["BatchOptions", "Options", "State", "iterate", "iterate_batches", "network"]
