"""Absurd values of every numeric option of every command, through the real command line.

Each of them ends within seconds, with exit status 0 or 2, at most one line on standard error, no
traceback and no warning. The cases come from the parser, so that a new option is tried as well.
"""

import argparse
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from zeroone.cli import build_parser
from zeroone.commands.methods import METHODS, OPTIONS, owners

VALUES = ("1e308", "-1e308", "-1", "0", "nan", "inf", "1" + "0" * 400, "9" * 5000, "")
LARGEST = "1" + "0" * 15
# Numbers of things that are made one after the other: a billion of them take a while, and may.
COUNTS = ("--epochs", "--passes", "--seeds", "--n-iter", "--cases", "--starts", "--shift")
SECONDS = 60

# Arguments with which a command has little to do.
SMALL = {
    "train": "--data data.npz --epochs 1 --hidden 3",
    "evaluate": "model.npz --data data.npz",
    "prune": "model.npz --data data.npz",
    "explain": "--data data.npz --hidden 3 --samples 10",
    "compare": "--data data.npz --methods bcd --hidden 3 --seconds 0.01 --seeds 1 --units 1",
    "optimality-gap": "--problems xor --methods bcd --seeds 1",
    "rvscgd": "--d 10 --k 4 --n-iter 20",
    "sweep": "--d 10 --k 4 --grid 2 --starts 2 --n-iter 3",
    "gaussian2": "--d 3 --k 4 --runs 2 --n-iter 3",
    "verify": "--only bcd.compress --cases 2",
    "tutorials": "--list",
    "assignment": "start forward",
    "grade": "forward forward/starter.py",
    "figures": "step_and_pseudo_derivatives --quick --to figures",
    "slides": "--html slides.html",
    "play bcd": "--data data.npz --hidden 3 --samples 10 --steps 9 --html page.html",
    "play rvscgd": "--n-iter 20 --steps 9 --html page.html",
    "play ftprop": "--data data.npz --hidden 3 --samples 10 --steps 9 --html page.html",
    "play coarse": "--n-iter 20 --steps 9 --html page.html",
}

# One process imports everything once; each case is a process forked from it, as if just started.
DRIVER = """
import json, os, runpy, signal, sys, time, traceback
import matplotlib.figure, scipy.optimize, zeroone.cli, zeroone.plots.training

def case(arguments, out, err):
    os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.argv = ["zeroone", *arguments]
    status = 0
    try:
        runpy.run_module("zeroone", run_name="__main__")
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(status)

results = []
for arguments in json.load(sys.stdin):
    child = os.fork()
    if not child:
        case(arguments, "out", "err")
    end, found = time.monotonic() + SECONDS, 0
    while not found and time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        time.sleep(0.002)
    if not found:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status) if found else "too slow"
    results.append([code, open("out").read(), open("err").read()])
json.dump(results, sys.stdout)
"""


