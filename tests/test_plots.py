"""Pictures: what is in them, that nothing overlaps, and that matplotlib is only loaded for them."""

import os
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from zeroone.activations import PSEUDO_DERIVATIVES
from zeroone.losses import LOSSES
from zeroone.penalties import PENALTIES
from zeroone.plots import style as plots
from zeroone.plots import training
from zeroone.plots.names import plain_name, term_name
from zeroone.steps import History, Step

MANY_TERMS = (
    *("fit", "coupling_1", "coupling_2", "coupling_3", "activation_1", "activation_2"),
    *("activation_3", "ridge", "sparsity"),
)


def make_history(terms=("fit", "coupling_1", "sparsity"), sweeps=4, judge="test"):
    """Return a history of two blocks a sweep, the last of which has accuracies."""
    history = History()
    for sweep in range(1, sweeps + 1):
        for number, block in enumerate(("W2", "U1")):
            position = sweep - 1 + (number + 1) / 2
            after = {name: (i + 1) / position for i, name in enumerate(terms)}
            if "sparsity" in terms:
                after["sparsity"] = 0.0
            measured = {}
            if number:
                measured = {
                    "train_accuracy": 0.8 + sweep / 100,
                    f"{judge}_accuracy": 0.7 + sweep / 100,
                    "neurons_1": 5,
                }
            step = Step(sweep, block, after, after)
            history.record_step(step, position=position, seconds=1.0, **measured)
    return history


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def test_training_curve_shows_terms_and_accuracy():
    figure = training.training_curve(make_history(), title="the title", step="sweep")
    left, right = figure.axes
    assert set(lines(left)) == {
        "objective",
        "fit",
        "coupling of layer 1",
    }  # not the zero, nor "seconds"
    assert left.get_yscale() == "log"
    assert lines(left)["fit"].get_ydata() == pytest.approx(
        [2, 1, 2 / 3, 1 / 2, 0.4, 1 / 3, 2 / 7, 1 / 4]
    )
    assert lines(left)["objective"].get_ydata()[0] == pytest.approx(6)
    assert set(lines(right)) == {"training data", "test data"}
    assert lines(right)["test data"].get_xdata() == pytest.approx([1, 2, 3, 4])
    assert lines(right)["test data"].get_ydata() == pytest.approx([71, 72, 73, 74])
    assert left.get_title(loc="left") == "the title"
    assert left.get_xlabel() == right.get_xlabel() == "sweep"
    assert left.get_ylabel() == "objective"
    assert "%" in right.get_ylabel()
    for axes in figure.axes:
        names = {text.get_text() for text in axes.get_legend().get_texts()}
        assert names == set(lines(axes))


def test_held_out_data_are_not_called_test_data():
    figure = training.training_curve(make_history(judge="validation"), title="")
    assert set(lines(figure.axes[1])) == {"training data", "held-out data"}


def test_missing_and_unknown_values_are_left_out():
    history = make_history()
    history.rows[2]["fit"] = float("nan")
    history.rows[4]["fit"] = None
    del history.rows[5]["fit"]
    figure = training.training_curve(history, title="")
    assert len(lines(figure.axes[0])["fit"].get_xdata()) == 5


def test_no_accuracy_at_all():
    history = History()
    terms = {"fit": 1.0}
    history.record_step(Step(1, "W2", terms, terms), position=0.5, seconds=0.1)
    figure = training.training_curve(history, title="")
    assert not figure.axes[1].lines
    figure.draw_without_rendering()  # warnings are errors: no legend without lines


def test_a_single_point_can_be_seen():
    figure = training.training_curve(make_history(sweeps=1), title="")
    assert lines(figure.axes[1])["test data"].get_marker() == "o"
    assert lines(figure.axes[0])["fit"].get_marker() == "None"


def test_whole_numbers_are_counted_in_whole_numbers():
    figure = training.training_curve(make_history(sweeps=2), title="")
    kept = training.removal_curve([4, 3, 2], {"test data": [0.9, 0.8, 0.7]}, title="")
    for axes in (figure.axes[1], kept.axes[0]):
        assert all(tick == round(tick) for tick in axes.get_xticks())


def test_no_two_lines_look_the_same():
    figure = training.training_curve(make_history(terms=MANY_TERMS), title="")
    drawn = figure.axes[0].lines
    assert len(drawn) == 9  # the terms but for the zero, and their sum
    looks = [(line.get_color(), line._unscaled_dash_pattern) for line in drawn]
    for one, other in combinations(looks, 2):
        assert one != other


