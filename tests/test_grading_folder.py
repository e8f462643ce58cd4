"""A folder of submissions: everyone is graded, and nobody at another's cost."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from grading_toy import CHECKS, LINUX, RIGHT, STARTER, WRONG, write_assignment
from terminal import run

from zeroone.grading import folder as folders
from zeroone.grading.overview import cell
from zeroone.grading.settings import parse
from zeroone.grading.submissions import normal_form, page_name, submissions
from zeroone.support.notebooks import plain

pytest.importorskip("hypothesis")

SHORT = "limits.import_seconds = 3\nlimits.call_seconds = 2\nlimits.shrink_seconds = 1\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a working folder with an assignment, settings, and a folder for submissions."""
    write_assignment(tmp_path / "09_toy")
    (tmp_path / "class").mkdir()
    (tmp_path / "short.toml").write_text(SHORT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hand_in(here, **sources):
    for name, source in sources.items():
        (here / "class" / f"{name}.py").write_text(source)


def grade(*options, csv_name="grades.csv"):
    """Grade the class, and return the rows by student and what was printed."""
    arguments = ("grade", "09_toy", "class", "--csv", csv_name, "--settings", "short.toml")
    status, out, err = run(*arguments, *options)
    assert (status, err) == (0, "")
    return rows(csv_name), out


def rows(path="grades.csv"):
    with open(path, newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


# ---- nobody at another's cost

BEHIND = RIGHT + "\ndef double(x):\n"
HOSTILE = {
    "exits": "import os\nos._exit(0)\n",
    "exits_later": BEHIND + "    import os\n    os._exit(0)\n",
    "crashes": "import ctypes\nctypes.string_at(0)\n",
    "crashes_later": BEHIND + "    import ctypes\n    ctypes.string_at(0)\n",
    "loops": "while True: pass\n",
    "loops_later": BEHIND + "    while True: pass\n",
    "takes_memory": BEHIND + "    return [x] * 10**10\n",
    "takes_memory_slowly": BEHIND + "    a = []\n    while True: a.append(bytearray(1 << 20))\n",
    "recurs": BEHIND + "    return double(x)\n",
    "recurs_deeper": "import sys\nsys.setrecursionlimit(10**9)\n"
    + BEHIND
    + "    return double(x)\n",
    "forks": BEHIND + "    import os\n    while True:\n        try: os.fork()\n"
    "        except OSError: return x\n",
    "prints": BEHIND + "    while True: print('x' * 1000)\n",
    "nests": "x = " + "(" * 90_000 + ")" * 90_000 + "\n",
    "kills": BEHIND + "    import os, signal\n    os.kill(os.getppid(), 9)\n"
    "    os.kill(-1, 9)\n    return x\n",
    "writes": BEHIND + "    open('/tmp/zeroone-was-here', 'w').write('x' * 10**9)\n    return x\n",
    "answers_for_others": BEHIND + "    import os\n"
    "    for n in range(3, 64):\n"
    "        try: os.write(n, b'{\"grade\": 1}\\n')\n"
    "        except OSError: pass\n"
    "    return x\n",
}


def test_what_one_submission_does_costs_no_other_anything(here):
    hand_in(here, **HOSTILE, aa_right=RIGHT, zz_right=RIGHT + "\n# also\n", zz_wrong=WRONG)
    graded, _ = grade("--workers", "2")
    assert set(graded) == {*HOSTILE, "aa_right", "zz_right", "zz_wrong"}
    for name, row in graded.items():
        assert row["of"] == "5"
        if name not in HOSTILE:
            assert row["total"] == ("2" if name == "zz_wrong" else "5")
        elif HOSTILE[name].startswith(BEHIND[:20]) or "recurs" in name:
            assert (row["(a) double"], row["(b) positive part"]) == ("0", "3"), name
        else:
            assert row["total"] == "0"
            assert row["note"]
    assert not os.path.exists("/tmp/zeroone-was-here")
    assert {path.stem for path in (here / "grades").glob("*.html")} == {*graded, "index"}


SPY = (
    RIGHT
    + """
import os
for path in {paths}:
    try:
        if os.path.isdir(path):
            print("SEEN", os.listdir(path))
        else:
            print("SEEN", open(path, "rb").read()[:20])
    except OSError as error:
        pass
print("looked")
"""
)


@pytest.mark.skipif(not LINUX, reason="confinement as on Linux")
def test_a_submission_sees_no_other_one_no_checks_and_no_grades(here):
    hand_in(here, anna=RIGHT)
    grade()
    paths = ["class", "class/anna.py", "09_toy/checks.py", "grades", "grades/records"]
    paths += ["grades/records/anna.json", "grades.csv", "short.toml"]
    for folder, _, _ in os.walk(here):
        os.chmod(folder, 0o755)
    hand_in(here, spy=SPY.format(paths=[str(here / path) for path in paths]))
    graded, out = grade()
    if "can be read" in out:
        pytest.skip("the system has no Landlock")
    assert graded["spy"]["total"] == "5"
    record = json.loads((here / "grades" / "records" / "spy.json").read_text())
    assert record["grade"]["printed"] == "looked\n"


KILLER = CHECKS.replace(
    "expected=lambda x: 2.0 * x,",
    "judge=lambda arguments, received: kill(arguments, received),",
).replace(
    "def arguments():",
    """
def kill(arguments, received):
    import os
    import time
    if received is None:
        os._exit(1)
    while isinstance(received, str):
        time.sleep(1)
    return None if np.array_equal(received, 2 * arguments["x"]) else "wrong"


def arguments():""",
)


def test_a_grader_that_ends_or_hangs_costs_its_submission_alone(here, monkeypatch):
    """As it may by a mistake in the checks, or for lack of memory."""
    monkeypatch.setattr(folders, "SPARE_SECONDS", 8.0)
    (here / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(here / "temporary"))
    (here / "09_toy" / "checks.py").write_text(KILLER)
    (here / "short.toml").write_text(SHORT + "limits.total_seconds = 1\n")
    kills, hangs = BEHIND + "    return None\n", BEHIND + "    return 'x'\n"
    hand_in(here, anna=RIGHT, kills=kills, hangs=hangs, zoe=RIGHT)
    options = ("--csv", "grades.csv", "--settings", "short.toml", "--workers", "2")
    status, out, _ = run("grade", "09_toy", "class", *options)
    assert status == 1
    graded = rows()
    assert [graded[name]["total"] for name in ("anna", "kills", "hangs", "zoe")] == [
        "5",
        "",
        "",
        "5",
    ]
    assert graded["kills"]["note"].startswith("not graded: the grader ended (exit status 1)")
    assert graded["hangs"]["note"].startswith("not graded: the grader took more than")
    assert "2 not graded" in out
    assert list((here / "temporary").iterdir()) == []
    assert {path.stem for path in (here / "grades").glob("*.html")} == {"anna", "zoe", "index"}
    # They are tried again, and the others are not.
    kept = {path.stem: path.stat().st_mtime_ns for path in (here / "grades/records").iterdir()}
    assert set(kept) == {"anna", "zoe"}
    hand_in(here, kills=RIGHT, hangs=WRONG)
    graded, _ = grade()
    assert [graded[name]["total"] for name in graded] == ["5", "2", "5", "5"]
    for name, time_ns in kept.items():
        assert (here / "grades/records" / f"{name}.json").stat().st_mtime_ns == time_ns


# ---- once, in any number, in any order


def test_the_number_of_workers_changes_nothing(here):
    hand_in(here, a=RIGHT, b=WRONG, c=STARTER, d="def f(:\n", e=RIGHT.replace("2.0", "3.0"), f="")
    (here / "class" / "g").mkdir()
    outputs = []
    for workers in (1, 2, 5):
        _, out = grade("--workers", workers, csv_name=f"{workers}.csv")
        pages = {
            path.name: path.read_text() for path in sorted((here / f"{workers}").glob("*.html"))
        }
        outputs.append((out.replace(f"{workers}.csv", "").replace(f"{workers}/", ""), pages))
        assert (here / f"{workers}.csv").read_text() == (here / "1.csv").read_text()
    assert outputs[0] == outputs[1] == outputs[2]


def graded_anew(here, monkeypatch):
    """Return the names of the submissions that the next grading puts to a grader."""
    asked = []
    ask = folders.Team.grade
    monkeypatch.setattr(
        folders.Team, "grade", lambda self, one: asked.append(one.student) or ask(self, one)
    )
    grade()
    monkeypatch.setattr(folders.Team, "grade", ask)
    return sorted(asked)


def test_what_has_changed_is_graded_anew_and_nothing_else(here, monkeypatch):
    hand_in(here, anna=RIGHT, ben=WRONG)
    assert graded_anew(here, monkeypatch) == ["anna", "ben"]
    assert graded_anew(here, monkeypatch) == []
    hand_in(here, ben=RIGHT + "\n", cleo=RIGHT)
    assert graded_anew(here, monkeypatch) == ["ben", "cleo"]
    (here / "short.toml").write_text(SHORT + "points.1 = 7\n")
    assert graded_anew(here, monkeypatch) == ["anna", "ben", "cleo"]
    assert rows()["ben"]["total"] == "10"
    with open(here / "09_toy" / "checks.py", "a") as file:
        file.write("# changed\n")
    assert graded_anew(here, monkeypatch) == ["anna", "ben", "cleo"]
    kept = here / "grades" / "records"
    for text in ("", "{", "[1]", "{}", "[" * 5000):
        (kept / "anna.json").write_text(text)
        assert graded_anew(here, monkeypatch) == ["anna"]
    for change in ({"results": []}, {"results": None}, {"printed": None, "seconds": "x"}):
        record = json.loads((kept / "anna.json").read_text())
        record["grade"] |= change
        (kept / "anna.json").write_text(json.dumps(record))
        assert graded_anew(here, monkeypatch) == ["anna"]
    (here / "class" / "anna.py").unlink()
    assert graded_anew(here, monkeypatch) == []
    assert set(rows()) == {"ben", "cleo"}


def processes(word):
    """Return the processes whose command has a word in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word in path.read_bytes():
                found.append(path.parent.name)
    return found


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_after_an_interruption_the_same_command_goes_on(here):
    hand_in(here, a_right=RIGHT, b_slow="import time\ntime.sleep(60)\n", c_right=RIGHT)
    (here / "short.toml").write_text(SHORT.replace("import_seconds = 3", "import_seconds = 70"))
    command = [sys.executable, "-m", "zeroone", "grade", "09_toy", "class", "--csv", "grades.csv"]
    started = subprocess.Popen(
        [*command, "--settings", "short.toml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    kept = here / "grades" / "records" / "a_right.json"
    while not kept.exists():
        assert started.poll() is None, started.communicate()
        time.sleep(0.05)
    time.sleep(1.0)
    started.send_signal(signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, out) == (130, "")
    said = "zeroone: 1 of 3 submissions are graded; the same command goes on with the rest\n"
    assert err == said + "zeroone: interrupted\n"
    assert not (here / "grades.csv").exists()
    deadline = time.monotonic() + 20
    while processes(os.fsencode(here)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes(os.fsencode(here)) == []
    before = kept.stat().st_mtime_ns
    hand_in(here, b_slow=RIGHT)
    assert {row["total"] for row in grade()[0].values()} == {"5"}
    # The time for the import has changed since.
    assert kept.stat().st_mtime_ns == before


# ---- whose, and which are the same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1\n", "x  =  1 # one\n\n\n"),
        ("def f(x):\n    return (x)\n", 'def f(x):\n  """Say."""\n\n  return (\n    x)\n'),
        ("x = 1\n", '"""Of it all."""\nx = 1\n'),
        ("x = 1\ny = 2\n", "x = 1\r\ny = 2\r\n"),
        ("if x:\n    'no'\n    y = 1", "if x:\n  y = 1\n"),
    ],
)
def test_layout_is_no_difference(one, other):
    assert normal_form(one.encode())
    assert normal_form(one.encode()) == normal_form(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1\n", "x = 2\n"),
        ("x = 1\n", "y = 1\n"),
        ("x = 'a b'\n", "x = 'a  b'\n"),
        ("if x:\n    y = 1\n    z = 2\n", "if x:\n    y = 1\nz = 2\n"),
        ("x = 1\ny = 2\n", "y = 2\nx = 1\n"),
        ("f('a')\n", "f()\n"),
    ],
)
def test_everything_else_is(one, other):
    assert normal_form(one.encode()) != normal_form(other.encode())


@pytest.mark.parametrize("nothing", [b"", b"\n\n", b"# no\n", b'"""No."""\n', b"'a'\n'b'\n"])
def test_a_file_with_nothing_in_it_has_an_empty_form(nothing):
    assert normal_form(nothing) == ""


@pytest.mark.parametrize("broken", [b"(", b"\xff\xfe", b"x = '''", b"  x\n y\n", b"\x00"])
def test_what_is_not_python_has_no_form_or_one_of_its_own(broken):
    assert normal_form(broken) != ""


def test_identical_submissions_are_marked_and_untouched_ones_are_not(here):
    hand_in(here, anna=RIGHT, ben=RIGHT, cleo="# mine\n" + RIGHT, dan=STARTER, eve="\n" + STARTER)
    hand_in(here, fay="", gus="# nothing\n", hal=WRONG, ian="def f(:\n", jan="def f(:\n")
    graded, out = grade()
    same = {name: row["identical to"] for name, row in graded.items() if row["identical to"]}
    layout = "but for comments, docstrings and layout"
    assert same == {
        "anna": f"every byte: ben; {layout}: cleo",
        "ben": f"every byte: anna; {layout}: cleo",
        "cleo": f"{layout}: anna, ben",
        "ian": "every byte: jan",
        "jan": "every byte: ian",
    }
    assert {name for name, row in graded.items() if "untouched" in row["note"]} == {"dan", "eve"}
    assert {name for name, row in graded.items() if "empty" in row["note"]} == {"fay", "gus"}
    assert f"anna, ben, cleo ({layout})\n    ian, jan (every byte)" in out
    assert f"anna, ben, cleo ({layout})" in (here / "grades" / "index.html").read_text()


def test_the_summary_has_the_commonest_failing_task_first(here):
    half = RIGHT.replace("2.0 * x", "1.0 * x")
    hand_in(here, a=RIGHT, b=WRONG, c=WRONG + "\n\n\nx = 1\n", d=half, e=STARTER, f="(")
    one_left = RIGHT.replace("return 2.0 * x", "raise NotImplementedError")
    hand_in(here, g=one_left)
    _, out = grade()
    assert "7 submissions, of which 5 count below (1 untouched, 1 with nothing that runs)" in out
    lines = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert ["(a) double", "1.2", "2", "3 (60 %)", "2 (40 %)", "1"] in lines
    assert ["(b) positive part", "1.8", "3", "3 (60 %)", "2 (40 %)"] in lines
    hand_in(here, g=WRONG + "\ny = 2\n")
    _, out = grade()
    assert out.index("(b) positive part") < out.index("(a) double")
    assert "mean 2.8 of 5 points" in out


NASTY_NAMES = [
    "=HYPERLINK(1)",
    "@x",
    "-1+1",
    "a;=1+1",
    "<script>alert(1)<script>",
    "new\nline",
    "tab\t=1",
    "..x",
    "Anna",
    "anna",
    "index",
    "con",
    "x" * 200,
    "..",
    'quote"s',
    "\u202ebackwards",
    "amp&amp;",
]


@pytest.mark.skipif(os.name == "nt", reason="names that Windows does not take")
def test_names_are_harmless(here):
    for name in NASTY_NAMES:
        (here / "class" / f"{name}.py").write_text(RIGHT)
    with contextlib.suppress(OSError), open(os.fsencode(here) + b"/class/\xff\xfe.py", "w") as file:
        file.write(RIGHT)
    _, out = grade()
    inside = {path.resolve().parent for path in (here / "grades").rglob("*")}
    assert inside == {here.resolve() / "grades", here.resolve() / "grades" / "records"}
    n_submissions = len(list((here / "class").iterdir())) - 2  # ..x.py and ...py are hidden
    pages = list((here / "grades").glob("*.html"))
    assert len(pages) == n_submissions + 1
    assert len({path.name.lower() for path in pages}) == len(pages)
    for path in pages:
        tree = ET.fromstring(path.read_text().replace("<!DOCTYPE html>\n", ""))
        assert "script" not in {element.tag for element in tree.iter()}
        for link in tree.iter("a"):
            target = link.attrib["href"]
            assert target.startswith("#") or (here / "grades" / target).is_file()
    text = (here / "grades.csv").read_text()
    assert len(text.splitlines()) == n_submissions + 1
    for row in rows().values():
        for content in row.values():
            assert not re.match(r"\s*[=+\-@]", content)
            assert not re.search(r"[;\t,]\s*[=+\-@]", content)
    assert "\u202e" not in text + out


@pytest.mark.parametrize(
    ("words", "harmless"),
    [
        ("=1", "'=1"),
        (" =1", "'=1"),
        ("\n\t+1", "'+1"),
        ("a, -b", "a, '-b"),
        ("a;@b|c", "a;'@b|c"),
        ("\uff1d1", "'\uff1d1"),
        ("a = b - c", "a = b - c"),
        ("==1", "'==1"),
    ],
)
def test_no_cell_is_a_formula(words, harmless):
    assert cell(words) == harmless


@pytest.mark.skipif(os.name == "nt", reason="no such files on Windows")
def test_what_is_no_file_is_said_and_not_read(here):
    secret = here / "secret.py"
    secret.write_text(RIGHT)
    there = here / "class"
    (there / "link.py").symlink_to(secret)
    (there / "nowhere.py").symlink_to(here / "gone.py")
    (there / "folder_link").symlink_to(here)
    os.mkfifo(there / "fifo.py")
    (there / "large.py").write_bytes(b"#" * (2 << 20))
    (there / "empty").mkdir()
    (there / "inner").mkdir()
    (there / "inner" / "student.py").symlink_to(secret)
    (there / "pipe").mkdir()
    os.mkfifo(there / "pipe" / "student.py")
    (there / "notes.txt").write_text("mine")
    (there / ".hidden.py").write_text(RIGHT)
    (there / "__MACOSX").mkdir()
    graded, out = grade()
    assert {row["total"] for row in graded.values()} == {"0"}
    reasons = {
        "link": "it is a link, which is not followed",
        "nowhere": "it is a link, which is not followed",
        "folder_link": "it is a link, which is not followed",
        "fifo": "it is not an ordinary file",
        "large": "the file has more than 1024 kB",
        "empty": "no submission found: there is no Python file",
        "inner": "no submission found",
        "pipe": "no submission found",
    }
    assert set(graded) == set(reasons)
    for name, reason in reasons.items():
        assert graded[name]["note"].startswith(reason)
    left_out = "Left out (hidden, or neither a Python file nor a folder)"
    assert f"{left_out}: .hidden.py, __MACOSX, notes.txt" in out


def test_a_students_folder_is_searched_for_the_file(here):
    there = here / "class"
    for name, files in {
        "only": {"anything.py": RIGHT},
        "starter": {"starter.py": RIGHT, "search.py": WRONG},
        "student": {"student.py": RIGHT, "starter.py": STARTER},
        "named": {"09_toy.py": RIGHT, "other.py": WRONG},
        "short": {"toy.py": RIGHT, "other.py": WRONG},
        "several": {"a.py": RIGHT, "b.py": RIGHT},
        "nested": {"09_toy/starter.py": RIGHT, "09_toy/plot.py": WRONG, "09_toy/handout.md": ""},
        "too_deep": {"a/b/starter.py": RIGHT},
    }.items():
        for path, source in files.items():
            (there / name / path).parent.mkdir(parents=True, exist_ok=True)
            (there / name / path).write_text(source)
    graded, _ = grade()
    none = {name for name, row in graded.items() if row["total"] == "0"}
    assert none == {"several", "too_deep"}
    assert {row["total"] for name, row in graded.items() if name not in none} == {"5"}
    assert graded["nested"]["file"] == "starter.py"


def test_notebooks_are_submissions(here):
    hand_in(here, ana=RIGHT)
    folder = here / "class"
    right = plain([("markdown", "My answers"), ("code", "%matplotlib inline"), ("code", RIGHT)])
    (folder / "ben.ipynb").write_text(right)
    (folder / "cem.ipynb").write_text('{"cells": 3}')
    (folder / "dee").mkdir()
    (folder / "dee" / "mine.ipynb").write_text(plain([("code", WRONG)]))
    found, _ = grade()
    assert {name: row["file"] for name, row in found.items()} == {
        "ana": "ana.py",
        "ben": "ben.ipynb",
        "cem": "",
        "dee": "mine.ipynb",
    }
    assert [float(found[name]["total"]) for name in ("ana", "ben", "cem", "dee")] == [5, 5, 0, 2]
    assert "must be a Jupyter notebook" in found["cem"]["note"]


def test_a_file_and_a_folder_of_one_name_are_two(here):
    hand_in(here, anna=RIGHT)
    (here / "class" / "anna").mkdir()
    (here / "class" / "anna" / "student.py").write_text(WRONG)
    found, _ = submissions(here / "class", parse(""), "09_toy")
    assert [one.source for one in found] == [WRONG.encode(), RIGHT.encode()]
    assert len({one.page for one in found}) == 2
    _, out = grade()
    assert out.count("anna: another name differs") == 2


def test_names_of_pages_do_not_depend_on_others():
    assert page_name("anna.py", "anna") == "anna"
    numbered = page_name("Anna.py", "Anna")
    assert re.fullmatch(r"Anna-[0-9a-f]{10}", numbered)
    # Who takes such a name gets another number.
    assert page_name(f"{numbered.lower()}.py", numbered.lower()) != numbered.lower()
    for name in ("index", "con", "nul.x", "a.", "", "\u00e9", "x" * 500, "../x", "a b"):
        made = page_name(name, name)
        assert made != name
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}-[0-9a-f]{10}", made)


# ---- what the instructor gets wrong


def test_mistakes_are_refused_before_anything_is_graded(here):
    (here / "other").mkdir()
    (here / "other" / "mine.txt").write_text("mine")
    (here / "void").mkdir()
    hand_in(here, anna=RIGHT)
    before = {path for path in here.rglob("*") if "__pycache__" not in path.parts}
    for arguments, message in [
        (["class/anna.py", "--csv", "g.csv"], "must be a folder of submissions"),
        (["class", "--csv", "g.txt"], "csv must end in .csv"),
        (["class", "--csv", "class.csv"], "to must be outside of the folder of submissions"),
        (["class", "--csv", "class/g.csv"], "csv must be outside of the folder of submissions"),
        (["class", "--csv", "g.csv", "--to", "class/g"], "to must be outside"),
        (["class", "--csv", "g.csv", "--to", "other"], "but other is another"),
        (["class", "--csv", "g.csv", "--to", "short.toml"], "short.toml is none"),
        (["class", "--csv", "g.csv", "--to", "no/g"], "but no does not"),
        (["class", "--csv", "no/g.csv"], "the folder no does not exist"),
        (["class", "--csv", "g.csv", "--workers", "0"], "workers must be an integer >= 1"),
        (["class", "--csv", "g.csv", "--workers", "9999"], "workers must be an integer <= 256"),
        (["class", "--csv", "g.csv", "--json", "x"], "json does not go with --csv"),
        (["class", "--csv", "g.csv", "--late", "1"], "late does not go with --csv"),
        (["class", "--workers", "2"], "workers goes with --csv only"),
        (["class", "--to", "x"], "to goes with --csv only"),
        (["--pack", "--csv", "g.csv"], "csv does not go with --pack"),
        (["void", "--csv", "g.csv"], "but there is none"),
    ]:
        status, out, err = run("grade", "09_toy", *arguments)
        assert (status, out, err.count("\n")) == (2, "", 1), arguments
        assert message in err
    assert {path for path in here.rglob("*") if "__pycache__" not in path.parts} == before


@pytest.mark.skipif(not LINUX, reason="modes as on Linux")
def test_pages_and_records_are_for_the_instructor_alone(here):
    hand_in(here, anna=RIGHT)
    grade()
    assert (here / "grades").stat().st_mode & 0o077 == 0
    assert (here / "grades" / "records").stat().st_mode & 0o077 == 0


def test_a_students_file_is_not_imported_by_the_grader(here):
    """Whoever grades in the folder of submissions has them where Python looks for modules."""
    evil = f"open({str(here / 'was_here')!r}, 'w').write('x')\n"
    for name in ("hypothesis", "json", "base64", "numpy", "colleague", "encodings", "random"):
        hand_in(here, **{name: evil})
    for arguments in (["."], ["random.py"]):
        options = ["--csv", str(here / "g.csv")] if arguments == ["."] else []
        subprocess.run(
            [
                sys.executable,
                "-P",
                "-c",
                "import sys; from zeroone.cli import main; sys.path.insert(0, ''); "
                "sys.exit(main(sys.argv[1:]))",
                *("grade", str(here / "09_toy"), *arguments, *options),
            ],
            check=True,
            capture_output=True,
            cwd=here / "class",
        )
    assert not (here / "was_here").exists()
