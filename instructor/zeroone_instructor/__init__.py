"""Solutions to the classroom assignments, apart from the package that students install.

The folder ``solutions`` has one folder for each assignment: ``solution.py`` as a student would
write it, in NumPy alone, and ``reference.py``, the package's own functions under the names that
the assignment asks for. ``zeroone assignment solution`` finds them here.
"""
