"""What holds for all tests: one thread for linear algebra in each worker, no test of speed."""

import os
import signal

# Before anything imports NumPy: pytest-xdist runs a worker on each core, and libraries of linear
# algebra that take all cores for themselves would only make them wait for each other.
for variable in (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
):
    os.environ.setdefault(variable, "1")

from hypothesis import settings  # noqa: E402

# What is started in the background may have been told to ignore Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No example is too slow, whatever else the machine does. The examples are the same in every run;
# `pytest --hypothesis-profile new` looks for others.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None)
settings.load_profile("same")
