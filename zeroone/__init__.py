"""Neural nets of 0/1 step units in plain NumPy, trained without a gradient; theory checked."""

__version__ = "0.1.0"