def test_removal_curve():
    figure = training.removal_curve([9, 5, 2], {"test data": [0.9, 0.8, 0.5]}, title="t")
    (axes,) = figure.axes
    assert lines(axes)["test data"].get_xdata() == pytest.approx([9, 5, 2])
    assert lines(axes)["test data"].get_ydata() == pytest.approx([90, 80, 50])
    assert "neurons" in axes.get_xlabel()
    assert "%" in axes.get_ylabel()
    assert axes.get_title(loc="left") == "t"


def make_figures():
    removal = {"held-out training data": [1, 0.9, 0.1], "test data": [1, 0.8, 0]}
    return [
        training.training_curve(make_history(), title="digits, 64-20-10"),
        training.training_curve(make_history(terms=MANY_TERMS), title="three layers", step="sweep"),
        training.removal_curve([500, 250, 50], removal, title="mnist, joint score"),
    ]


def overlaps(figure):
    """Return pairs of what covers each other, and what is cut off by the figure's edge."""
    figure.draw_without_rendering()
    boxes = {}
    for number, axes in enumerate(figure.axes):
        parts = {
            "data": axes.patch,
            "legend": axes.get_legend(),
            "x label": axes.xaxis.label,
            "y label": axes.yaxis.label,
            "title": axes._left_title,
        }
        boxes |= {f"{name} {number}": part.get_window_extent() for name, part in parts.items()}
        # The numbers along the axes, all together.
        for axis in (axes.xaxis, axes.yaxis):
            ticks = [label.get_window_extent() for label in axis.get_ticklabels()]
            low, high = sorted(axis.get_view_interval())
            places = axis.get_ticklocs()
            shown = [box for box, at in zip(ticks, places, strict=True) if low <= at <= high]
            boxes[f"{axis.axis_name} ticks {number}"] = Bbox.union(shown)
    boxes = {name: box for name, box in boxes.items() if box.width > 0}
    width, height = figure.bbox.size
    cut = [
        (name, "edge")
        for name, box in boxes.items()
        if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height
    ]
    return cut + [
        (one, other)
        for (one, a), (other, b) in combinations(boxes.items(), 2)
        if a.overlaps(b)
        and Bbox.intersection(a, b).height > 1
        and Bbox.intersection(a, b).width > 1
    ]


@pytest.mark.parametrize("number", range(3))
def test_nothing_is_covered_or_cut_off(number):
    assert overlaps(make_figures()[number]) == []


def test_a_legend_over_the_data_would_be_noticed():
    figure = make_figures()[0]
    figure.axes[0].legend(loc="center")
    assert ("data 0", "legend 0") in overlaps(figure)
    figure = make_figures()[0]
    figure.axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.02))
    assert ("legend 0", "x label 0") in overlaps(figure)


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG\r\n"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF-")]
)
def test_the_same_picture_is_the_same_file(tmp_path, name, start):
    contents = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        plots.save(training.training_curve(make_history(), title="t"), tmp_path / folder / name)
        contents.append((tmp_path / folder / name).read_bytes())
        assert os.listdir(tmp_path / folder) == [name]
    assert contents[0].startswith(start)
    assert contents[0] == contents[1]
    plots.save(training.training_curve(make_history(sweeps=5), title="t"), tmp_path / name)
    assert (tmp_path / name).read_bytes() != contents[0]


