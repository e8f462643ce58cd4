"""The walk through one sweep: numbers by hand against the library's, the text, bad options."""

import argparse
import io
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroone import bcd
from zeroone.bcd import blocks
from zeroone.bcd import full_batch as solver
from zeroone.bcd.full_batch import Options
from zeroone.commands import explain
from zeroone.datasets import load_digits
from zeroone.player.worked import Comparison

SPLITTINGS = ("two", "three", "joint")
NUMBER = r"[-+]?[\d.]+(?:e[-+]?\d+)?"


def parse(*words):
    parser = argparse.ArgumentParser()
    explain.add_parser(parser.add_subparsers())
    return parser.parse_args(["explain", *words])


def run(*words):
    arguments = parse(*words)
    return arguments.run(arguments)


def problem(samples=30, seed=0):
    """Return three noisy classes in five dimensions, one-hot."""
    rng = np.random.default_rng(seed)
    labels = np.arange(samples) % 3
    X = rng.standard_normal((3, 5))[labels] + 0.7 * rng.standard_normal((samples, 5))
    return X, np.eye(3)[labels]


def walk(X, Y, hidden, seed=0, unit=None, sample=None, **options):
    rng = np.random.default_rng(seed)
    chosen = Options(sweeps=1, **options)
    return list(explain.explain_sweep(X, Y, hidden, chosen, rng, unit=unit, sample=sample))


def disagreements(reports):
    return [
        (report.block, comparison)
        for report in reports
        for comparison in report.worked.comparisons
        if not comparison.agrees
    ]


# ------------------------------------------------------------------ by hand against the library


@pytest.mark.parametrize("splitting", SPLITTINGS)
@pytest.mark.parametrize("remedy", ["margin", "tiny"])
@pytest.mark.parametrize("order", ["backward", "forward", "random"])
@pytest.mark.parametrize(
    "prices", [{}, {"lam": 2.0}, {"lam": 0.3, "groups": "columns"}, {"tau": 0.05, "pi": 0.02}]
)
def test_by_hand_agrees_with_the_library(splitting, remedy, order, prices):
    X, Y = problem()
    for hidden in ([4], [20, 3]):
        reports = walk(X, Y, hidden, splitting=splitting, remedy=remedy, order=order, **prices)
        assert disagreements(reports) == []
        assert all(report.worked.comparisons for report in reports)
        assert all(report.fall >= 0 for report in reports)


