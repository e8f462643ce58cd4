"""Block coordinate descent for 0/1 MLPs: each block has a closed form, none needs a gradient."""

from zeroone.bcd.full_batch import Options, iterate, network
from zeroone.bcd.mini_batch import BatchOptions
from zeroone.bcd.mini_batch import iterate as iterate_batches
from zeroone.bcd.objective import State

__all__ = ["BatchOptions", "Options", "State", "iterate", "iterate_batches", "network"]
