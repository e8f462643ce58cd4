"""Each figure, at low resolution: that it is there, labelled, legible, and the same every time."""

import argparse
import itertools
import os
import struct
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from zeroone.claims.runner import all_claims
from zeroone.commands import figures
from zeroone.plots import style as plots

FOLDER = Path(__file__).resolve().parents[1] / "figures"
NAMES = (
    "accuracy_against_seconds",
    "accuracy_against_zeros",
    "bcd_objective",
    "claim_margins",
    "filters_before_and_after",
    "first_layer_weights",
    "gradient_angle",
    "identity_leaves_minimum",
    "loss_cone",
    "neurons_kept",
    "penalties_and_prox",
    "phase_diagram",
    "rvscgd_angle",
    "step_and_pseudo_derivatives",
)
LARGEST = {".png": 1_200_000, ".svg": 500_000}
# Figures as large as a page, for a screen or for print; text is read at its own size.
PAGES = {"claim_margins": (11.5, 13)}
# Points: text that is smaller cannot be read.
SMALLEST_TEXT = 6
LOW_DPI = 50
EVEN_MAPS = {"viridis", "cividis"}
every_figure = pytest.mark.parametrize("name", NAMES)


def draw(name):
    """Return a figure; the one that measures time gets a clock of its own."""
    function = figures.load(FOLDER / f"{name}.py")
    if name == "accuracy_against_seconds":
        ticks = itertools.count(1)
        return function(quick=True, clock=lambda: 0.01 * next(ticks))
    return function(quick=True)


@dataclass
class Drawn:
    """A figure, the files made of it, and the texts that can be seen in it."""

    figure: Figure
    files: dict[str, Path]
    texts: list[Text]
    renderer: RendererAgg