@pytest.mark.parametrize("splitting", SPLITTINGS)
def test_every_unit_and_sample_agrees(splitting):
    X, Y = problem(8)
    for unit, sample in itertools.product(range(20), range(8)):
        reports = walk(X, Y, [20], splitting=splitting, unit=unit, sample=sample, tau=0.1)
        assert disagreements(reports) == []
        hidden = [report for report in reports if report.block[0] != "W"]
        for report in hidden:
            assert re.search(rf"(unit|neuron) {unit + 1}\b", report.worked.title)
            assert re.search(rf"sample {sample + 1}\b", report.worked.title)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    samples=st.integers(1, 6),
    hidden=st.lists(st.integers(1, 10), min_size=1, max_size=3),
    splitting=st.sampled_from(SPLITTINGS),
    remedy=st.sampled_from(["margin", "tiny"]),
    initialisation=st.sampled_from(["differences", "data-scaled", "random"]),
    groups=st.sampled_from(["rows", "columns"]),
    lam=st.sampled_from([0.0, 0.1, 5.0]),
    same=st.booleans(),
)
def test_by_hand_agrees_on_degenerate_data(
    seed, samples, hidden, splitting, remedy, initialisation, groups, lam, same
):
    """Whole numbers, so that ties, zero columns and equal samples come up."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (samples, 2)).astype(float)
    Y = np.eye(2)[np.zeros(samples, int) if same else np.arange(samples) % 2]
    options = {"splitting": splitting, "remedy": remedy, "initialisation": initialisation}
    reports = walk(X, Y, hidden, seed, groups=groups, lam=lam, **options)
    assert disagreements(reports) == []


def test_both_verdicts_on_rows_and_columns_come_up():
    X, Y = problem(60)
    for groups in ("rows", "columns"):
        verdicts = set()
        for unit, lam in itertools.product(range(8), (0.1, 2.0, 8.0, 60.0)):
            reports = walk(X, Y, [8], unit=unit, lam=lam, groups=groups)
            worked = reports[-1].worked
            assert worked.agrees
            verdicts.add(worked.comparisons[0].library)
        assert verdicts == {0.0, 1.0}


def test_the_default_element_is_a_flip_where_there_is_one():
    X, Y = problem()
    for splitting in ("two", "joint"):
        report = walk(X, Y, [6], splitting=splitting, tau=0.05)[1]
        assert report.flips > 0
        assert "flips from" in report.worked.title
    report = walk(X, Y, [6], tau=1e6)[1]
    assert report.flips == 0
    assert "its bit stays" in report.worked.title


def wrong_choice(A, V, **options):
    return -blocks.nearest_on_side(A, V > 0.5, options["margin"])


def wrong_neurons(bits, A, R, W, *, V=None, **options):
    """Decide every neuron as if it were alone: no residual is kept up to date."""
    square = np.sum(W**2, axis=0)
    cost = 0.5 * options["tau"] * blocks.crossing_cost(A, 0.0)
    before = bits if V is None else V
    bits[:] = R @ W + before * square > square / 2 + cost
    if V is not None:
        V[:] = bits
    return 0


def scaled(function, amount):
    def wrong(*arguments, **options):
        found = function(*arguments, **options)
        return tuple(amount * part for part in found) if type(found) is tuple else amount * found

    return wrong


def unchanged(W, b, *arrays, **prices):
    return W, b


def nothing(W, b, *arrays, **prices):
    return 0 * W, 0 * b


@pytest.mark.parametrize(
    ("name", "wrong", "block", "options"),
    [
        ("ridge_weights", scaled(blocks.ridge_weights, 1.001), "W1", {}),
        ("keep_rows", unchanged, "W1", {"lam": 60.0}),
        ("keep_rows", nothing, "W1", {"lam": 0.01}),
        ("proximal_linear_columns", unchanged, "W1", {"lam": 20.0, "groups": "columns"}),
        ("ridge_on_columns", unchanged, "W1", {"lam": 0.1, "groups": "columns"}),
        (
            "ridge_activations",
            scaled(blocks.ridge_activations, 1.001),
            "V1",
            {"splitting": "three"},
        ),
        ("update_preactivations", wrong_choice, "U1", {"splitting": "three"}),
        ("sweep_neurons", wrong_neurons, "U1", {"tau": 0.01}),
        ("sweep_neurons", wrong_neurons, "J1", {"splitting": "joint"}),
    ],
)
def test_a_wrong_library_is_flagged(name, wrong, block, options, monkeypatch, capsys):
    monkeypatch.setattr(solver, name, wrong)
    flags = {"lam": "l20"}
    words = [f"--{flags.get(key, key)}={value}" for key, value in options.items()]
    assert run("--samples", "40", *words) == 1
    text = capsys.readouterr().out
    assert "DIFFERS" in text
    assert re.search(rf"^  {block} .*DIFFERS$", text, re.MULTILINE)


def test_comparison_tells_equal_from_different():
    assert Comparison("x", 1.0, 1.0 + 1e-12, 1e-9).agrees
    assert not Comparison("x", 1.0, 1.0 + 1e-6, 1e-9).agrees
    assert not Comparison("x", 1.0, np.nan, 1e-9).agrees


# -------------------------------------------------------------------------------- the objective


def objective_by_definition(state, tau, pi, gamma, lam, three):
    """Return F from theory B1 and B2, entry by entry."""
    h = len(state.weights)
    value = 0.0
    for i in range(h):
        target = state.Y if i == h - 1 else state.preactivations[i]
        weight = 1.0 if i == h - 1 else tau
        computed = np.einsum("nl,jl->nj", state.activations[i], state.weights[i])
        computed += state.biases[i]
        value += weight / 2 * np.linalg.norm(target - computed) ** 2
        value += gamma / 2 * np.linalg.norm(state.weights[i]) ** 2
        value += gamma / 2 * np.linalg.norm(state.biases[i]) ** 2
        if i < h - 1:
            rows = np.column_stack([state.weights[i], state.biases[i]])
            value += lam * sum(1 for row in rows if np.linalg.norm(row) > 0)
            bits = np.heaviside(state.preactivations[i], 0)
            if three:
                value += pi / 2 * np.linalg.norm(state.activations[i + 1] - bits) ** 2
            else:
                np.testing.assert_array_equal(state.activations[i + 1], bits)
    return value


@pytest.mark.parametrize("splitting", SPLITTINGS)
@pytest.mark.parametrize("order", ["backward", "random"])
def test_objective_is_that_of_the_solver_and_of_the_definition(splitting, order):
    X, Y = problem()
    prices = {"tau": 0.3, "pi": 0.7, "gamma": 0.05, "lam": 1.5}
    options = {"splitting": splitting, "order": order, **prices}
    reports = walk(X, Y, [5, 4], **options)
    steps = bcd.iterate(X, Y, [5, 4], rng=np.random.default_rng(0), sweeps=1, **options)
    before = None
    for report, step in zip(reports, steps, strict=True):
        assert report.block == step.block
        value = objective_by_definition(step.state, **prices, three=splitting != "two")
        assert report.objective_after == pytest.approx(value, rel=1e-10)
        assert dict(report.after) == pytest.approx(dict(step.after), rel=1e-12)
        assert dict(report.before) == pytest.approx(dict(step.before), rel=1e-12)
        if before is not None:
            assert report.objective_before == before
        before = report.objective_after
        assert report.flips == step.info.get("flipped", 0)


def test_printed_objective_adds_up(capsys):
    assert run("--splitting", "three", "--hidden", "6,4", "--sample", "1") == 0
    text = capsys.readouterr().out
    sections = text.split("F by term")[1:]
    assert len(sections) == 7
    totals = []
    for section in sections:
        rows = re.findall(
            rf"^  (\w+(?: \d+)?) +({NUMBER}) +({NUMBER}) +{NUMBER}", section, re.MULTILINE
        )
        rows = rows[: [name for name, *_ in rows].index("F") + 1]
        assert len(rows) == 8
        for column in (1, 2):
            *terms, total = (float(row[column]) for row in rows)
            assert sum(terms) == pytest.approx(total, rel=1e-5)
        totals.append((rows[-1][1], rows[-1][2]))
    # What one update leaves is what the next one finds, and F never rises.
    assert [after for _, after in totals[:-1]] == [before for before, _ in totals[1:]]
    assert all(float(after) <= float(before) for before, after in totals)
    assert text.rstrip().splitlines()[-2].startswith("No update raised F")


def test_changed_terms_are_marked(capsys):
    run()
    update = capsys.readouterr().out.split("Update 2 of 3")[1]
    assert re.search(r"^  fit .* \* falls$", update, re.MULTILINE)
    assert re.search(r"^  coupling 1 .* \* rises$", update, re.MULTILINE)
    assert re.search(r"^  ridge .* 0$", update, re.MULTILINE)


# --------------------------------------------------------------------------------------- text


@pytest.mark.parametrize("width", [60, 72, 88, 140])
def test_no_line_is_longer_than_the_width(width, capsys):
    for words in (
        ("--splitting", "three", "--hidden", "12,3", "--l20", "1"),
        ("--splitting", "joint", "--l20", "1", "--groups", "columns", "--remedy", "tiny"),
        ("--gamma", "1e-13", "--pi", "0.000123456", "--tau", "12345.6"),
    ):
        run("--width", str(width), *words)
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= width
        assert not any(line != line.rstrip() for line in lines)


def test_printed_results_are_the_compared_ones(capsys):
    for splitting in SPLITTINGS:
        assert run("--splitting", splitting, "--hidden", "5,3", "--sample", "1") == 0
        text = capsys.readouterr().out
        pairs = re.findall(rf"by hand +({NUMBER}) +library +({NUMBER}) +agree$", text, re.MULTILINE)
        assert len(pairs) >= 2 * 5 - 1
        assert "DIFFERS" not in text


def test_worked_costs_can_be_redone_from_what_is_printed(capsys):
    """A student's sums: products that are printed as products give the printed result."""
    for splitting in SPLITTINGS:
        run("--splitting", splitting, "--width", "400", "--tau", "0.05", "--unit", "1")
        text = capsys.readouterr().out
        checked = 0
        for line in text.splitlines():
            parts = [part.strip() for part in line.split(" = ")]
            for left, right in itertools.pairwise(parts):
                right = right.split(";")[0]
                if "·" not in left or not re.fullmatch(NUMBER, right):
                    continue
                expression = left.replace("·", "*")
                assert re.fullmatch(r"[\d.e+\-*/() ]+", expression)
                value = eval(expression)
                # Six digits of each term are printed, and terms may cancel.
                size = max(abs(float(each)) for each in re.findall(NUMBER, expression))
                assert value == pytest.approx(float(right), rel=1e-4, abs=2e-5 * max(size, 1))
                checked += 1
        assert checked >= 8


