"""The player's frames against the steps, its equations, its pages as files, cards in notebooks."""

import base64
import copy
import html
import json
import re
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import player_runs as runs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zeroone
from zeroone.bcd.full_batch import network
from zeroone.bcd.mini_batch import iterate as mini_batches
from zeroone.gaussian import descent
from zeroone.losses import LOSSES, CrossEntropy
from zeroone.penalties import PENALTIES
from zeroone.player import document
from zeroone.player.document import LARGEST_PAGE, page, record, render, show
from zeroone.player.frames_target_propagation import SLOPES
from zeroone.player.mathml import mathml
from zeroone.player.recording import significant
from zeroone.steps import Block, Step
from zeroone.targetprop.targets import TargetUnits


def unpacked(text):
    """Return the recording that a page holds, read as the page reads it."""
    (letters,) = re.findall(r'<script id="recording" type="text/plain">(.*?)</script>', text)
    return json.loads(zlib.decompress(base64.b64decode(letters)))


def values(recording, name):
    """Return a variable after each frame, from what the frames set."""
    found, now = [], None
    for frame in recording.frames:
        now = frame.get("set", {}).get(name, now)
        found.append(now)
    return found


def terms_before(recording, i):
    """Return the terms before a frame's step, as the page finds them."""
    frame = recording.frames[i]
    return frame.get("before", recording.frames[i - 1]["terms"] if i else None)


def assert_terms(recording, steps, offset):
    """Compare the terms of all frames with those of the steps themselves."""
    assert len(recording.frames) == len(steps) + offset
    for i, step in enumerate(steps, start=offset):
        after = dict(zip(recording.terms, recording.frames[i]["terms"], strict=False))
        before = dict(zip(recording.terms, terms_before(recording, i), strict=False))
        for shown, real in ((after, step.after), (before, step.before)):
            for name, value in real.items():
                assert shown[name] == pytest.approx(value, rel=1e-6, abs=1e-300)
            assert all(shown[name] is None for name in set(shown) - set(real))
        block = recording.blocks[recording.frames[i]["block"]]
        assert block["name"] == step.block
        assert recording.frames[i]["sweep"] == step.sweep


def frozen(steps):
    """Return the steps with copies of their states."""
    return [
        Step(s.sweep, s.block, s.before, s.after, copy.deepcopy(s.state), dict(s.info))
        for s in steps
    ]


def batches():
    """Return the steps of a solver that the player has no view for."""
    X, Y = runs.plane()
    return mini_batches(X, 2 * Y - 1, (4,), rng=0, measure=True, epochs=2, batch_size=10)


# ------------------------------------------------------------------------------ frames and steps


@pytest.mark.parametrize("splitting", ["two", "three", "joint"])
@pytest.mark.parametrize("hidden", [(4,), (3, 2)])
def test_frames_of_block_coordinate_descent_are_the_steps(splitting, hidden):
    options = {"splitting": splitting, "hidden": hidden, "lam": 0.3}
    steps, start = runs.blocks(**options)
    recording = record(steps, start=start)
    real = frozen(runs.blocks(**options)[0])
    assert_terms(recording, real, offset=1)
    X, Y = runs.plane()
    states = [start, *(step.state for step in real)]
    for i in range(1, len(hidden) + 2):
        for shown, state in zip(values(recording, f"W{i}"), states, strict=True):
            np.testing.assert_allclose(shown, state.weights[i - 1], rtol=1e-6)
        for shown, state in zip(values(recording, f"b{i}"), states, strict=True):
            np.testing.assert_allclose(shown, state.biases[i - 1], rtol=1e-6)
    for i in range(1, len(hidden) + 1):
        for shown, state in zip(values(recording, f"U{i}"), states, strict=True):
            bits = state.preactivations[i - 1] > 0
            assert shown == "".join(str(int(bit)) for bit in bits.ravel())
        if splitting != "two":
            for shown, state in zip(values(recording, f"V{i}"), states, strict=True):
                np.testing.assert_allclose(shown, state.activations[i], rtol=1e-3, atol=1e-12)
    for frame, state in zip(recording.frames, states, strict=True):
        right = np.mean(network(state).decision_function(X).argmax(1) == Y.argmax(1))
        assert frame["numbers"]["accuracy"] == pytest.approx(right)
    for frame, step in zip(recording.frames[1:], real, strict=True):
        assert frame["numbers"].get("flipped") == step.info.get("flipped")
        assert ("flip" in frame.get("happened", "")) == bool(step.info.get("flipped"))
        assert all(agrees for *_, agrees in frame["worked"]["comparisons"])


