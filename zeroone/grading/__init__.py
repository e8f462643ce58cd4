"""Grading of classroom assignments: a student's program runs apart, the answers are compared here.

`load` finds an assignment and `grade` grades a file:

    from zeroone.grading import grade, load
    result = grade(load("01"), "student.py")
    print(result.score, "of", result.maximum)

It needs the extra ``classroom`` (``pip install 'zeroone-nets[classroom]'``).

======================= ====================================================================
`assignment`            a folder with ``checks.py``, and the tasks in it
`drawing`               numbers for inputs, the simplest first
`settings`              the instructor's TOML file
`grader`                grades a submission
`search`, `trial`       the simplest failing input; one question and its answer
`compare`               is an answer right, and how is that said
`sandbox`, `process`    the student's process, seen from the grader
`wire`                  what travels between the two
`supervisor`, `worker`  in the student's process
`confinement`           what the student's process may not do
`report`                a grade as text, as a page, and for Gradescope
`pack`                  an autograder for Gradescope
`submissions`           a folder of them: whose, and which are the same
`folder`, `colleague`   several graders share a folder
`records`, `overview`   grades that are kept; those of a class
======================= ====================================================================
"""

from zeroone.grading.assignment import Arguments, Assignment, Task, load
from zeroone.grading.drawing import simple
from zeroone.grading.grader import Grade, Result, grade
from zeroone.grading.process import Supervisor
from zeroone.grading.sandbox import Limits
from zeroone.grading.settings import Late, Settings, load_settings
from zeroone.grading.trial import Failure
from zeroone.grading.wire import Seed

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
    "simple",
]