def test_shapes_are_the_actual_ones(capsys):
    run("--samples", "50", "--hidden", "6,4", "--unit", "1")
    text = capsys.readouterr().out
    for shape in (
        r"V0 +50 x 65 ",
        r"W1 +6 x 65 ",
        r"U1 +50 x 6 ",
        r"W2 +4 x 7 ",
        r"W3 +10 x 5 ",
        r"Y +50 x 10 ",
        r"V\^T V +65 x 65 ",
    ):
        assert re.search(rf"^  {shape}", text, re.MULTILINE)


@pytest.mark.parametrize("splitting", SPLITTINGS)
@pytest.mark.parametrize("order", ["backward", "forward"])
def test_the_walk_begins_where_something_happens(splitting, order, capsys):
    """The first update that is told in full moved F or a bit; those before it take no numbers."""
    assert run("--splitting", splitting, "--order", order) == 0
    before, update, told = capsys.readouterr().out.partition("Equation\n")
    assert update
    first = told.split("By hand:")[0]
    flips = re.search(r"(\d+) bits? flips?\.", first)
    assert re.search(r"^  F  .*falls$", first, re.MULTILINE) or int(flips[1]) > 0
    idle = re.findall(r"^Update (\d+) of \d+: \w+ has nothing to gain", before, re.MULTILINE)
    assert idle == ([] if order == "forward" else [str(n + 1) for n in range(len(idle))])
    assert (order == "backward") == bool(idle)


