"""With ``show_input = false`` no output has an input, whatever a submission does to tell it."""

import contextlib
import io
import json
from html import escape

import pytest
from grading_toy import CHECKS, HONEST, TOOLS, write_assignment

from zeroone.cli import main
from zeroone.grading.trial import Failure

pytest.importorskip("hypothesis")

# A number that no output has for another reason, and its parts in the words of a submission.
MARKER = 739154.0
SECRET_CHECKS = CHECKS.replace(
    "examples=20,", f"explicit=({{'x': np.array([{MARKER}])}},), examples=5,"
).replace("st.integers(-4, 4)", f"st.just({MARKER})")

# How a function may try to tell what its argument was.
WAYS = {
    "prints it": "print('saw', x)\n    return x",
    "raises it": "raise ValueError(f'saw {x}')",
    "raises it by name": "raise type(f'saw{int(x[0])}', (Exception,), {})",
    "raises it as unwritten": "raise NotImplementedError(f'saw {x}')",
    "raises it from a line": "exec(compile('\\n' * int(x[0] - 1) + '1/0', __file__, 'exec'))",
    "raises it from a cause": "try: float(f'saw {x}')\n    except ValueError as e:"
    " raise KeyError(e) from e",
    "returns it": "return 3.5 * x / 3.5 + 0.25",
    "returns it as text": "return f'saw {x}'",
    "returns its name": "return type(f'saw{int(x[0])}', (), {})()",
    "returns its shape": "return np.zeros(int(x[0]))",
    "returns a dtype": "return np.array([x], dtype=[(f'saw{int(x[0])}', float)])",
    "returns another the second time": "global n\n    n = globals().get('n', 0) + 1\n"
    "    return 2.0 * x if n == 1 else x + n",
    "changes it": "x += 0.5\n    return x",
    "ends with it": "os._exit(int(x[0]) % 256)",
    "says there is no function": "shout(frame({'outcome': 'missing', 'nonce': nonce(),"
    " 'message': f'saw {x}'}))\n    return x",
    "says there was another error": "shout(frame({'outcome': 'exception', 'nonce': nonce(),"
    " 'type': f'saw {x}', 'message': f'{x}', 'line': int(x[0])}))\n    return x",
    "says there is another answer": "shout(frame({'outcome': 'unsupported', 'nonce': nonce(),"
    " 'message': f'saw {x}'}))\n    return x",
    "writes it to the grader": "shout(repr(x).encode())\n    return x",
    "warns of it": "import warnings\n    warnings.warn(f'saw {x}')\n    return x",
    "prints it as it ends": "sys.stderr.write(f'saw {x}'); sys.stderr.flush(); os._exit(1)",
}


def submission(way):
    return (
        TOOLS + HONEST + f"\ndef double(x):\n    {WAYS[way]}\n\ndef positive(x):\n    {WAYS[way]}\n"
    )


def outputs(folder, way, settings):
    """Grade a submission alone and in a folder, and return all that is written, by name."""
    write_assignment(folder / "09_toy")
    (folder / "09_toy" / "checks.py").write_text(SECRET_CHECKS)
    (folder / "class").mkdir()
    (folder / "class" / "student.py").write_text(submission(way))
    (folder / "s.toml").write_text(settings + "\nlimits.shrink_seconds = 0.1\n")
    alone = ["class/student.py", "--json", "r.json", "--html", "f.html"]
    told = {}
    for name, options in (("alone", alone), ("class", ["class", "--csv", "g.csv"])):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            assert main(["grade", "09_toy", *options, "--settings", "s.toml"]) == 0
        told[name] = out.getvalue() + err.getvalue()
    for name in ("r.json", "f.html", "g.csv", "g/index.html", "g/student.html"):
        told[name] = (folder / name).read_text()
    told["record"] = (folder / "g" / "records" / "student.json").read_text()
    return told


@pytest.mark.parametrize("way", WAYS)
def test_no_output_has_an_input_that_is_not_to_be_shown(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    told = outputs(tmp_path, way, "gradescope.show_input = false")
    assert {name for name, text in told.items() if "739154" in text} == set()
    assert {name for name, text in told.items() if "saw" in without_source(text, way)} == set()
    assert {name for name, text in told.items() if "1478308" in text} == set()
    assert json.loads(told["r.json"])["score"] < 5
    assert "exit status" not in "".join(told.values())


def without_source(text, way):
    """Return a text without the submission's own lines, which hold no input."""
    for line in submission(way).splitlines():
        line = line.strip()[:100]
        for shown in (line, escape(line), json.dumps(line)[1:-1]):
            text = text.replace(shown, "") if shown else text
    return text


@pytest.mark.parametrize(
    "way", ["prints it", "raises it", "returns it", "says there is no function"]
)
def test_what_is_shown_by_default_would_be_found(tmp_path, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    told = outputs(tmp_path, way, "")
    found = {name for name, text in told.items() if "739154" in text}
    assert found == {"alone", "r.json", "f.html", "g/student.html", "record"}


def test_a_failure_without_its_input_has_nothing_of_it():
    full = Failure("saw 1", "x = 1", "2", "3", 5, True, False, without="")
    assert full.without_input() == Failure("wrong for some input", answered=True)
    final = Failure("saw 1", final=True, unwritten=True, without="not there")
    assert final.without_input() == Failure("not there", final=True, unwritten=True)