def test_a_stream_without_its_start_has_no_first_entry_by_hand():
    recording = record(runs.blocks()[0])
    assert "worked" not in recording.frames[0]
    assert all("worked" in frame for frame in recording.frames[1:])
    assert_terms(recording, list(runs.blocks()[0]), offset=0)


def test_prices_that_change_from_sweep_to_sweep_are_shown_as_they_are():
    schedule = {"tau_schedule": lambda sweep, sweeps: 0.1 * sweep}
    steps, start = runs.blocks(**schedule)
    recording = record(steps, start=start)
    real = list(runs.blocks(**schedule)[0])
    assert_terms(recording, real, offset=1)
    assert sum("before" in frame for frame in recording.frames) >= 5


@pytest.mark.parametrize("method", ["rvscgd", "admm"])
@pytest.mark.parametrize("penalty", [n for n, kind in PENALTIES.items() if not kind.of_matrices])
@pytest.mark.parametrize("d", [2, 7])
def test_frames_of_rvscgd_are_the_steps(method, penalty, d):
    options = {"method": method, "penalty": penalty, "d": d}
    recording, real = record(runs.splitting(**options)), list(runs.splitting(**options))
    assert_terms(recording, real, offset=1)
    for name, i in (("u", 0), ("w", 1), ("z", 2))[: 2 + (method == "admm")]:
        for shown, step in zip(values(recording, name)[1:], real, strict=True):
            np.testing.assert_allclose(shown, step.state[i], rtol=1e-6, atol=1e-300)
    for frame in recording.frames[1:]:
        assert all(agrees for *_, agrees in frame["worked"]["comparisons"])
    for before, frame, step in zip(
        values(recording, "u"), recording.frames[1:], real, strict=False
    ):
        changed = np.any((np.array(before) != 0) != (step.state.u != 0))
        assert ("entries that are not 0" in frame.get("happened", "")) == changed


def test_steps_now_and_then_show_no_entry_of_a_step_that_nobody_saw():
    recording = record(runs.splitting(every=5))
    assert recording.frames[0]["sweep"] == 5
    assert_terms(recording, list(runs.splitting(every=5)), offset=0)
    for frame in recording.frames:
        first = recording.blocks[frame["block"]]["name"] == "u"
        assert first == ("worked" not in frame)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighting", ["magnitude", "equal"])
def test_frames_of_target_propagation_are_the_steps(loss, weighting):
    options = {"loss": loss, "weighting": weighting}
    recording = record(runs.targets(**options))
    real = frozen(runs.targets(**options))
    assert_terms(recording, real, offset=0)
    for i, step in enumerate(real):
        frame, layer = recording.frames[i], int(step.block[1:])
        for number, Z in enumerate(step.state.outputs, start=1):
            np.testing.assert_allclose(values(recording, f"Z{number}")[i], Z, rtol=1e-3)
        right = np.mean(step.state.outputs[-1].argmax(1) == step.info["classes"])
        assert frame["numbers"]["correct"] == pytest.approx(right)
        assert all(agrees for *_, agrees in frame["worked"]["comparisons"])
        if layer == 3:
            assert values(recording, "t1")[i] == values(recording, "t2")[i] == ""
            continue
        signs = step.info["targets"].signs
        told = [{"+": 1, "-": -1, "0": 0}[c] for c in values(recording, f"t{layer}")[i]]
        assert told == signs.ravel().astype(int).tolist()
        met = np.sum(signs * step.state.outputs[layer - 1] > 0)
        assert (frame["numbers"]["met"], frame["numbers"]["asked"]) == (met, np.sum(signs != 0))