def test_what_is_asked_for_is_told_from_the_first_update(capsys):
    for words in (("--unit", "1"), ("--sample", "3")):
        assert run(*words) == 0
        text = capsys.readouterr().out
        assert text.count("By hand:") == 3
        assert "has nothing to gain, since" not in text


class Terminal(io.StringIO):
    """A terminal at which someone has typed already."""

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "updates", "asked"),
    [("\n\n\n", 3, 1), ("q\n", 2, 1), ("quit\n", 2, 1), ("", 2, 1), ("go on\n", 3, 1)],
)
def test_step_waits_for_enter(typed, updates, asked, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", Terminal(typed))
    assert run("--step") == 0
    text = capsys.readouterr().out
    assert text.count("Update ") == updates
    assert text.count("Enter goes on") == asked
    assert "Summary" in text


def test_step_does_not_wait_where_there_is_no_terminal(monkeypatch, capsys):
    class Pipe(io.StringIO):
        def readline(self, *arguments):
            raise AssertionError("nobody is there to answer")

    monkeypatch.setattr("sys.stdin", Pipe())
    assert run("--step") == 0
    stepped = capsys.readouterr().out
    assert run() == 0
    assert stepped == capsys.readouterr().out


def test_same_seed_same_text(capsys):
    texts = []
    for seed in ("3", "3", "4"):
        run("--seed", seed, "--order", "random", "--hidden", "20")
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--samples", "1", "--hidden", "1"),
        ("--samples", "2", "--hidden", "1,1,1", "--splitting", "three"),
        ("--samples", "1", "--hidden", "3,2", "--splitting", "joint", "--remedy", "tiny"),
        ("--samples", "100000", "--hidden", "2"),
        ("--order", "W1,U1,W2", "--unit", "8", "--sample", "200"),
        ("--hidden", "2,9", "--unit", "9"),
        ("--tau", "0.5,0.1", "--gamma", "1,0.1,0.01", "--hidden", "4,3", "--l20", "1,2,0"),
    ],
)
def test_edges_run(words, capsys):
    assert run(*words) == 0
    assert "Summary" in capsys.readouterr().out


