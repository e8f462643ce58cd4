"""Block, Step and History."""

import copy
import csv
import json
import math
import os
import pickle

import numpy as np
import pytest

from zeroone.steps import Block, History, Step


def make_step(sweep=1, block="W2", before=(3.0, 1.0), after=(1.5, 1.25), **info):
    names = ("fit", "ridge")
    return Step(
        sweep,
        block,
        dict(zip(names, before, strict=True)),
        dict(zip(names, after, strict=True)),
        info=info,
    )


U_STEP = Block("u", "u <- prox_{(lam/beta) P}(w)", "docs/theory.md#a6")


def test_a_block_is_its_name():
    assert U_STEP == "u"
    assert hash(U_STEP) == hash("u")
    assert {"u": 1}[U_STEP] == 1
    assert (f"{U_STEP}", str(U_STEP), json.dumps(U_STEP)) == ("u", "u", '"u"')
    assert sorted([Block("w"), U_STEP]) == ["u", "w"]
    assert U_STEP.upper() == "U"


def test_a_block_has_its_equation_and_source():
    assert U_STEP.equation == "u <- prox_{(lam/beta) P}(w)"
    assert U_STEP.source == "docs/theory.md#a6"
    assert (Block("w").equation, Block("w").source) == ("", "")
    # The same block whatever the equation says: it is compared as a string.
    assert Block("u", "other") == U_STEP


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy]
    + [
        lambda block, protocol=protocol: pickle.loads(pickle.dumps(block, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ],
    ids=["copy", "deepcopy", *(f"pickle {n}" for n in range(pickle.HIGHEST_PROTOCOL + 1))],
)
def test_a_block_survives_copies(again):
    block = again(U_STEP)
    assert type(block) is Block
    assert block == U_STEP
    assert (block.equation, block.source) == (U_STEP.equation, U_STEP.source)
    step = again(make_step(block=U_STEP))
    assert step == make_step(block=U_STEP)
    assert step.block.equation == U_STEP.equation


def test_blocks_of_a_run_are_a_table():
    blocks = {name: Block(name, f"{name} <- ...") for name in ("W1", "U1")}
    assert blocks[make_step(block=blocks["U1"]).block].equation == "U1 <- ..."


def test_a_history_says_how_long_it_is_and_how_it_ends():
    history = History()
    assert repr(history) == "<History, empty>"
    history.record(sweep=1, accuracy=0.123456)
    assert repr(history) == "<History of 1 row; last: sweep=1, accuracy=0.1235>"
    history.record_step(make_step(block=U_STEP))
    assert repr(history) == (
        "<History of 2 rows; last: sweep=1, block=u, objective=2.75, fit=1.5, ridge=1.25>"
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