def test_flips_of_target_propagation_are_counted_after_the_update():
    recording, real = record(runs.targets()), frozen(runs.targets())
    told = 0
    for frame, step in zip(recording.frames, real, strict=True):
        i = int(step.block[1:]) - 1
        W, b = step.state.layers()[i]
        after = step.state.inputs[i] @ W.T + b
        flips = np.sum((after > 0) != (step.state.outputs[i] > 0))
        if i < 2:
            assert bool(flips) == ("happened" in frame)
            told += "happened" in frame
            assert not flips or frame["happened"].startswith(f"{flips} ")
    assert told > 3


@pytest.mark.parametrize(
    "options",
    [
        {"normalise": True},
        {"activation": "staircase", "levels": 3},
        {"surrogate": "relu"},
        {"output": "hinge"},
        {"dropout": 0.2},
        {"measure": False},
    ],
)
def test_all_options_of_target_propagation_can_be_recorded(options):
    recording = record(runs.targets(**options))
    for frame in recording.frames:
        if "worked" in frame:
            assert all(agrees for *_, agrees in frame["worked"]["comparisons"])
    json.dumps(vars(recording), allow_nan=False)


@pytest.mark.parametrize("d", [2, 6])
@pytest.mark.parametrize("start", [0.0, 0.01, 2.5, np.pi])
def test_frames_of_the_coarse_gradient_are_the_steps(d, start):
    recording, real = record(runs.coarse(d=d, start=start)), list(runs.coarse(d=d, start=start))
    assert_terms(recording, real, offset=1)
    for shown, step in zip(values(recording, "w")[1:], real, strict=True):
        np.testing.assert_allclose(shown, step.state.w, rtol=1e-10, atol=1e-15)
    for frame in recording.frames[1:]:
        assert all(agrees for *_, agrees in frame["worked"]["comparisons"])


def test_any_stream_can_be_recorded():
    recording = record(batches())
    assert recording.kind == "terms"
    assert_terms(recording, list(batches()), offset=0)
    block = Block("x", "x <- x - f'(x)")
    other = [Step(1, block, {"f": 2.0}, {"f": 1.0}), Step(2, "y", {"f": 1.0}, {"f": np.nan})]
    recording = record(other)
    assert [frame["terms"] for frame in recording.frames] == [[1], [None]]
    assert recording.blocks[0]["notes"] == [["", "x <- x - f'(x)"]]


def test_steps_with_weights_that_do_not_fit_on_a_page_are_left_out():
    steps, start, pixels = runs.digits()
    recording = record(steps, start=start, pictures=pixels)
    assert recording.fixed["image"] == 8
    assert len(recording.fixed["pictures"]) == 40
    np.testing.assert_allclose(recording.fixed["pictures"], pixels[:40], rtol=1e-2)


# ----------------------------------------------------------------------------- entries by hand


@pytest.mark.parametrize("method", ["rvscgd", "admm"])
@pytest.mark.parametrize("penalty", ["l0", "l1"])
def test_a_wrong_step_of_rvscgd_is_seen(method, penalty):
    """Every check of a number by hand sees an error of a thousandth, unless the number is 0."""
    run = list(runs.splitting(penalty=penalty, method=method, lam=0.2))
    recorder = document.recorder_of(run[0])
    seen = 0
    for step in run:
        off = [None if each is None else each * 1.001 for each in step.state]
        wrong = Step(step.sweep, step.block, {}, {}, type(step.state)(*off), step.info)
        (comparison,) = recorder.worked(wrong).comparisons
        assert comparison.agrees == (comparison.by_hand == 0)
        assert all(each.agrees for each in recorder.worked(step).comparisons)
        seen += not comparison.agrees
        recorder.passed(step)
    assert seen > 100


