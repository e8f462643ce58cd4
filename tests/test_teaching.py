"""docs/teaching: every exercise has an answer, its code says what it prints, and plans add up."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from zeroone import cli

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "teaching"
TUTORIALS = ROOT / "tutorials"
PAGES = sorted(TUTORIALS.glob("[0-9][0-9]_*.py"))
DOCUMENTS = [*sorted(FOLDER.glob("*.md")), ROOT / "instructor" / "README.md"]
PLANS = ("ninety-minutes.md", "four-weeks.md")
MINUTES = 90
END = "---- end of a block ----"

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


def exercises(page):
    """Return the exercises of a page, in order; none if it has no such section."""
    _, found, section = page.read_text(encoding="utf-8").partition("# ## Exercises\n")
    if not found:
        return []
    lines = [line.removeprefix("#").removeprefix(" ") for line in section.splitlines()]
    parts = re.split(r"^(\d+)\. ", "\n".join(lines), flags=re.MULTILINE)[1:]
    assert [int(number) for number in parts[::2]] == list(range(1, len(parts) // 2 + 1))
    return parts[1::2]


WITH_EXERCISES = [page for page in PAGES if exercises(page)]
# Pages whose code takes long; tests/test_tutorials.py runs them as scripts in any case.
LONG = (
    "12_outliers_and_label_noise",
    "13_convolution_by_hand",
    "14_sparse_network",
    "15_without_a_gradient",
)
pages = pytest.mark.parametrize("page", WITH_EXERCISES, ids=lambda page: page.stem)


def answers(page):
    """Return the text of the answers to a page."""
    return (FOLDER / f"answers_{page.stem}.md").read_text(encoding="utf-8")


def plain(text):
    """Return a text without layout, and without what Markdown would not leave alone in formulas."""
    text = text.replace(r"\,", "").replace(r"\lt", "<").replace(r"\gt", ">")
    return re.sub(r"\s+", "", text)


# ------------------------------------------------------------------------------------------ answers


def test_only_the_page_on_notation_has_no_exercises():
    assert [page.stem for page in PAGES if page not in WITH_EXERCISES] == ["00_notation"]
    written = {path.name for path in FOLDER.glob("answers_*.md")}
    assert written == {f"answers_{page.stem}.md" for page in WITH_EXERCISES}


@pages
def test_every_exercise_has_an_answer_below_it(page):
    parts = re.split(r"^## Exercise (\d+)\n", answers(page), flags=re.MULTILINE)[1:]
    asked = exercises(page)
    assert [int(number) for number in parts[::2]] == list(range(1, len(asked) + 1))
    for exercise, part in zip(asked, parts[1::2], strict=True):
        quoted = re.match(r"\n((?:>[^\n]*\n)+)\n(.*)", part, re.DOTALL)
        assert plain(re.sub(r"^> ?", "", quoted[1], flags=re.MULTILINE)) == plain(exercise)
        assert len(quoted[2].split()) >= 5


@pages
def test_an_exercise_is_checked_unless_it_is_an_assignment(page):
    parts = re.split(r"^## Exercise \d+\n", answers(page), flags=re.MULTILINE)[1:]
    for exercise, part in zip(exercises(page), parts, strict=True):
        assert "```python" in part or "tutorials/assignments/" in exercise, exercise


def cells(page):
    """Return the code of a page, without its pictures and without what it asserts at the end."""
    source = page.read_text(encoding="utf-8").split("# ## What was shown\n")[0]
    parts = re.split(r"^# %%(.*)\n", source, flags=re.MULTILINE)
    code = [text for head, text in zip(parts[1::2], parts[2::2], strict=True) if not head.strip()]
    return [text for text in code if "plt.show()" not in text]


def blocks(page):
    """Return the code of the answers, with what it is said to print, None where nothing is said."""
    pattern = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?"
    return re.findall(pattern, answers(page), re.DOTALL | re.MULTILINE)


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


def is_said(printed, said):
    """Return whether a text was printed, numbers to within one unit of the fourth digit."""

    def words(text):
        return re.sub(r"\s+", "", NUMBER.sub("#", text))

    if words(printed) != words(said):
        return False
    for one, other in zip(NUMBER.findall(printed), NUMBER.findall(said), strict=True):
        # NumPy leaves out zeros at the end, and four digits are the most that answers print.
        digits = max(4, len(other.partition(".")[2]))
        if abs(float(one) - float(other)) > 1.01 * 10.0**-digits:
            return False
    return True


def test_numbers_are_compared_to_four_digits():
    assert is_said("[0.8  0.6001] True", "[0.8 0.6] True\n")
    assert not is_said("[0.8 0.6003] True", "[0.8 0.6] True")
    assert not is_said("[-0.8]", "[0.8]")
    assert not is_said("[1 1 0]", "[1 0 0]")
    assert not is_said("True", "False")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page.stem in LONG else [])
        for page in WITH_EXERCISES
    ],
)
def test_code_of_the_answers_prints_what_they_say(page, tmp_path):
    parts = [*cells(page), f"print({END!r})"]
    for code, _ in blocks(page):
        ast.parse(code)
        assert max(map(len, code.splitlines())) <= 100
        parts += [code, f"print({END!r})"]
    script = tmp_path / "answers.py"
    script.write_text("\n".join(parts), encoding="utf-8")
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    environment = {**os.environ, **threads, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=tmp_path, env=environment
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout.split(f"{END}\n")[1:-1]
    for (code, said), text in zip(blocks(page), printed, strict=True):
        assert is_said(text, said), f"{code}\nprinted\n{text}\ninstead of\n{said}"


# -------------------------------------------------------------------------------------------- plans


@pytest.mark.parametrize("name", PLANS)
def test_minutes_add_up(name):
    tables = re.findall(
        r"^\| min \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", (FOLDER / name).read_text(), re.M
    )
    assert len(tables) == {"ninety-minutes.md": 1, "four-weeks.md": 8}[name]
    for rows in tables:
        assert sum(int(re.match(r"\| (\d+) \|", row)[1]) for row in rows.splitlines()) == MINUTES


def test_the_plan_shows_every_slide_once_and_in_order():
    column = re.findall(r"^\| \d+ \| [^|]* \| ([\d, ]+) \|", (FOLDER / PLANS[0]).read_text(), re.M)
    shown = [int(number) for cell in column for number in cell.split(",")]
    slides = (FOLDER / "slides.md").read_text(encoding="utf-8")
    assert shown == list(range(1, len(re.findall(r"^##? ", slides, re.MULTILINE)) + 1))
    assert 15 <= len(shown) <= 25


# -------------------------------------------------------------------------------------- all of them


@documents
def test_links_lead_to_files_and_anchors(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        if anchor:
            text = file.read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
            assert f'<a id="{anchor}"></a>' in text or anchor in slugs, target


@documents
def test_commands_are_those_of_the_command_line(path):
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"`(zeroone [^`]+)`", text)
    found += re.findall(r"^(?:    |.*; do )(zeroone [^;\n]+)", text, re.MULTILINE)
    for command in found:
        words = shlex.split(command)[1:]
        if "--help" in words or words == ["slides", "--source"]:
            words = [word for word in words if word not in ("--help", "--source")]
            assert words[0] in {each.__name__.rpartition(".")[2].replace("_", "-")
                                for each in cli.COMMANDS}  # fmt: skip
            continue
        cli.build_parser().parse_args(words)


@documents
def test_inline_formulas_survive_markdown(path):
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]+`", "", text)
    for paragraph in text.split("\n\n"):
        assert paragraph.count("$") % 2 == 0, paragraph
    for formula in re.findall(r"\$([^$]+)\$", text):
        assert not re.search(r"\\[^a-zA-Z]|[*|<>\n]", formula), formula
    assert "$$" not in text


def test_the_index_names_every_document():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("*.md"):
        assert path.name == "README.md" or f"({path.name})" in text, path.name
