"""Blocks of rows: how large arrays are gone through without temporary copies of all of them."""

# Rows of a matrix that are handled at a time where a temporary of the matrix's size can be avoided:
# at a few hundred columns a block of float32 stays in the second-level cache.
ROWS = 1024


def row_blocks(n_rows: int, size: int = ROWS) -> list[slice]:
    """Return the slices which cut `n_rows` rows into blocks of at most `size`."""
    return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]
