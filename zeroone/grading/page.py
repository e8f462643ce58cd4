"""Feedback as one page to read or print: no script, no other file, no connection.

Whatever comes from a student's program is escaped, control characters included.
"""

from collections.abc import Iterator
from html import escape

import zeroone
from zeroone.grading.grader import Grade, Result
from zeroone.grading.results import feedback, outcome, summary

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff;
  max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: 0; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; border-bottom: 1px solid #999; }
h3 { font-size: 1.05rem; margin: 0 0 .3rem; }
.score { font-size: 1.15rem; font-weight: 600; }
.failed { color: #a33c00; font-weight: 700; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #ccc;
  vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #666; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tfoot td { border-bottom: none; border-top: 2px solid #666; font-weight: 600; }
section.task { border-left: 6px double #a33c00; padding: .2rem 0 .2rem 1rem; margin: 1.2rem 0; }
dl { margin: .4rem 0; }
dt { color: #444; margin-top: .4rem; }
dd { margin: 0; overflow-wrap: anywhere; }
pre { font: .85rem/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  background: #f4f4f4; padding: .4rem .6rem; margin: .2rem 0; }
footer { margin-top: 2.5rem; color: #444; font-size: .9rem; }
@media print {
  @page { margin: 12mm 15mm; }
  body { font-size: 9.5pt; max-width: none; margin: 0; padding: 0; }
  pre { border: 1px solid #bbb; }
  section.task, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""


def rows(grade: Grade) -> Iterator[str]:
    """Yield the rows of the table of tasks."""
    for number, result in enumerate(grade.results, 1):
        name = escape(result.task.name)
        if result.failure is not None and grade.problem is None:
            name = f'<a href="#task-{number}">{name}</a>'
        style = "" if result.passed else ' class="failed"'
        yield (
            f'<tr><td>{name}</td><td class="number">{result.score:g}</td>'
            f'<td class="number">{result.points:g}</td><td{style}>{outcome(result)}</td></tr>\n'
        )


def failed_task(number: int, result: Result, *, show_input: bool) -> str:
    """Return the section of a task that failed."""
    failure = result.failure
    assert failure is not None
    if failure.final or not show_input:
        facts = [("what is wrong", paragraphs(feedback(result, show_input=show_input)))]
    else:
        facts = [
            ("what is wrong", escape(failure.reason)),
            ("smallest input found for which it fails", preformatted(failure.arguments)),
            ("what came", preformatted(failure.received)),
            ("what was expected", preformatted(failure.expected)),
            ("hint", escape(result.task.hint)),
        ]
    described = "\n".join(
        f"<dt>{name}</dt><dd>{content}</dd>" for name, content in facts if content
    )
    return (
        f'<section class="task" id="task-{number}">\n<h3>{escape(result.task.name)}</h3>\n'
        f"<dl>\n{described}\n</dl>\n</section>\n"
    )


def preformatted(content: str) -> str:
    """Return text in which every space counts; nothing if there is none."""
    return f"<pre>{escape(content)}</pre>" if content else ""


def paragraphs(content: str) -> str:
    """Return text whose line breaks are kept."""
    return "<br/>".join(escape(line) for line in content.split("\n"))


def page(grade: Grade) -> Iterator[str]:
    """Yield the page in pieces.

    Parameters
    ----------
    grade : Grade

    Yields
    ------
    str
    """
    title = escape(grade.assignment.title)
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{title}: feedback</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{title}</h1>\n<p>{escape(grade.submission)}</p>\n"
        f'<p class="score">{grade.score:g} of {grade.maximum:g} points</p>\n'
    )
    if summary(grade):
        yield f"<p>{paragraphs(summary(grade))}</p>\n"
    yield (
        '<table>\n<thead><tr><th>task</th><th class="number">points</th>'
        '<th class="number">of</th><th>result</th></tr></thead>\n<tbody>\n'
    )
    yield from rows(grade)
    yield (
        f'</tbody>\n<tfoot><tr><td>total</td><td class="number">{grade.earned:g}</td>'
        f'<td class="number">{grade.maximum:g}</td><td></td></tr></tfoot>\n</table>\n'
    )
    failed = [
        failed_task(number, result, show_input=grade.settings.gradescope.show_input)
        for number, result in enumerate(grade.results, 1)
        if not result.passed
    ]
    if failed and grade.problem is None:
        yield "<h2>What failed</h2>\n"
        yield from failed
    if grade.printed.strip():
        yield f"<h2>What the program printed</h2>\n{preformatted(grade.printed.rstrip())}\n"
    notes = f"Graded by zeroone {escape(zeroone.__version__)}."
    if grade.not_in_force:
        notes += " Not prevented on that system: " + escape("; ".join(grade.not_in_force)) + "."
    yield f"<footer>{notes}</footer>\n</body>\n</html>\n"
