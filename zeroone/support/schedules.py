"""Coefficients that change from sweep to sweep."""

from collections.abc import Callable

from zeroone.support.validation import check_number

Schedule = float | tuple[float, float] | Callable[[int, int], float]


def schedule_value(name: str, schedule: Schedule, sweep: int, sweeps: int) -> float:
    """Return the value of a schedule in one sweep.

    Parameters
    ----------
    name : str
        The coefficient's name, for the message.
    schedule : float, pair of float, or callable
        A constant; the first and the last value, with a geometric path between them; or a function
        of the sweep (from 1) and of the number of sweeps.
    sweep, sweeps : int
        The present sweep, from 1, and their number.

    Returns
    -------
    float
        With a pair (first, last): first * (last/first)^((sweep - 1)/(sweeps - 1)).

    Raises
    ------
    ValueError
        If a value is not a finite positive number.
    """
    if callable(schedule):
        return check_number(name, schedule(sweep, sweeps), strict=True)
    if isinstance(schedule, tuple | list):
        if len(schedule) != 2:
            raise ValueError(f"{name} must be a number or a pair (first, last), but is {schedule}")
        first, last = (check_number(name, value, strict=True) for value in schedule)
        return first * (last / first) ** ((sweep - 1) / max(sweeps - 1, 1))
    return check_number(name, schedule, strict=True)