@pytest.mark.parametrize("penalty", ["tl1", "mcp", "scad"])
def test_a_wrong_map_is_seen_by_its_cost(penalty):
    run = list(runs.splitting(penalty=penalty, lam=0.2))
    recorder = document.recorder_of(run[0])
    recorder.passed(run[0])
    state = run[2].state._replace(u=run[1].state.w * 0.5)
    wrong = Step(2, run[2].block, {}, {}, state, run[2].info)
    recorder.passed(run[1])
    assert recorder.worked(run[2]).agrees
    assert not recorder.worked(wrong).agrees


@pytest.mark.parametrize("loss", LOSSES)
def test_a_wrong_derivative_of_target_propagation_is_seen(loss, monkeypatch):
    def scaled(function):
        return lambda *arguments: function(*arguments) * 1.001

    monkeypatch.setattr(TargetUnits, "layer_gradient", scaled(TargetUnits.layer_gradient))
    monkeypatch.setattr(CrossEntropy, "derivative", scaled(CrossEntropy.derivative))
    found = [
        (comparison[1], comparison[3])
        for frame in record(runs.targets(loss=loss)).frames
        for comparison in frame["worked"]["comparisons"]
    ]
    assert all(agrees == (float(by_hand) == 0) for by_hand, agrees in found)
    assert sum(not agrees for _, agrees in found) > 10


def test_slopes_by_hand_are_those_of_the_losses():
    assert set(SLOPES) == set(LOSSES)
    for name, slope in SLOPES.items():
        for m in [*np.linspace(-4, 4, 33), -800.0, 800.0]:
            expected = LOSSES[name].derivative(np.array([m]))[0]
            assert slope(m) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_a_wrong_step_of_the_coarse_gradient_is_seen():
    run = list(runs.coarse())
    recorder = document.recorder_of(run[0])
    for step in run[:5]:
        moved = step.state._replace(w=step.state.w * 1.0001)
        other = Step(step.sweep, step.block, step.before, step.after, moved, step.info)
        assert not recorder.worked(other).comparisons[1].agrees
        assert all(each.agrees for each in recorder.worked(step).comparisons)
        recorder.passed(step)


# ---------------------------------------------------------------------------------- descent


@pytest.mark.parametrize("d", [2, 3, 20])
def test_coarse_descent_is_the_formula(d):
    rng = np.random.default_rng(d)
    for _ in range(20):
        w, w_star = rng.standard_normal((2, d))
        w_star /= np.linalg.norm(w_star)
        k, eta = int(rng.integers(1, 30)), 0.02
        w = w / np.linalg.norm(w)
        for step in descent.iterate(5 * w, w_star, k=k, eta=eta, n_iter=5):
            w = w - eta * k / (2 * np.pi) * (w - w_star)
            w = w / np.linalg.norm(w)
            np.testing.assert_allclose(step.state.w, w, rtol=1e-12)
            angle = np.arccos(np.clip(w @ w_star, -1, 1))
            assert step.after["loss"] == pytest.approx(k * angle / (2 * np.pi), abs=1e-6)
            assert step.decrease >= 0


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"w0": [0.0, 0.0]}, "w0 must"),
        ({"w0": [1.0, 0.0, 0.0]}, "w0 and w_star must be of one shape"),
        ({"w0": [[1.0, 0.0]]}, "w0 and w_star must be of one shape"),
        ({"w_star": [2.0, 0.0]}, "w_star must have norm 1"),
        ({"k": 0}, "k must"),
        ({"eta": 0.0}, "eta must"),
        ({"n_iter": 0}, "n_iter must"),
    ],
)
def test_coarse_descent_refuses_what_it_cannot_follow(arguments, what):
    given = {"w0": [0.0, 1.0], "w_star": [1.0, 0.0], "k": 20, "eta": 0.1, "n_iter": 3}
    given |= arguments
    with pytest.raises(ValueError, match=what):
        descent.iterate(given.pop("w0"), given.pop("w_star"), **given)


# ---------------------------------------------------------------------------------- equations


