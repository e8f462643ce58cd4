"""Step and History."""

import csv
import math
import os

import numpy as np
import pytest

from zeroone.trace import History, Step


def make_step(sweep=1, block="W2", before=(3.0, 1.0), after=(1.5, 1.25), **info):
    names = ("fit", "ridge")
    return Step(
        sweep,
        block,
        dict(zip(names, before, strict=True)),
        dict(zip(names, after, strict=True)),
        info=info,
    )


def test_the_objective_is_the_sum_of_its_terms():
    step = make_step()
    assert (step.objective_before, step.objective_after, step.decrease) == (4.0, 2.75, 1.25)
    assert make_step(before=(1.0, 1.0), after=(2.0, 1.0)).decrease == -1.0


def test_an_unmeasured_term_makes_the_objective_unknown():
    assert math.isnan(make_step(after=(np.nan, 1.0)).objective_after)


def test_a_step_cannot_be_changed():
    with pytest.raises(AttributeError):
        make_step().sweep = 2


def test_columns_come_up_in_order():
    history = History()
    history.record(a=1)
    history.record(b=2, a=3)
    history.record(c=None)
    assert history.columns == ["a", "b", "c"]
    assert history.column("a") == [1, 3, None]
    assert history.column("b") == [None, 2, None]
    assert len(history) == 3
    assert list(history) == history.rows
    with pytest.raises(ValueError, match=r"name must be one of a, b, c, but is 'd'"):
        history.column("d")


def test_record_step_keeps_terms_apart_from_what_else_is_recorded():
    history = History()
    history.record_step(make_step(), seconds=0.5)
    history.record_step(Step(2, "U1", {}, {"fit": 1.0, "coupling_1": 0.0}), train_accuracy=0.5)
    assert history.terms == ["fit", "ridge", "coupling_1"]
    assert history.rows[0] == {
        "sweep": 1,
        "block": "W2",
        "objective": 2.75,
        "fit": 1.5,
        "ridge": 1.25,
        "seconds": 0.5,
    }
    assert history.rows[1]["objective"] == 1.0


def test_csv_can_be_read_back(tmp_path):
    history = History()
    history.record(sweep=1, name='a "quoted", word', value=0.1 + 0.2)
    history.record(sweep=2, value=np.float64(1 / 3), accuracy=None, neurons=np.int64(7))
    history.record(sweep=3, value=float("nan"))
    path = tmp_path / "history.csv"
    history.to_csv(path)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["sweep"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["name"] == 'a "quoted", word'
    assert (rows[0]["accuracy"], rows[1]["accuracy"], rows[1]["name"]) == ("", "", "")
    # To the last bit.
    assert [float(row["value"]) for row in rows[:2]] == [0.1 + 0.2, 1 / 3]
    assert math.isnan(float(rows[2]["value"]))
    assert rows[1]["neurons"] == "7"
    assert b"\r" not in path.read_bytes()


def test_csv_is_written_whole_or_not_at_all(tmp_path):
    class Unprintable:
        def __str__(self):
            raise RuntimeError("no")

    path = tmp_path / "history.csv"
    path.write_text("old")
    history = History()
    history.record(value=Unprintable())
    with pytest.raises(RuntimeError):
        history.to_csv(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["history.csv"]
    with pytest.raises(ValueError, match="does not exist"):
        history.to_csv(tmp_path / "no" / "history.csv")


def test_an_empty_history(tmp_path):
    history = History()
    assert (len(history), history.columns, history.terms) == (0, [], [])
    history.to_csv(tmp_path / "history.csv")
    with open(tmp_path / "history.csv", newline="") as file:
        assert list(csv.DictReader(file)) == []
