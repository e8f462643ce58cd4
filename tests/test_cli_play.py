"""The command play, as someone at a terminal sees it: pages of runs, and what is refused."""

import base64
import json
import re
import zlib
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import terminal

from zeroone.bcd.full_batch import iterate
from zeroone.commands.play import PLANES, plane
from zeroone.datasets import load_digits
from zeroone.player import document

run = partial(terminal.run, "play")


def recorded(path):
    """Return the recording in a page."""
    text = path.read_text(encoding="utf-8")
    (letters,) = re.findall(r'<script id="recording" type="text/plain">(.*?)</script>', text)
    return json.loads(zlib.decompress(base64.b64decode(letters)))


def played(tmp_path, *arguments):
    """Return the recording of a page that the command writes, and what it says."""
    path = tmp_path / "page.html"
    status, out, err = run(*arguments, "--html", path)
    assert (status, err) == (0, ""), err
    assert str(path) in out
    return recorded(path), out


@pytest.mark.parametrize(
    ("algorithm", "kind", "frames"),
    [
        ("bcd", "block-coordinate-descent", 37),
        ("rvscgd", "rvscgd", 201),
        ("ftprop", "target-propagation", 180),
        ("coarse", "coarse-gradient", 61),
    ],
)
def test_each_algorithm_makes_a_page_without_any_option(tmp_path, algorithm, kind, frames):
    recording, out = played(tmp_path, algorithm)
    assert recording["kind"] == kind
    assert len(recording["frames"]) == frames
    assert out.startswith(f"page of {frames} frames, ")
    changes = sum("happened" in frame for frame in recording["frames"][1:])
    assert f"{changes} of them with a change" in out
    assert changes >= 3
    for frame in recording["frames"][1:]:
        assert all(agrees for *_, agrees in frame["worked"]["comparisons"])


def test_the_default_run_of_block_coordinate_descent_is_worth_watching(tmp_path):
    frames = played(tmp_path, "bcd")[0]["frames"]
    totals = [sum(frame["terms"]) for frame in frames]
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(totals))
    assert sum(frame["numbers"].get("flipped", 0) > 0 for frame in frames) >= 3
    assert frames[-1]["numbers"]["accuracy"] > frames[1]["numbers"]["accuracy"] + 0.3


def test_the_default_run_of_rvscgd_finds_the_support(tmp_path):
    recording = played(tmp_path, "rvscgd")[0]
    last_u = [frame["set"]["u"] for frame in recording["frames"] if "u" in frame.get("set", {})][-1]
    assert last_u[0] > 0.9
    assert last_u[1] == 0


def test_the_page_has_the_solvers_own_steps(tmp_path):
    """The same numbers as the solver's, from what the page says of its data."""
    recording = played(tmp_path, "bcd", "--data", "moons", "--sweeps", 3, "--l20", 0.2)[0]
    rng = np.random.default_rng(0)
    X, Y = plane("moons", 60, rng)
    np.testing.assert_allclose(recording["fixed"]["X"], X, rtol=1e-5)
    options = {"sweeps": 3, "lam": 0.2, "initialisation": "data-scaled"}
    steps = iterate(X, Y, (8,), rng=int(rng.integers(2**31)), **options)
    for frame, step in zip(recording["frames"][1:], steps, strict=True):
        np.testing.assert_allclose(frame["terms"], list(step.after.values()), rtol=1e-6)


@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("n", [2, 3, 60])
def test_points_of_the_plane(name, n):
    X, Y = plane(name, n, np.random.default_rng(0))
    assert X.shape == (n, 2)
    assert np.isfinite(X).all()
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(Y.sum(axis=1), 1)
    counts = Y.sum(axis=0)
    assert counts.max() - counts.min() <= 1