def test_mathml_is_well_formed_and_says_what_it_should():
    def shown(equation):
        return "".join(ET.fromstring(mathml(equation)).itertext())

    assert shown(r"W_1 = \tau U^\top V") == "W1=τU⊤V"
    assert shown(r"\frac{a - 1}{2} \|x\|^2") == "a−12‖x‖2"
    assert shown(r"\text{if } a < b") == "if\xa0a<b"
    assert shown(r"\mathrm{prox}_{\lambda P}(\hat{w})") == "proxλP(w^)"
    assert shown(r"\sqrt{2 t}") == "2t"
    math = ET.fromstring(mathml(r"\min_{w} x_i^2 \quad \sum_n y"))
    assert [child.tag for child in math] == ["munder", "msubsup", "mspace", "munder", "mi"]
    assert math.attrib["alttext"] == r"\min_{w} x_i^2 \quad \sum_n y"


@pytest.mark.parametrize(
    "equation", [r"\unknown", r"\frac{a}", "{a", "a}", "x_", "x^", r"\text{a", r"\sqrt"]
)
def test_mathml_refuses_what_it_does_not_know(equation):
    with pytest.raises(ValueError, match="equation must have"):
        mathml(equation)


@given(st.text(alphabet="abc12_^{}()<>&\"'+-= ", max_size=20))
def test_mathml_is_well_formed_or_refuses(equation):
    try:
        text = mathml(equation)
    except ValueError:
        return
    ET.fromstring(text)


def test_every_equation_of_every_block_is_well_formed():
    recordings = [
        record(*runs.blocks(splitting=splitting, lam=lam, groups=groups)[:1])
        for splitting in ("two", "three", "joint")
        for lam, groups in ((0.0, "rows"), (0.3, "rows"), (0.3, "columns"))
    ]
    recordings += [record(runs.splitting(method=m, n_iter=2)) for m in ("rvscgd", "admm")]
    recordings += [record(runs.targets(epochs=1)), record(runs.coarse())]
    for recording in recordings:
        for block in recording.blocks:
            assert block["equations"]
            assert block["heading"]
            assert re.fullmatch(r"docs/theory.md#\w+", block["source"])
            for equation in block["equations"]:
                ET.fromstring(equation)


# -------------------------------------------------------------------------------- numbers


@given(st.floats(allow_nan=True, allow_infinity=True), st.integers(1, 17))
def test_rounding_keeps_so_many_digits(value, digits):
    rounded = significant(value, digits)
    if not np.isfinite(value):
        assert rounded is None
        return
    assert rounded == float(f"{value:.{digits}g}")
    assert json.loads(json.dumps(rounded)) == rounded


def test_rounding_keeps_the_shape():
    assert significant(np.array([[1.0, 2.5], [np.nan, -0.125]]), 2) == [[1, 2.5], [None, -0.12]]
    assert significant(np.zeros((0,))) == []
    assert significant(np.float32(0.1), 7) == 0.1


# ---------------------------------------------------------------------------------- pages


@pytest.fixture(scope="module")
def pages():
    """Return the text of a page of each kind."""
    steps, start = runs.blocks()
    return {
        "bcd": render(steps, start=start),
        "rvscgd": render(runs.splitting()),
        "ftprop": render(runs.targets()),
        "coarse": render(runs.coarse()),
        "terms": render(batches()),
    }