def test_summary_says_that_every_update_lowered(capsys):
    run("--order", "forward")
    text = capsys.readouterr().out
    match = re.search(r"Every update lowered F, from (\S+) to (\S+); (\d+) hidden", text)
    assert match
    assert float(match[2]) < float(match[1])
    assert int(match[3]) == int(re.search(r"(\d+) bits flip\.", text)[1])


def test_user_data(tmp_path, capsys):
    X, Y = problem(60)
    path = tmp_path / "mine.npz"
    np.savez(path, X=X, y=Y.argmax(axis=1))
    assert run("--data", str(path), "--hidden", "3") == 0
    text = capsys.readouterr().out
    assert "48 of 48 training samples of mine; a net of 5-3-3 units" in " ".join(text.split())


def test_chosen_samples_are_balanced():
    labels = load_digits().y_train
    rng = np.random.default_rng(0)
    for n in (1, 7, 10, 203):
        chosen = explain.choose_samples(labels, n, rng)
        assert len(np.unique(chosen)) == n
        counts = np.bincount(labels[chosen], minlength=10)
        assert counts.max() - counts.min() <= 1
    few = np.array([0, 0, 0, 0, 1])
    assert np.bincount(few[explain.choose_samples(few, 4, rng)]).tolist() == [3, 1]
    np.testing.assert_array_equal(explain.choose_samples(few, 9, rng), np.arange(5))
    one, other = (explain.choose_samples(labels, 50, np.random.default_rng(s)) for s in (0, 1))
    assert not np.array_equal(one, other)


# ---------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--samples", "0"), "samples must be an integer >= 1"),
        (("--hidden", "0"), "hidden must be an integer >= 1"),
        (("--hidden", "3,-1"), "hidden must be an integer >= 1"),
        (("--margin", "0"), "margin must be"),
        (("--margin", "nan"), "margin must be"),
        (("--tau", "0"), "tau must be"),
        (("--tau", "1,2"), "tau must be one number or 1 of them"),
        (("--pi", "-1"), "pi must be"),
        (("--gamma", "0"), "gamma must be"),
        (("--l20", "-1"), "l20 must be"),
        (("--l20", "1,2,3"), "l20 must be one number or 2 of them"),
        (("--order", "sideways"), "order must be one of"),
        (("--order", "W1,U1"), "order must name each of W2, U1, W1"),
        (("--seed", "-1"), "seed must be an integer >= 0"),
        (("--unit", "0"), "unit must be an integer >= 1"),
        (("--unit", "9"), "unit must be at most 8"),
        (("--sample", "0"), "sample must be an integer >= 1"),
        (("--sample", "201"), "sample must be at most 200"),
        (("--width", "59"), "width must be an integer >= 60"),
        (("--margin", "1e308"), "margin must be"),
        (("--tau", "1e308"), "tau must be"),
        (("--gamma", "1e308"), "gamma must be"),
        (("--l20", "1e308"), "l20 must be"),
        (("--data", "nothing"), "must be one of digits"),
        (("--data", "nothing.npz"), "there is no file"),
    ],
)
def test_bad_input_is_refused_before_anything_is_printed(words, message, capsys):
    with pytest.raises(ValueError, match=message):
        run(*words)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ("--hidden", "a"),
        ("--splitting", "four"),
        ("--remedy", "none"),
        ("--groups", "layers"),
        ("--initialisation", "zeros"),
        ("--unknown", "1"),
    ],
)
def test_unknown_words_are_refused_by_the_parser(words, capsys):
    with pytest.raises(SystemExit) as failure:
        parse(*words)
    assert failure.value.code == 2
    assert words[0] in capsys.readouterr().err
