"""What the README says is so: its quick start, its commands."""

import contextlib
import io
import re
import tomllib
from pathlib import Path

import pytest

from zeroone.cli import build_parser

README = Path(__file__).parent.parent / "README.md"
PROJECT = README.parent / "pyproject.toml"


@pytest.fixture(scope="module")
def text():
    return README.read_text(encoding="utf-8")


def test_quick_start_prints_what_is_stated(text):
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL).group(1)
    stated = re.search(r"prints\n\n```text\n(.*?)```", text, re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "README.md", "exec"), {})
    assert output.getvalue() == stated


def test_commands_exist(text):
    commands = re.findall(r"^    zeroone (.+)$", text, re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        options = build_parser().parse_args(command.split())
        assert callable(options.run)


def test_links_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (README.parent / target.partition("#")[0]).exists(), target


def test_the_site_has_one_address(text):
    """It stands under [project.urls]; the README names it once, and no other address."""
    urls = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["urls"]
    assert re.findall(r"https?://[^\s>)`]+", text) == [urls["Documentation"]]


def test_newcomers_come_first(text):
    """Commands, something to look at and something to read stand above the first table."""
    table = text.index("\n|---")
    for first in ("pip install .", "zeroone play bcd --html", "01_step_unit"):
        assert text.index(first) < table, first


def test_nothing_is_left_to_fill_in(text):
    assert "@@" not in text