def test_a_page_needs_nothing_else(pages):
    for text in pages.values():
        assert "http:" not in text
        assert "https:" not in text
        assert not re.search(
            r"<(?:link|img|iframe|object|embed)\b|\bsrc\s*=|@import|url\((?!#)", text
        )
        assert "default-src 'none'" in text
        assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|eval|import)\s*\(", text)


def test_the_recording_in_the_page_is_the_recording():
    steps, start = runs.blocks()
    recording = record(steps, start=start, title="A <title> & more")
    text = render(recording)
    assert unpacked(text) == json.loads(json.dumps(vars(recording)))
    assert "<title>A &lt;title&gt; &amp; more</title>" in text


def test_same_steps_same_page(pages):
    assert render(runs.splitting()) == pages["rvscgd"]


def test_page_writes_the_file_whole_or_not_at_all(tmp_path):
    path = tmp_path / "page.html"
    page(runs.coarse(), path, title="Round and round")
    assert path.read_text(encoding="utf-8") == render(runs.coarse(), title="Round and round")

    def broken():
        yield from runs.coarse(n_iter=3)
        raise RuntimeError("in the middle")

    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        page(broken(), path)
    with pytest.raises(ValueError, match="does not exist"):
        page(runs.coarse(), tmp_path / "nowhere" / "page.html")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_five_thousand_steps_fit_into_three_megabytes():
    """Of a net that is never at rest, since the price of its coupling goes up and down."""
    schedule = {"tau_schedule": lambda sweep, sweeps: 0.05 + sweep % 7 / 7}
    steps, start = runs.blocks(sweeps=2000, hidden=(8,), data=runs.plane(60), **schedule)
    recording = record(steps, start=start)
    assert len(recording.frames) == 5001
    assert recording.more
    assert len(render(recording).encode()) < LARGEST_PAGE == 3_000_000


def test_a_page_that_is_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(document, "LARGEST_PAGE", 50_000)
    with pytest.raises(ValueError, match=r"of at most 0\.05 MB, but these 31 frames"):
        page(runs.coarse(), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_the_limit_leaves_the_rest_of_the_stream_unasked():
    asked = []

    def steps():
        for step in runs.coarse():
            asked.append(step)
            yield step

    recording = record(steps(), limit=4)
    assert len(recording.frames) == 5
    assert recording.more
    assert len(asked) == 5  # the fifth says that there is more
    assert not record(runs.coarse(n_iter=4), limit=4).more


def test_what_are_no_steps_is_refused():
    for steps, what in (
        ([], "there is none"),
        ([1, 2], "there is int"),
        (iter("ab"), "there is str"),
        ([next(runs.coarse()), "x"], "have a str"),
    ):
        with pytest.raises(ValueError, match=what):
            record(steps)
    with pytest.raises(ValueError, match="limit must"):
        record(runs.coarse(), limit=0)


@pytest.mark.parametrize("steps", [lambda: runs.blocks()[0], runs.targets])
def test_a_list_of_steps_with_one_state_is_refused(steps):
    with pytest.raises(ValueError, match="the solver's generator itself"):
        record(list(steps()))
    record(list(runs.splitting()))  # whose states are its own


# -------------------------------------------------------------------------------- notebooks


def test_show_embeds_the_page(pages):
    shown = show(runs.splitting(), height=500)
    (source,) = re.findall('<iframe srcdoc="([^"]*)"', shown._repr_html_())
    assert html.unescape(source) == pages["rvscgd"]
    assert "height: 500px" in shown._repr_html_()
    assert "player page of" in repr(shown)
    with pytest.raises(ValueError, match="height must"):
        show(runs.splitting(), height=0)


@pytest.mark.parametrize(
    "steps", [lambda: runs.blocks()[0], runs.splitting, runs.targets, runs.coarse]
)
def test_a_step_shows_itself_as_a_card(steps):
    for step in steps():
        source = step._repr_html_()
        card = ET.fromstring(source.replace("&nbsp;", " "))
        text = "\n".join(card.itertext())
        assert f"{step.block}, sweep {step.sweep}" in text
        for name, value in step.after.items():
            assert name in text
            assert f"{value:.6g}" in text
        for line in step.block.equation.splitlines():
            assert line in text
        assert "http" not in source


def test_a_card_of_odd_numbers():
    step = Step(
        1, "<b>", {"f": 1.0}, {"f": np.nan, "new": -2.0, "far": np.inf}, info={"flipped": 1}
    )
    card = ET.fromstring(step._repr_html_())
    text = " ".join(card.itertext())
    assert "<b>, sweep 1" in text
    assert "1 bit flips" in text
    widths = [float(w) for w in re.findall(r"width: ([\d.]+)%", step._repr_html_())]
    assert len(widths) == 4
    assert all(0 <= width <= 100 for width in widths)
    ET.fromstring(Step(1, "x", {}, {})._repr_html_())


def test_the_player_is_public():
    assert zeroone.player.page is page
    assert zeroone.player.show is show