def render(figure, path):
    """Save a figure as .png, and return the texts that were drawn and the renderer."""
    seen, renderers = {}, []
    draw_text = RendererAgg.draw_text

    def record(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        renderers.append(self)
        if s.strip() and mtext is not None:  # none for a text of several lines
            seen[id(mtext)] = mtext
        draw_text(self, gc, x, y, s, prop, angle, ismath, mtext)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RendererAgg, "draw_text", record)
        plots.save(figure, path, dpi=figure.dpi)
    for text in figure.findobj(Text):
        if "\n" in text.get_text() and text.get_visible():
            seen[id(text)] = text
    return list(seen.values()), renderers[-1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that makes a figure once."""
    folder, known = tmp_path_factory.mktemp("figures"), {}

    def make(name):
        if name not in known:
            figure = draw(name)
            figure.dpi = LOW_DPI
            files = {ending: folder / (name + ending) for ending in LARGEST}
            plots.save(figure, files[".svg"], dpi=LOW_DPI)
            known[name] = Drawn(figure, files, *render(figure, files[".png"]))
        return known[name]

    return make


def png_size(path):
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", content[16:24])


# --------------------------------------------------------------------------------------- the files


def test_there_is_a_script_for_each_figure():
    assert tuple(figures.scripts(FOLDER)) == NAMES


@every_figure
def test_figures_lie_beside_their_scripts(name):
    for ending, largest in LARGEST.items():
        assert 1000 < (FOLDER / (name + ending)).stat().st_size < largest
    width, height = png_size(FOLDER / f"{name}.png")
    dpi = plots.STYLE["savefig.dpi"]
    widest, highest = PAGES.get(name, (plots.WIDE, 8))
    assert plots.COLUMN * dpi - 1 <= width <= widest * dpi + 1
    assert height <= highest * dpi
    assert (FOLDER / f"{name}.svg").read_bytes().startswith(b"<?xml")


@every_figure
def test_each_can_be_made(made, name):
    drawn = made(name)
    width, _ = png_size(drawn.files[".png"])
    assert abs(width - drawn.figure.get_figwidth() * LOW_DPI) <= 1
    assert drawn.files[".svg"].stat().st_size < LARGEST[".svg"]


@every_figure
def test_the_same_script_draws_the_same_figure(made, name, tmp_path):
    again = draw(name)
    again.dpi = LOW_DPI
    plots.save(again, tmp_path / "a.svg", dpi=LOW_DPI)
    assert (tmp_path / "a.svg").read_bytes() == made(name).files[".svg"].read_bytes()


# ------------------------------------------------------------------------------------- the letters


def unlabelled(figure):
    """Return what has no label: an axis, unless an axes to its left has the same vertical one."""
    missing = []
    for number, axes in enumerate(figure.axes):
        if axes.get_label() == "<colorbar>":
            if not axes.get_xlabel() + axes.get_ylabel():
                missing.append((number, "bar"))
            continue
        row = [
            other
            for other in figure.axes
            if np.allclose(other.get_position().intervaly, axes.get_position().intervaly)
            and other.get_position().x0 <= axes.get_position().x0
            and other.figure is axes.figure
        ]
        if not axes.get_xlabel():
            missing.append((number, "x"))
        if not any(other.get_ylabel() for other in row):
            missing.append((number, "y"))
        if hasattr(axes, "get_zlabel") and not axes.get_zlabel():
            missing.append((number, "z"))
    return missing


def small_texts(drawn, width=plots.COLUMN):
    """Return the texts that are too small when the figure is as wide as a column."""
    shrunk = min(1, width / drawn.figure.get_figwidth())
    # A millionth for rounding: 9 points at two thirds are 6.
    least = SMALLEST_TEXT * (1 - 1e-6)
    return [text.get_text() for text in drawn.texts if text.get_fontsize() * shrunk < least]


def text_collisions(drawn):
    """Return pairs of texts that overlap, and texts that are cut off."""
    boxes = [(text.get_text(), text.get_window_extent(drawn.renderer)) for text in drawn.texts]
    width, height = drawn.figure.bbox.size
    cut = [
        (name, "edge")
        for name, box in boxes
        if min(box.x0, box.y0) < -0.5 or box.x1 > width + 0.5 or box.y1 > height + 0.5
    ]
    both = [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if (common := Bbox.intersection(a, b)) and min(common.width, common.height) > 0.5
    ]
    return cut + both


@every_figure
def test_all_axes_are_labelled(made, name):
    figure = made(name).figure
    assert figure.axes
    assert unlabelled(figure) == []


@every_figure
def test_text_is_large_enough_at_column_width(made, name):
    drawn = made(name)
    assert drawn.texts
    assert small_texts(drawn, PAGES.get(name, (plots.COLUMN, 0))[0]) == []


@every_figure
def test_texts_neither_overlap_nor_are_cut_off(made, name):
    assert text_collisions(made(name)) == []


# --------------------------------------------------------------------------- legends over the data


def legends(figure):
    found = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    found += [each for part in figure.subfigs for each in legends(part)]
    return list({id(each): each for each in found if each is not None}.values())


def polyline(points, steps=20):
    """Return points on the segments between points, in pixels."""
    if len(points) < 2:
        return points
    share = np.linspace(0, 1, steps)[:, np.newaxis]
    pieces = points[:-1, np.newaxis] * (1 - share) + points[1:, np.newaxis] * share
    return pieces.reshape(-1, 2)


def data_points(axes):
    """Return the points that data are drawn at, in pixels: of lines, dots, areas and images."""
    found = [np.empty((0, 2))]
    for line in axes.lines:
        joined = polyline if line.get_linestyle() not in ("", "None", "none") else np.asarray
        found.append(joined(line.get_transform().transform(line.get_xydata().astype(float))))
    for area in axes.collections:
        paths = [area.get_transform().transform_path(path).vertices for path in area.get_paths()]
        offsets = area.get_offset_transform().transform(np.atleast_2d(area.get_offsets()))
        if area.get_array() is None and len(offsets) > 1:  # dots or arrows
            found.append(offsets)
        else:
            found.extend(polyline(path) for path in paths)
    for bar in axes.patches:
        found.append(polyline(bar.get_transform().transform_path(bar.get_path()).vertices))
    if axes.images:  # all over the axes
        grid = np.stack(np.meshgrid(np.linspace(0, 1, 50), np.linspace(0, 1, 50)), axis=-1)
        found.append(axes.transAxes.transform(grid.reshape(-1, 2)))
    points = np.concatenate(found)
    return points[np.isfinite(points).all(axis=1) & inside(points, axes.bbox.padded(1))]


def inside(points, box):
    """Return which points are in a box."""
    x, y = points.T
    return (x >= box.x0) & (x <= box.x1) & (y >= box.y0) & (y <= box.y1)


def covered(figure):
    """Return how many data points lie under a legend."""
    boxes = [legend.get_window_extent() for legend in legends(figure)]
    points = [data_points(axes) for axes in figure.axes]
    return sum(int(inside(some, box).sum()) for some in points for box in boxes)


@every_figure
def test_no_legend_lies_over_data(made, name):
    figure = made(name).figure
    assert sum(len(data_points(axes)) for axes in figure.axes) > 50
    assert covered(figure) == 0


# ------------------------------------------------------------------------------------- the colours


def colours_of(artist):
    """Return the colours of an artist itself; nothing for one that shows numbers by a map."""
    if isinstance(artist, Line2D):
        colours = [artist.get_color()]
        if artist.get_marker() not in ("None", "none", "", None):
            colours += [artist.get_markerfacecolor(), artist.get_markeredgecolor()]
    elif isinstance(artist, Text):
        colours = [artist.get_color()]
    elif isinstance(artist, Patch):
        colours = [artist.get_facecolor(), artist.get_edgecolor()]
    elif isinstance(artist, Collection) and artist.get_array() is None:
        colours = [*artist.get_facecolor(), *artist.get_edgecolor()]
    else:
        return []
    return [each for colour in colours for each in to_rgba_array(colour) if each[3] > 0]


def strange_colours(figure):
    """Return colours that are neither grey nor of the palette, and maps that are not even."""
    palette = {colour.lower() for colour in plots.COLOURS}
    strange = set()
    for artist in figure.findobj(Artist):
        if not artist.get_visible():
            continue
        if isinstance(artist, AxesImage | Collection) and artist.get_array() is not None:
            strange |= {artist.get_cmap().name} - EVEN_MAPS
        for colour in colours_of(artist):
            grey = np.ptp(colour[:3]) < 1e-9
            if not grey and to_hex(colour) not in palette:
                strange.add(to_hex(colour))
    return strange


@every_figure
def test_colours_are_those_of_the_palette(made, name):
    assert strange_colours(made(name).figure) == set()


# ------------------------------------------------------------------ would mistakes be noticed here?


@plots.styled
def example(*, legend="below", size=9.0, colour=plots.COLOURS[0], label="height", width=3.5):
    figure, (axes,) = plots.new_figure(1, width=width)
    axes.plot([0, 1, 2], [0, 1, 0], color=colour, label="a line")
    axes.set_xlabel("time", fontsize=size)
    axes.set_ylabel(label)
    if legend == "below":
        plots.legend_below(figure, axes)
    else:
        axes.legend(loc=legend)
    return figure


def drawn_example(tmp_path, **options):
    figure = example(**options)
    return Drawn(figure, {}, *render(figure, tmp_path / "a.png"))


def test_a_good_figure_passes_all_checks(tmp_path):
    good = drawn_example(tmp_path)
    assert covered(good.figure) == 0
    assert not unlabelled(good.figure) + small_texts(good) + text_collisions(good)
    assert not strange_colours(good.figure)
    assert {text.get_text() for text in good.texts} >= {"time", "height", "a line", "1.0"}


def test_planted_mistakes_are_noticed(tmp_path):
    make = partial(drawn_example, tmp_path)
    assert covered(make(legend="upper center").figure) > 0
    assert small_texts(make(size=5.9)) == ["time"]
    assert "time" in small_texts(make(width=6.0))
    assert strange_colours(make(colour="#ff0000").figure) == {"#ff0000"}
    assert unlabelled(make(label="").figure) == [(0, "y")]
    crowded = example()
    crowded.axes[0].text(0, 0, "one")
    crowded.axes[0].text(0.01, 0, "other")
    collisions = text_collisions(Drawn(crowded, {}, *render(crowded, tmp_path / "b.png")))
    assert ("one", "other") in collisions
    crowded.text(0.99, 0.5, "over the edge")
    collisions = text_collisions(Drawn(crowded, {}, *render(crowded, tmp_path / "b.png")))
    assert ("over the edge", "edge") in collisions
    picture, (axes,) = plots.new_figure(1)
    axes.imshow(np.eye(3), cmap="jet")
    assert strange_colours(picture) == {"jet"}


# ------------------------------------------------------------------------------- what the data say


def lines_by_label(axes):
    return {line.get_label(): line.get_xydata().T for line in axes.lines}


def test_the_angle_of_relu_is_half_of_theta(made):
    theta, angle = lines_by_label(made("gradient_angle").figure.axes[0])["ReLU"]
    np.testing.assert_allclose(angle, theta / 2, atol=1e-7)


def test_the_true_slope_jumps_and_the_coarse_one_is_a_sine(made):
    arc = next(axes for axes in made("loss_cone").figure.axes if "arc" in axes.get_ylabel())
    lines = lines_by_label(arc)
    np.testing.assert_allclose(np.abs(lines["true"][1]), 20 / (2 * np.pi))
    theta, slope = lines["coarse"]
    np.testing.assert_allclose(slope, 20 / (2 * np.pi) * np.sin(theta), atol=1e-9)


def test_the_angle_and_the_lagrangian_fall(made):
    for axes in made("rvscgd_angle").figure.axes:
        values = axes.lines[0].get_ydata()
        assert len(values) > 100
        assert np.all(np.diff(values) < 0)


def test_both_forms_lower_the_objective(made):
    for axes in made("bcd_objective").figure.axes[2:4]:
        _, values = lines_by_label(axes)["objective"]
        assert np.all(np.diff(values) <= 1e-9 * values[:-1])
        assert values[-1] < 0.95 * values[0]


def test_bars_of_a_block_add_up_to_the_objective(made):
    bars, _, curves = made("bcd_objective").figure.axes[:3]
    tops = {}
    for bar in bars.patches:
        tops[bar.get_x()] = max(tops.get(bar.get_x(), 0), bar.get_y() + bar.get_height())
    objective = curves.lines[0].get_ydata()
    np.testing.assert_allclose([tops[x] for x in sorted(tops)], objective[: len(tops)])


def test_each_claim_has_a_row(made):
    # At low resolution a fifth of them: those whose dots and crosses have a kind's colour.
    claims = all_claims()[::5]
    axes = made("claim_margins").figure.axes
    rows = sum(
        line.get_linestyle() == "None" and line.get_label() != "tolerance"
        for each in axes
        for line in each.lines
    )
    assert rows == len(claims)
    names, area = [], None
    for label in (label for each in axes for label in each.get_yticklabels()):
        if label.get_fontweight() == "bold":
            area = label.get_text()
        else:
            names.append(f"{area}.{label.get_text()}")
    assert sorted(names) == sorted(claim.id for claim in claims)


# ------------------------------------------------------------------------------------- the command


def run(*arguments):
    parser = argparse.ArgumentParser()
    figures.add_parser(parser.add_subparsers())
    options = parser.parse_args(["figures", *map(str, arguments)])
    return options.run(options)


SCRIPT = '''"""What it shows.

More of it."""
from zeroone.plots import style as plots

@plots.styled
def draw(quick=False):
    figure, (axes,) = plots.new_figure(1)
    axes.plot([0, 1 if quick else 2], [0, 1])
    return figure
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return an installation with two scripts, and go to an empty folder."""
    folder = tmp_path / "share" / "zeroone" / "figures"
    folder.mkdir(parents=True)
    for name in ("one", "other"):
        (folder / f"{name}.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(figures, "material_folder", lambda name: folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def files_in(folder):
    return sorted(path.name for path in Path(folder).iterdir() if path.is_file())


def test_figures_are_written_to_a_folder_of_their_own(installed, capsys):
    Path("one.png").write_text("somebody's", encoding="utf-8")
    for _ in range(2):  # the second time in place of the first
        assert run() == 0
        assert files_in("zeroone-figures") == ["one.png", "one.svg", "other.png", "other.svg"]
    assert files_in(".") == ["one.png"]
    assert Path("one.png").read_text(encoding="utf-8") == "somebody's"
    assert files_in(installed) == ["one.py", "other.py"]
    out, err = capsys.readouterr()
    assert "zeroone-figures/one.svg, zeroone-figures/one.png" in out
    assert err == ""


def test_in_a_checkout_the_figures_of_the_project_are_left_alone(installed):
    (installed.parent / "pyproject.toml").touch()
    assert run("other", "other") == 0
    assert files_in(installed) == ["one.py", "other.py"]
    assert files_in("zeroone-figures") == ["other.png", "other.svg"]


def test_another_folder_and_a_resolution(installed):
    assert run("one", "--to", "a/b", "--dpi", "30", "--quick") == 0
    assert files_in("a/b") == ["one.png", "one.svg"]
    assert png_size(Path("a/b/one.png"))[0] == plots.COLUMN * 30
    quick = Path("a/b/one.svg").read_bytes()
    assert run("one", "--to", "a/b", "--dpi", "60") == 0
    assert png_size(Path("a/b/one.png"))[0] == plots.COLUMN * 60
    assert Path("a/b/one.svg").read_bytes() != quick


def test_figures_are_listed(installed, capsys):
    assert run("--list") == 0
    out = capsys.readouterr().out
    assert "one     What it shows.\n" in out
    assert os.listdir() == []


def test_the_figures_of_the_project_are_listed_without_running_them(capsys):
    assert run("--list") == 0
    out = capsys.readouterr().out
    for name in NAMES:
        assert f"\n{name} " in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["three"], "NAME must be one of one, other, but is 'three'"),
        (["three", "--list"], "NAME must be one of"),
        (["--dpi", "19"], "dpi must be an integer >= 20"),
        (["--to", "file"], "to must be a folder, but file is a file"),
        (["--to", "taken"], "it is a folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_drawn(installed, arguments, said):
    Path("file").touch()
    Path("taken/other.png").mkdir(parents=True)
    with pytest.raises(ValueError, match=said):
        run(*arguments)
    assert files_in(".") == ["file"]
    assert files_in("taken") == []


def test_a_script_writes_beside_itself(tmp_path):
    plots.save_beside(example(), tmp_path / "script.py")
    assert sorted(os.listdir(tmp_path)) == ["script.png", "script.svg"]