def run_all(folder, cases):
    """Return (status, standard output, standard error) of each case, one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.replace("SECONDS", str(SECONDS))],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "MPLCONFIGDIR": str(folder)},
        check=True,
    )
    return json.loads(done.stdout)


def subcommands(parser):
    """Return the parsers of a parser's commands by name."""
    (subparsers,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    return subparsers.choices


def commands():
    """Return the parsers of the commands by name, each algorithm of ``play`` as one of its own."""
    found = dict(subcommands(build_parser()))
    played = subcommands(found.pop("play"))
    return found | {f"play {name}": parser for name, parser in played.items()}


def base(command, flag):
    """Return the arguments that make an option matter."""
    arguments = [*command.split(), *SMALL[command].split()]
    if command == "prune" and flag != "--keep" and flag != "--max-loss":
        arguments += ["--keep", "2"]
    if command == "train":
        parameter = {name: parameter for name, parameter, _, _ in OPTIONS}.get(flag)
        if parameter is not None:
            method = owners(parameter)[0]
            arguments += ["--method", method]
            forms = METHODS[method].forms_with(parameter)
            if forms:
                arguments += ["--form", forms[0]]
            if flag == "--levels":
                arguments += ["--activation", "staircase"]
    if flag == "--a":
        arguments += ["--penalty", "tl1"]
    return arguments


def cases_of(command):
    """Return the absurd command lines of a command."""
    found = []
    for action in commands()[command]._actions:
        if action.type is None or not action.option_strings:
            continue
        flag = action.option_strings[-1]
        values = VALUES if flag in COUNTS else (*VALUES, LARGEST)
        found += [[*base(command, flag), f"{flag}={value}"] for value in values]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a small data set, a model of it and an assignment."""
    folder = tmp_path_factory.mktemp("absurd")
    (folder / "forward").mkdir()
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 4)), np.arange(30) % 3
    np.savez(folder / "data.npz", X_train=X, y_train=y, X_test=X[:9], y_test=y[:9])
    made = run_all(
        folder,
        [
            ["train", "--data", "data.npz", "--epochs", "1", "--hidden", "3", "--save=model.npz"],
            ["assignment", "start", "forward", "--to", "forward"],
        ],
    )
    assert [status for status, _, _ in made] == [0, 0], made
    return folder


def complaint(result):
    """Return what is wrong with how a command ended, or nothing."""
    status, _, error = result
    lines = error.splitlines()
    if status not in (0, 2):
        return f"status {status}"
    if len(lines) > 1 or (status == 2 and not lines):
        return f"{len(lines)} lines on standard error"
    if any(word in error for word in ("Traceback", "Warning", "Error:")):
        return "a traceback or a warning"
    if status == 2 and (len(error) > 1000 or ": error: " not in error):
        return "not a short message"
    return ""


@pytest.mark.parametrize("command", [name for name in SMALL if cases_of(name)])
def test_absurd_numbers_end_in_one_line(command, folder):
    cases = cases_of(command)
    results = run_all(folder, cases)
    wrong = [
        (complaint(result), " ".join(case)[:200], result[2][-300:])
        for case, result in zip(cases, results, strict=True)
        if complaint(result)
    ]
    assert not wrong, "\n".join(map(str, wrong))


def test_every_command_is_tried():
    assert set(SMALL) == set(commands())


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-"])
@pytest.mark.parametrize(("arguments", "status"), [("tutorials --list", 0), ("tutorials x", 2)])
def test_closed_streams(arguments, status, closed):
    command = f"'{sys.executable}' -m zeroone {arguments} {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == (status == 2 and "2>&-" not in closed)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_output_that_cannot_be_written():
    command = f"'{sys.executable}' -m zeroone tutorials --list > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


DEEP = 3000


@pytest.mark.parametrize(
    ("name", "content", "arguments"),
    [
        ("deep.toml", "a = " + "[" * DEEP + "]" * DEEP, "grade forward {student} --settings={}"),
        ("deep.toml", "a." * DEEP + "b = 1", "grade forward {student} --settings={}"),
        ("points.toml", "[points]\nforward = 1e308", "grade forward {student} --settings={}"),
        ("points.toml", "[points]\nforward = inf", "grade forward {student} --settings={}"),
        ("deep.json", "[" * DEEP + "]" * DEEP, "grade forward {student} --metadata={}"),
        ("deep.json", '{"a":' * DEEP + "1" + "}" * DEEP, "grade forward {student} --metadata={}"),
        ("model.npz", "[" * DEEP, "evaluate {} --data digits"),
        ("data.npz", "[" * DEEP, "train --data {}"),
    ],
)
def test_absurd_files_end_in_one_line(name, content, arguments, folder, tmp_path):
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    case = arguments.format(file, student="forward/starter.py").split()
    (result,) = run_all(folder, [case])
    assert not complaint(result), result
    assert result[0] == 2


def test_labels_of_a_data_file_that_are_no_text(folder, tmp_path):
    X = np.ones((4, 2))
    labels = np.array([97, 98, 0x110000, 97], "u4").view("U1")
    np.savez(tmp_path / "data.npz", X=X, y=labels)
    (result,) = run_all(folder, [["train", f"--data={tmp_path / 'data.npz'}"]])
    assert not complaint(result), result
    assert "0x110000" in result[2]


@pytest.mark.parametrize("option", ["--curve", "--plot"])
def test_prune_does_not_replace_the_model(option, folder):
    before = (folder / "model.npz").read_bytes()
    case = ["prune", "model.npz", "--data=data.npz", "--keep=2", f"{option}=./model.npz"]
    (result,) = run_all(folder, [case])
    assert result[0] == 2
    assert not complaint(result)
    assert (folder / "model.npz").read_bytes() == before


def test_no_warning_beside_a_success(folder):
    case = ["rvscgd", "--d=10", "--k=4", "--n-iter=20", "--lam=1e308"]
    ((status, output, error),) = run_all(folder, [case])
    assert (status, error) == (0, "")
    assert output