def test_digits_have_their_pixels(tmp_path):
    recording, _ = played(tmp_path, "bcd", "--data", "digits", "--samples", 50, "--sweeps", 1)
    pictures = np.array(recording["fixed"]["pictures"])
    assert pictures.shape == (40, 64)
    pixels = load_digits().X_train
    assert all(np.any(np.all(np.isclose(pixels, picture), axis=1)) for picture in pictures)
    assert recording["title"] == "Block coordinate descent: digits, a net of 64-8-10 units"


def test_own_data(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "mine.npz"
    np.savez(path, X=rng.standard_normal((50, 3)), y=np.arange(50) % 3)
    for algorithm in ("bcd", "ftprop"):
        recording, _ = played(tmp_path, algorithm, "--data", path, "--hidden", "3,2")
        assert recording["fixed"]["sizes"] == [3, 3, 2, 3]


def test_options_of_the_filters(tmp_path):
    recording, _ = played(
        tmp_path, "rvscgd", "--d", 50, "--method", "admm", "--penalty", "tl1", "--n-iter", 10
    )
    assert len(recording["fixed"]["w_star"]) == 50
    assert recording["fixed"]["penalty"] == "tl1"
    assert len(recording["frames"]) == 31
    recording, _ = played(tmp_path, "coarse", "--start", 1.0, "--k", 7)
    assert recording["frames"][0]["numbers"]["angle"] == pytest.approx(1)
    assert recording["fixed"]["k"] == 7


def test_a_long_run_is_cut_and_says_so(tmp_path):
    recording, out = played(tmp_path, "rvscgd", "--steps", 12, "--title", "A & B")
    assert len(recording["frames"]) == 13
    assert recording["more"]
    assert "goes on after 12 steps" in out
    assert recording["title"] == "A & B"


def test_a_seed_makes_the_same_page(tmp_path):
    texts = []
    for seed in (3, 3, 4):
        played(tmp_path, "ftprop", "--seed", seed, "--epochs", 2)
        texts.append((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "the following arguments are required: ALGORITHM"),
        (("bcd",), "required: --html"),
        (("sgd", "--html", "page.html"), "invalid choice"),
        (("bcd", "--html", "nowhere/page.html"), "does not exist"),
        (
            ("bcd", "--html", "page.html", "--data", "nothing"),
            "must be one of moons, xor, blobs, d",
        ),
        (("bcd", "--html", "page.html", "--samples", 1), "samples must be an integer >= 2"),
        (("bcd", "--html", "page.html", "--hidden", 0), "hidden must"),
        (("bcd", "--html", "page.html", "--sweeps", 0), "sweeps must"),
        (("bcd", "--html", "page.html", "--steps", 0), "steps must"),
        (("bcd", "--html", "page.html", "--seed", -1), "seed must"),
        (("bcd", "--html", "page.html", "--l20", -1), "lam must"),
        (("bcd", "--html", "page.html", "--lam", 1), "unrecognized arguments"),
        (("rvscgd", "--html", "page.html", "--lam", -1), "lam must"),
        (("rvscgd", "--html", "page.html", "--d", 5000), "d must be <= 1000"),
        (("rvscgd", "--html", "page.html", "--penalty", "l20"), "invalid choice"),
        (("ftprop", "--html", "page.html", "--batch-size", 0), "batch_size must"),
        (("coarse", "--html", "page.html", "--start", 4), "start must be an angle from 0 to pi"),
        (("coarse", "--html", "page.html", "--eta", 0), "eta must"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(tmp_path, monkeypatch, arguments, what):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert what in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_page_is_not_written_over_its_data(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.eye(4), y=np.arange(4) % 2)
    before = path.read_bytes()
    status, _, err = run("bcd", "--data", path, "--html", path)
    assert status == 2
    assert "names the same file" in err
    assert path.read_bytes() == before


def test_a_run_too_large_for_a_page_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "LARGEST_PAGE", 90_000)
    status, _, err = run("bcd", "--html", tmp_path / "page.html")
    assert status == 2
    assert "of at most 0.09 MB" in err
    assert not list(tmp_path.iterdir())
