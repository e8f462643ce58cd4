"""``zeroone optimality-gap`` as a user runs it, its files, and what it refuses."""

import csv
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zeroone import cli
from zeroone.commands.optimality_gap import METHODS, Result, records, summary
from zeroone.estimators import optimality
from zeroone.exact.optimum import optimum
from zeroone.exact.problems import PROBLEMS, Problem
from zeroone.plots import optimality_gap as plots_gap

FAST = ["--problems", "xor,parity-narrow", "--seeds", "2", "--methods", "bcd,recursive"]


def exact_result(name="xor"):
    problem = PROBLEMS[name](0)
    milp, enumeration = (
        optimum(problem.X, problem.y, problem.hidden, method=method)
        for method in ("milp", "enumeration")
    )
    return Result(problem, milp, enumeration)


def test_the_command_as_a_user_runs_it(tmp_path):
    files = ["--csv", "gap.csv", "--plot", "gap.png"]
    found = subprocess.run(
        [sys.executable, "-m", "zeroone", "optimality-gap", *FAST, *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""  # no progress bar where there is no terminal
    lines = found.stdout.splitlines()
    assert re.split(r"  +", lines[0].strip()) == [
        *["problem", "net", "samples", "optimum", "gap", "MILP s", "enum. s", "BCD", "FTPROP"]
    ]
    assert re.match(r"xor +2-2-2 +4 +0 +0 +[\d.]+ +[\d.]+ +\d / [\d.]+ +\d / [\d.]+$", lines[2])
    assert re.match(r"parity-narrow +3-2-2 +8 +1 +0 ", lines[3])
    assert "fewest / median training errors of 2 seeds" in lines[6]
    assert lines[7:] == ["errors written to gap.csv", "picture written to gap.png"]
    assert (tmp_path / "gap.png").read_bytes().startswith(b"\x89PNG")
    with open(tmp_path / "gap.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["problem"], row["method"], row["seed"]) for row in rows] == [
        (problem, method, seed)
        for problem in ("xor", "parity-narrow")
        for method, seeds in (
            *(("milp", [""]), ("enumeration", [""])),
            *(("bcd", ["0", "1"]), ("recursive", ["0", "1"])),
        )
        for seed in seeds
    ]
    least = {"xor": 0, "parity-narrow": 1}
    for row in rows:
        assert float(row["seconds"]) >= 0
        if row["seed"]:
            assert int(row["errors"]) >= least[row["problem"]]
            assert row["bound"] == row["gap"] == row["status"] == ""
        else:
            assert int(row["errors"]) == int(row["bound"]) == least[row["problem"]]
            assert (row["gap"], row["weight_bound"]) == ("0", "")
    # The table has what the file has.
    for line, problem in zip(lines[2:4], least, strict=True):
        for cell, method in zip(
            re.findall(r"\d+ / [\d.]+", line), ("bcd", "recursive"), strict=True
        ):
            own = [
                int(row["errors"])
                for row in rows
                if (row["problem"], row["method"]) == (problem, method)
            ]
            assert cell == f"{min(own)} / {np.median(own):g}"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_trains_a_net_of_the_size_and_seeds_repeat(method):
    problem = PROBLEMS["moons"](1)
    _, train = METHODS[method]
    network = train(problem, 3)
    assert network.layer_sizes == (2, 2, 2)
    assert network == train(problem, 3)
    assert set(network.predict(problem.X).tolist()) <= {0, 1}


def test_a_search_that_ends_by_its_time_limit_says_so(capsys):
    options = ["--problems", "spirals", "--methods", "bcd", "--seeds", "1", "--time-limit", "0.05"]
    assert cli.main(["optimality-gap", *options]) == 0
    out = capsys.readouterr().out
    assert re.search(r"spirals +2-3-2 +16 +0 +0 +[\d.]+ \* ", out)  # enumeration has proved it
    assert "errors of 1 seed\n" in out
    found = re.search(
        r"\* spirals: branch and bound found (\d+) errors, bound (\d+), gap (\d+)", out
    )
    errors, bound, gap = map(int, found.groups())
    assert gap == errors - bound > 0
    assert "(time limit)" in out


def test_problems_too_large_for_enumeration_are_left_open(monkeypatch, tmp_path, capsys):
    def large(seed):
        rng = np.random.default_rng(seed)
        return Problem("large", rng.uniform(-1, 1, (24, 2)), np.arange(24) % 2, 6)

    monkeypatch.setitem(PROBLEMS, "large", large)
    options = ["--problems", "large", "--methods", "ste", "--seeds", "1", "--time-limit", "0.2"]
    files = ["--plot", str(tmp_path / "p.svg"), "--csv", str(tmp_path / "c.csv")]
    assert cli.main(["optimality-gap", *options, *files]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if line.startswith("large"))
    least, most = map(int, re.search(r"(\d+) to (\d+)", row).groups())
    assert least < most
    assert re.search(rf" {most - least} +[\d.]+ \* +- ", row)
    with open(tmp_path / "c.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["milp", "ste"]
    assert rows[0]["status"] == "time limit"
    assert int(rows[0]["gap"]) > 0
    assert most == min(int(row["errors"]) for row in rows)


def test_a_proof_that_a_net_contradicts_is_an_error(monkeypatch, capsys):
    def wrong(problem, time_limit):
        result = exact_result()
        return replace(result, enumeration=replace(result.enumeration, bound=1))

    monkeypatch.setattr(optimality, "solve", wrong)
    assert cli.main(["optimality-gap", "--problems", "xor", "--methods", "bcd"]) == 1
    assert capsys.readouterr().err == "xor: a net makes fewer errors than the proved bound\n"


def test_what_is_known_of_a_problem():
    result = exact_result("parity-narrow")
    assert (result.best_known, result.bound, result.agree) == (1, 1, True)
    assert not replace(result, errors={"bcd": [2, 0]}).agree
    # A bound for bounded weights proves nothing; a net is a net.
    bounded = replace(result.milp, bound=3, weight_bound=1e3)
    assert replace(result, milp=bounded).bound == 1
    alone = replace(result, milp=bounded, enumeration=None)
    assert (alone.best_known, alone.bound, alone.agree) == (1, 0, True)
    alone.errors["bcd"], alone.seconds["bcd"] = [1, 4], [0.5, 0.25]
    text = summary([alone], ["bcd"], 2)
    assert "0 to 1" in text
    assert "for hidden weights up to 1000 only" in text
    assert [row["seconds"] for row in records([alone], 7)][1:] == ["0.500", "0.250"]
    assert [row["seed"] for row in records([alone], 7)] == [None, 7, 8]


def test_the_picture_has_medians_ranges_and_what_is_open():
    above = {"one": [[0, 2, 5], [1]], "two": [[3, 3, 3], [0]]}
    figure = plots_gap.errors_above_optimum(
        ["first", "second-best"], [0, 4], above, unproved=[False, True]
    )
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "first\noptimum 0",
        "second-\nbest\noptimum\n≤ 4",
    ]
    points = [container.lines[0] for container in axes.containers]
    np.testing.assert_array_equal([line.get_ydata() for line in points], [[2, 1], [3, 0]])
    (bars,) = axes.containers[0].lines[2]
    np.testing.assert_array_equal(bars.get_segments()[0][:, 1], [0, 5])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "two"]
    assert "above the optimum" in axes.get_ylabel()
    assert all(abs(line.get_xdata()[0]) < 0.5 for line in points)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--problems xor,halves", "problems must be of xor, parity"),
        ("--problems xor,xor", "problems must be named once each"),
        ("--methods adam", "'adam' is not"),
        ("--methods bcd,bcd", "methods must be named once each"),
        ("--seeds 0", "seeds must be"),
        ("--seeds 1000000000000", "seeds must be"),
        ("--time-limit 1e400", "time-limit must be"),
        ("--seed -1", "seed must be"),
        ("--time-limit 0", "time-limit must be"),
        ("--time-limit nan", "time-limit must be"),
        ("--csv no/gap.csv", "the folder no does not exist"),
        ("--plot .", "it is a folder"),
        ("--plot gap.txt", "plot must end in"),
        ("--csv same.png --plot same.png", "another option names the same file"),
    ],
)
def test_bad_options_are_refused_before_anything_is_computed(options, what, monkeypatch, capsys):
    def computed(*_):
        raise AssertionError

    monkeypatch.setattr(optimality, "solve", computed)
    assert cli.main(["optimality-gap", *options.split()]) == 2
    captured = capsys.readouterr()
    assert what in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