@pytest.mark.parametrize("name", ["a.gif", "a", "png", "a.png.txt"])
def test_other_kinds_of_picture_are_refused(tmp_path, name):
    figure = training.removal_curve([2, 1], {"test data": [1, 0]}, title="")
    with pytest.raises(ValueError, match=r"must end in \.png, \.svg or \.pdf"):
        plots.save(figure, tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", range(3))
def test_letters_are_large_enough_when_shrunk_to_a_column(number):
    figure = make_figures()[number]
    shrunk = min(1, plots.COLUMN / figure.get_figwidth())
    sizes = [text.get_fontsize() for text in figure.findobj(Text)]
    assert min(sizes) * shrunk >= 6 - 1e-9


def test_axes_come_row_by_row():
    figure, axes = plots.new_figure(2, rows=3, height=5)
    figure.draw_without_rendering()
    corners = [each.get_position() for each in axes]
    assert corners[0].x0 == corners[2].x0 < corners[1].x0
    assert corners[0].y0 == corners[1].y0 > corners[2].y0
    assert tuple(figure.get_size_inches()) == (plots.WIDE, 5)
    assert plots.new_figure()[0].get_figwidth() == plots.COLUMN
    assert plots.new_figure(3, width=9)[0].get_figwidth() == 9


def dots(axes):
    """Return the places of filled and of hollow dots."""
    marked = [line for line in axes.lines if line.get_marker() == "o"]
    hollow = [line for line in marked if line.get_markerfacecolor() == "white"]
    return [
        {(float(line.get_xdata()[0]), round(float(line.get_ydata()[0]), 6)) for line in some}
        for some in ([line for line in marked if line not in hollow], hollow)
    ]


def test_a_jump_has_its_value_and_its_limits():
    _, (axes,) = plots.new_figure()
    plots.draw_function(axes, lambda x: np.sign(x - 1), (-2, 3), jumps=(1,), label="sign")
    filled, hollow = dots(axes)
    assert (filled, hollow) == ({(1.0, 0.0)}, {(1.0, -1.0), (1.0, 1.0)})
    left, right = (line for line in axes.lines if line.get_marker() == "None")
    assert left.get_xdata()[0] == pytest.approx(-2)
    assert np.all(left.get_xdata() < 1)
    assert np.all(right.get_xdata() > 1)
    assert right.get_xdata()[-1] == pytest.approx(3)
    assert axes.get_legend_handles_labels()[1] == ["sign"]


def test_a_limit_that_is_the_value_is_not_hollow():
    _, (axes,) = plots.new_figure()
    plots.draw_function(axes, lambda x: (x > 0).astype(float), (-1, 1), jumps=(0,))
    assert dots(axes) == [{(0.0, 0.0)}, {(0.0, 1.0)}]
    _, (axes,) = plots.new_figure()
    plots.draw_function(axes, np.abs, (-1, 1))
    assert dots(axes) == [set(), set()]


def test_one_legend_for_several_axes():
    figure, (left, right) = plots.new_figure(2)
    left.plot([0, 1], [0, 1], label="one")
    left.plot([0, 1], [1, 0], label="other")
    right.plot([0, 1], [0, 1], label="other")
    right.plot([0, 1], [0, 2], label="third")
    plots.figure_legend(figure, left, right)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["one", "other", "third"]
    figure.draw_without_rendering()
    for axes in (left, right):
        assert legend.get_window_extent().y1 < axes.get_tightbbox().y0


@pytest.mark.parametrize("dpi", [30, 60, None])
def test_resolution(tmp_path, dpi):
    figure = training.removal_curve([2, 1], {"test data": [1, 0]}, title="")
    plots.save(figure, tmp_path / "a.png", dpi=dpi)
    width = int.from_bytes((tmp_path / "a.png").read_bytes()[16:20], "big")
    assert width == int(plots.COLUMN * (dpi or 300))


def test_style_does_not_leak():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    training.removal_curve([2, 1], {"test data": np.array([1, 0])}, title="")
    assert dict(mpl.rcParams) == before


LAZY = """
import sys
import zeroone, zeroone.cli, zeroone.plots, zeroone.support.tables
heavy = {"matplotlib", "sklearn", "pandas", "torch"} & set(sys.modules)
assert not heavy, heavy
from zeroone.plots import style as plots
from zeroone.plots import training
figure = training.removal_curve([2, 1], {"test data": [1.0, 0.5]}, title="")
plots.save(figure, sys.argv[1])
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""


def test_matplotlib_is_loaded_for_pictures_only_and_pyplot_never(tmp_path):
    # Without a display, as on a server.
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    command = [sys.executable, "-c", LAZY, str(tmp_path / "a.png")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("objective", "objective"),
        ("coupling_1", "coupling of layer 1"),
        ("activation_12", "activations of layer 12"),
        ("ridge", "ridge"),
        ("output loss", "output loss"),
        ("something_else", "something else"),
        ("something_3", "something 3"),
    ],
)
def test_terms_have_names_for_people(name, said):
    assert term_name(name) == said


def test_losses_penalties_and_slopes_have_names_for_people():
    known = [*LOSSES, *PSEUDO_DERIVATIVES, *PENALTIES]
    names = [plain_name(name) for name in known]
    assert not any("_" in name for name in names)
    assert len(set(names)) == len(set(known))
    assert plain_name("saturated_hinge") == "saturated hinge"
    assert plain_name("clipped_relu") == "clipped ReLU"
