"""Grading of classroom assignments: a student's program runs apart, the answers are compared here.

`load` finds an assignment and `grade` grades a file:

    from zeroone.grading import grade, load
    result = grade(load("01"), "student.py")
    print(result.score, "of", result.maximum)

It needs the extra ``classroom`` (``pip install 'zeroone[classroom]'``).

========================= =====================================================================
`task`                    what an assignment's ``checks.py`` is made of
`assignment`, `settings`  where an assignment is; the instructor's TOML file
`grader`                  grades a submission
`search`, `trial`         the smallest failing input; one question and its answer
`compare`, `show`         is an answer right; values in readable form
`sandbox`, `process`,     the student's process, seen from the grader
`launch`
`wire`                    what travels between the two
`supervisor`, `worker`,   in the student's process
`confinement`,
`system_calls`
`results`, `page`, `pack` results for Gradescope, for people, and an autograder for Gradescope
========================= =====================================================================
"""

from zeroone.grading.assignment import Assignment, load
from zeroone.grading.grader import Grade, Result, grade
from zeroone.grading.launch import Supervisor
from zeroone.grading.sandbox import Limits
from zeroone.grading.settings import Late, Settings, load_settings
from zeroone.grading.task import Arguments, Seed, Task
from zeroone.grading.trial import Failure

__all__ = [
    "Arguments",
    "Assignment",
    "Failure",
    "Grade",
    "Late",
    "Limits",
    "Result",
    "Seed",
    "Settings",
    "Supervisor",
    "Task",
    "grade",
    "load",
    "load_settings",
]
