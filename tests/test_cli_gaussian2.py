"""The command gaussian2: what it prints, draws and refuses, and that it is the descent."""

import csv
import re
from dataclasses import dataclass

import numpy as np
import pytest
import terminal

from zeroone.gaussian.two_layer import loss
from zeroone.gaussian.two_layer_stationary import stationary_points
from zeroone.plots import two_layer as plots

SMALL = ("--v-star", "1,0", "--d", "2", "--runs", "12", "--n-iter", "600", "--step", "0.1")


@dataclass
class Run:
    """What a command did."""

    status: int
    out: str
    err: str

    def outcomes(self):
        """Return the rows of the table of the runs by where they end."""
        table = self.out[self.out.index("the runs end at") :]
        found = re.findall(r"^(minimum|spurious minimum|saddle|neither)  +(.+)$", table, re.M)
        return {kind: cells.split() for kind, cells in found}


def run(*arguments):
    return Run(*terminal.run("gaussian2", *arguments))


def succeed(*arguments):
    done = run(*arguments)
    assert (done.status, done.err) == (0, ""), done
    return done


def test_the_table_counts_all_runs():
    for derivative in ("relu", "clipped", "identity"):
        rows = succeed(*SMALL, "--derivative", derivative).outcomes()
        assert list(rows) == ["minimum", "spurious minimum", "saddle", "neither"]
        assert sum(int(cells[0]) for cells in rows.values()) == 12


def test_it_says_which_points_there_are():
    out = succeed(*SMALL).out
    assert "a spurious minimum: 2 (1.v*)^2 / ((k + 1) |v*|^2) = 0.6667" in out
    assert re.search(r"^saddle +2\.356 +1\.118 +0\.1875$", out, re.M)
    out = succeed("--teacher", "equal", "--k", 3, "--runs", 2, "--n-iter", 10).out
    assert "no spurious minimum" in out
    # With as many 1 as -1 the minimum at the angle pi is a global one.
    out = succeed("--teacher", "alternating", "--k", 4, "--runs", 2, "--n-iter", 10).out
    assert "no spurious minimum" in out
    assert len(re.findall("^minimum ", out, re.M)) == 3


def test_with_norm_1_no_loss_rises_and_no_run_is_lost():
    for derivative in ("relu", "clipped", "identity"):
        rows = succeed(*SMALL, "--derivative", derivative, "--normalise").outcomes()
        assert all(cells[-1] in ("0", "-") for cells in rows.values())
        assert int(rows["neither"][0]) <= 3  # slow ones


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_records_are_those_of_the_library(tmp_path):
    path = tmp_path / "runs.csv"
    done = succeed(*SMALL, "--csv", path)
    assert f"records written to {path}" in done.out
    rows = read(path)
    assert {row["run"] for row in rows} == {str(number) for number in range(1, 13)}
    iterations = [int(row["iteration"]) for row in rows if row["run"] == "1"]
    assert iterations[:3] == [0, 2, 4]
    assert iterations[-1] == 600
    assert iterations == sorted(set(iterations))
    counts = done.outcomes()
    ends = [row for row in rows if row["iteration"] == "600"]
    for kind, cells in counts.items():
        assert sum(row["outcome"] == kind for row in ends) == int(cells[0])
    for row in ends:
        if row["outcome"] == "minimum":
            assert float(row["loss"]) < 5e-3
        assert 0 <= float(row["angle"]) <= np.pi


def test_starts_do_not_depend_on_the_derivative(tmp_path):
    first = {}
    for derivative in ("relu", "identity"):
        path = tmp_path / f"{derivative}.csv"
        succeed(*SMALL, "--derivative", derivative, "--csv", path, "--length", 2.5)
        first[derivative] = [row for row in read(path) if row["iteration"] == "0"]
    for one, other in zip(first["relu"], first["identity"], strict=True):
        assert (one["loss"], one["angle"]) == (other["loss"], other["angle"])
        assert float(one["norm"]) == pytest.approx(2.5)


def test_a_seed_is_a_seed():
    def without_time(done):
        return re.sub(r"^.* s$", "", done.out, flags=re.M)

    assert without_time(succeed(*SMALL)) == without_time(succeed(*SMALL))
    assert without_time(succeed(*SMALL)) != without_time(succeed(*SMALL, "--seed", 1))


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_a_picture_is_written(tmp_path, ending):
    path = tmp_path / f"runs{ending}"
    assert f"picture written to {path}" in succeed(*SMALL, "--plot", path).out
    assert path.stat().st_size > 1000


def test_the_picture_shows_runs_and_points():
    v_star = np.array([1.0, 0.0])
    angles = np.array([[1.0, 2.0, 3.0], [0.5, 2.5, 0.1], [0.0, 3.1, 3.0]])
    distances = np.array([[2.0, 1.0, 1.0], [1.0, 1.2, 1.1], [0.0, 1.5, 1.2]])
    outcomes = np.array(["minimum", "spurious minimum", "neither"])
    points = stationary_points(v_star, d=2)
    figure = plots.trajectory_picture(angles, distances, outcomes, points, v_star, title="three")
    (axes,) = figure.axes
    labels = axes.get_legend_handles_labels()[1]
    assert labels == [
        "ends at a minimum (1)",
        "ends at a spurious minimum (1)",
        "ends at none of them (1)",
        "minimum",
        "saddle",
        "spurious minimum",
    ]
    assert "theta" in axes.get_xlabel()
    assert "v^*" in axes.get_ylabel()
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    np.testing.assert_array_equal(lines["ends at a minimum (1)"][:, 0], [1.0, 0.5, 0.0])
    # The third run passes the origin twice: its line has gaps there.
    jumping = lines["ends at none of them (1)"][:, 0]
    assert np.isnan(jumping).tolist() == [False, True, False, True, False]
    place = lines["saddle"][0]
    assert place[0] == pytest.approx(3 * np.pi / 4)
    assert place[1] == pytest.approx(np.sqrt(1.25))


def test_one_dimension_and_one_patch():
    succeed("--d", 1, "--runs", 3, "--n-iter", 5)
    succeed("--k", 1, "--runs", 3, "--n-iter", 1)
    assert loss([1.0], [1.0], [1.0], [2.0]) == 0


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("--k 0", "k must be an integer >= 1"),
        ("--k 3 --v-star 1,2", "k must be the 2 of --v-star"),
        ("--v-star 0,0", "v-star must have an entry that is not zero"),
        ("--v-star 1,nan", "v-star must be finite"),
        ("--v-star 1,x", "must be numbers with commas"),
        ("--d 0", "d must be an integer >= 1"),
        ("--runs 0", "runs must be an integer >= 1"),
        ("--runs 1000000000", "runs must leave at most"),
        ("--d 1000000000", "d must leave at most"),
        ("--k 1000000000", "k must leave at most"),
        ("--n-iter 0", "n-iter must be an integer >= 1"),
        ("--step 0", "step must be a finite number > 0"),
        ("--step inf", "step must be a finite number > 0"),
        ("--step 1e200", "step is too large"),
        ("--length -1", "length must be a finite number > 0"),
        ("--tolerance 0", "tolerance must be a finite number > 0"),
        ("--seed -1", "seed must be an integer >= 0"),
        ("--derivative sign", "invalid choice"),
        ("--plot runs.txt", "plot must end in .png, .svg or .pdf"),
        ("--csv nowhere/runs.csv", "the folder nowhere does not exist"),
    ],
)
def test_bad_options(options, what):
    done = run("--runs", 2, "--n-iter", 5, *options.split())
    assert done.status == 2
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert what in done.err
