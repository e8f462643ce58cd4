"""Running claims: workers, executors, profiles; the command with its table, JSON and page."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zeroone import __version__, cli
from zeroone.claims import Kind, all_claims, registry, rerun, runner, verify, worker_pool
from zeroone.claims.claim import Claim, collect, judge
from zeroone.claims.histogram import EDGES, Histogram
from zeroone.commands import verify_page
from zeroone.support import executors

CLAIMS = {claim.id: claim for claim in all_claims()}
FEW = [CLAIMS[name] for name in ("bcd.u-block", "bcd.infimum", "bcd.movement", "bcd.compress")]
SEARCH = next(claim for claim in CLAIMS.values() if claim.kind is Kind.COUNTEREXAMPLE)


def timeless(verdicts):
    """Return verdicts without the seconds, which alone may differ from run to run."""
    return [replace(verdict, seconds=0.0) for verdict in verdicts]


def margins(verdicts):
    return [verdict.worst_margin for verdict in verdicts]


def draw_normal(rng, count):
    return rng.standard_normal(count)


def measure_normal(factor, x):
    return factor * x, x


def own_claim(**changes):
    """Return a claim that is not of the registry and can be pickled."""
    claim = Claim(
        id="own", statement="x = x", source="", kind=Kind.EQUALITY, sample=draw_normal,
        measure=measure_normal, subject=1.0, planted={"twice": lambda x: 2 * x}, tolerance=1e-9,
    )  # fmt: skip
    return replace(claim, **changes)


# --------------------------------------------------------------------------- workers and executors


@pytest.fixture(scope="module")
def processes():
    with worker_pool(2) as pool:
        yield pool


def test_workers_do_not_change_results(processes):
    # Several chunks, the last one smaller.
    assert [count for _, count in runner.chunks(CLAIMS["bcd.movement"], 90)] == [40, 40, 10]
    alone = timeless(verify(FEW, cases=90, seed=5))
    assert timeless(verify(FEW, cases=90, seed=5, executor=processes)) == alone
    with ThreadPoolExecutor(3) as threads:
        assert timeless(verify(FEW, cases=90, seed=5, executor=threads)) == alone


def test_every_comparison_is_the_same_in_a_worker(processes):
    for claim in FEW:
        future = processes.submit(runner.collect_sent, claim.id, 3, False, 1, 20)
        np.testing.assert_array_equal(future.result()[0].excess, collect(claim, 3, 1, 20).excess)


def test_local_cluster_gives_the_same_results():
    distributed = pytest.importorskip("distributed")
    alone = timeless(verify(FEW, cases=100, seed=2))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        ours = client.run(os.getpid)
        assert len(set(ours.values()) - {os.getpid()}) == 2
        together = timeless(verify(FEW, cases=100, seed=2, executor=client.get_executor()))
    assert together == alone


def test_claims_outside_the_registry_run_as_they_are(processes):
    wrong = own_claim(subject=2.0)
    for executor in (None, processes):
        right, caught = verify([own_claim(), wrong], executor=executor)
        assert right.passed
        assert not caught.passed
    # A registered id does not stand in for another claim of the same name.
    planted = CLAIMS["bcd.u-block"].with_planted(next(iter(CLAIMS["bcd.u-block"].planted)))
    with ThreadPoolExecutor(1) as threads:
        assert not next(verify([planted], executor=threads)).passed


class Recorder(ThreadPoolExecutor):
    """An executor that does nothing by itself and remembers what it was given."""

    def __init__(self):
        super().__init__(1)
        self.futures = []

    def submit(self, function, *arguments):
        self.futures.append((Future(), function, arguments))
        return self.futures[-1][0]


def test_pending_chunks_are_cancelled_and_bounded(monkeypatch):
    monkeypatch.setattr(executors, "AHEAD", 4)
    with Recorder() as recorder:
        verdicts = verify(FEW, cases=5000, executor=recorder)
        monkeypatch.setattr(Future, "result", lambda future: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            next(verdicts)
    assert len(recorder.futures) == 4
    assert sum(future.cancelled() for future, *_ in recorder.futures) == 3


def test_worker_of_another_version_is_refused():
    with pytest.raises(RuntimeError, match=r"but 0\.0\.0 started the run"):
        executors.of_version("0.0.0", runner.collect_sent, "bcd.u-block", 0, False, 0, 1)


def test_worker_pool_limits_threads_and_restores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    with worker_pool(2) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        assert pool.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
        assert pool.submit(os.getpid).result() != os.getpid()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    with worker_pool(1) as pool:
        assert pool is None


@pytest.mark.parametrize("workers", [0, -1, 1.5, True, 10**6, 2**63])
def test_worker_pool_refuses(workers):
    with pytest.raises(ValueError, match="workers must be"), worker_pool(workers):
        pass


# -------------------------------------------------------------------------------- seeds and chunks


def test_seed_decides():
    first = timeless(verify(FEW, cases=50, seed=1))
    assert timeless(verify(FEW, cases=50, seed=1)) == first
    other = timeless(verify(FEW, cases=50, seed=2))
    assert all(one.tightest != two.tightest for one, two in zip(first, other, strict=True))
    assert margins(first) != margins(other)


@given(cases=st.integers(1, 5000), chunk=st.integers(1, 1000), own=st.integers(1, 1000))
def test_chunks_add_up(cases, chunk, own):
    parts = list(runner.chunks(own_claim(chunk=chunk, cases=own), cases))
    assert [number for number, _ in parts] == list(range(len(parts)))
    assert sum(count for _, count in parts) == cases
    assert all(0 < count <= min(chunk, own) for _, count in parts)


def test_profiles():
    default, thorough = (next(verify([own_claim()], profile=name)) for name in runner.PROFILES)
    assert thorough.instances == 20 * default.instances
    assert next(verify([own_claim()], profile="thorough", cases=7)).instances == 7


def test_parts_add_up():
    claim = CLAIMS["bcd.movement"]
    parts = [collect(claim, 0, chunk, count) for chunk, count in [(0, 40), (1, 40), (2, 9)]]
    whole = judge(claim, parts)
    excess = np.concatenate([part.excess for part in parts])
    assert whole.comparisons == len(excess) == whole.histogram.total
    assert whole.instances == 89
    assert whole.worst_margin == claim.tolerance - excess.max()
    assert next(verify([claim], cases=89)) == replace(whole, seconds=pytest.approx(0, abs=99))


@pytest.mark.parametrize("claim", [*FEW, SEARCH], ids=lambda claim: claim.id)
def test_tightest_can_be_drawn_again(claim):
    verdict = next(verify([claim], cases=2 * claim.cases + 3, seed=4))
    found = verdict.tightest
    trial = rerun(claim.id, seed=4, chunk=found.chunk, count=found.count)
    assert trial.measured[found.position] == found.measured
    assert trial.theoretical[found.position] == found.theoretical
    assert len(trial.excess) == found.comparisons
    margin = claim.tolerance - trial.excess[found.position]
    assert verdict.worst_margin == (-margin if claim is SEARCH else margin)


def test_rerun_refuses():
    for bad in ({"claim_id": "x"}, {"seed": -1}, {"chunk": -1}, {"count": 0}):
        good = {"claim_id": "bcd.u-block", "seed": 0, "chunk": 0, "count": 1}
        with pytest.raises(ValueError, match=next(iter(bad))):
            rerun(**{**good, **bad})


# -------------------------------------------------------------------------------------- histograms

VALUES = st.one_of(
    st.sampled_from([0.0, -0.0, -np.inf, np.inf, 1e-18, 1e-9, 1.0, 10.0, 11.0, -1e-30, 5e-324]),
    st.floats(-3, 3),
    st.floats(-20, 0).map(lambda x: 10**x),
)


@given(values=arrays(float, st.integers(0, 30), elements=VALUES))
def test_histogram_counts_each_value_once(values):
    found = Histogram.of(values)
    assert found.total == len(values)
    assert found.negative == sum(x < 0 for x in values)
    assert found.infinite == sum(x == np.inf for x in values)
    for number, count in enumerate(found.counts):
        high = EDGES[number + 1] if number + 1 < len(found.counts) else np.finfo(float).max
        assert count == sum(EDGES[number] < x <= high for x in values)
    assert Histogram.of(values[:7]) + Histogram.of(values[7:]) == found


def test_powers_of_ten_are_edges():
    assert np.all(np.diff(EDGES) > 0)
    assert {1e-12, 1e-9, 1e-7, 1.0, 10.0} <= set(EDGES)


def drawn_counts(svg):
    """Return the number of comparisons that the bars show, by style."""
    counts = Counter()
    for bar in ElementTree.fromstring(svg).iter("rect"):
        counts[bar.get("class")] += int(bar.find("title").text.rsplit(": ", 1)[1])
    return counts


def compared(kind, excesses, tolerance=1e-9):
    """Return the verdict on comparisons with these excesses over one (or below, or away from)."""
    sign = -1 if kind is Kind.LOWER_BOUND else 1
    both = sign * np.array(excesses), np.zeros(len(excesses))
    claim = own_claim(kind=kind, measure=lambda subject, x: both, tolerance=tolerance)
    return judge(claim, [collect(claim, 0, 0, 1)])


EXCESSES = arrays(float, st.integers(1, 20), elements=st.one_of(VALUES, st.just(np.nan)))


@settings(deadline=None)
@given(kind=st.sampled_from(list(Kind)), excesses=EXCESSES, tolerance=st.sampled_from([0, 1e-9]))
def test_bars_show_all_comparisons_and_what_fails(kind, excesses, tolerance):
    verdict = compared(kind, excesses, tolerance)
    counts = drawn_counts(verify_page.draw_histogram(verdict))
    assert sum(counts.values()) == verdict.comparisons == len(excesses)
    if kind is Kind.COUNTEREXAMPLE:
        assert counts["fails"] == 0
        assert counts["holds"] <= verdict.exceeding
    elif kind is Kind.EQUALITY and tolerance == 0:
        # Differences below the first edge are drawn as exact.
        assert counts["fails"] <= verdict.exceeding
    else:
        assert counts["fails"] == verdict.exceeding


def test_bars_stay_inside_the_picture():
    for kind in Kind:
        verdict = compared(kind, [-np.inf, -1.0, -1e-17, 0, 1e-18, 1e-12, 1e-3, 1.0, np.nan])
        svg = ElementTree.fromstring(verify_page.draw_histogram(verdict))
        for bar in svg.iter("rect"):
            left, top, width, height = (float(bar.get(a)) for a in ("x", "y", "width", "height"))
            assert left >= verify_page.LEFT
            assert left + width <= verify_page.WIDTH
            assert top >= 0
            assert top + height <= verify_page.HEIGHT
            assert height > 0


def test_nothing_compared_draws_nothing():
    assert verify_page.draw_histogram(compared(Kind.EQUALITY, [])) == ""


# ------------------------------------------------------------------------------------- the command


@pytest.fixture
def few(monkeypatch):
    """Let the registry hold a few claims."""
    monkeypatch.setattr(registry, "CLAIMS", (*FEW, SEARCH))
    return registry.CLAIMS


@pytest.fixture
def broken(monkeypatch):
    """Let the registry hold a claim with a planted error between others."""
    claim = CLAIMS["bcd.u-block"]
    wrong = claim.with_planted(next(iter(claim.planted)))
    monkeypatch.setattr(registry, "CLAIMS", (FEW[1], wrong, FEW[3]))


def test_command_holds(few, capsys):
    assert cli.main(["verify", "--cases", "40"]) == 0
    printed = capsys.readouterr().out
    assert "5 of 5 claims hold" in printed
    assert "FAILS" not in printed


@pytest.mark.parametrize(
    ("words", "n_claims", "processors", "workers"),
    [
        ("", 229, 2, 2),
        ("", 229, 64, 4),
        ("", 229, None, 1),
        ("", 49, 2, 1),
        ("--cases 40", 229, 2, 1),
        ("--scheduler tcp://host:8786", 229, 2, 1),
        ("--workers 3", 229, 2, 3),
    ],
)
def test_a_full_run_is_shared_out(monkeypatch, words, n_claims, processors, workers):
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    monkeypatch.setattr(registry, "CLAIMS", (FEW[1],) * n_claims)
    taken = []

    def stop(workers, scheduler):
        taken.append(workers)
        raise ValueError("far enough")

    monkeypatch.setattr("zeroone.commands.verify.workers_or_cluster", stop)
    assert cli.main(["verify", *words.split()]) == 2
    assert taken == [workers]


def test_command_fails(broken, tmp_path, capsys):
    page = tmp_path / "report.html"
    results = tmp_path / "results.json"
    arguments = ["verify", "--cases", "200", "--html", str(page), "--json", str(results)]
    assert cli.main(arguments) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 claims hold" in printed
    assert "FAILS" in printed
    assert [one["passed"] for one in json.loads(results.read_text())["claims"]] == [
        True, False, True,
    ]  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert '1 of 3 claims fails:</span> <a href="#claim-bcd.u-block">' in text
    assert text.count('class="claim fails"') == 1


def test_command_with_too_few_instances(few, tmp_path, capsys):
    page, results = tmp_path / "report.html", tmp_path / "results.json"
    arguments = ["verify", "--cases", "1", "--html", str(page), "--json", str(results)]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(rf"{SEARCH.id} .* too few instances\n", printed)
    assert "with too few instances to judge" in printed
    search = json.loads(results.read_text())["claims"][-1]
    assert (search["passed"], search["undecided"]) == (False, True)
    text = page.read_text(encoding="utf-8")
    assert "too few instances to judge: " in text
    assert 'class="claim fails"' not in text


def test_a_broken_claim_fails_however_few_its_instances(broken, capsys):
    assert cli.main(["verify", "--cases", "40"]) == 1
    assert "FAILS" in capsys.readouterr().out


def test_many_instances_begin_at_once():
    numbers = runner.chunks(own_claim(chunk=1000), 10**15)
    assert next(numbers) == (0, 200)
    assert not next(verify([own_claim(chunk=1000)], cases=1000)).failed


def test_command_with_two_workers(tmp_path, capsys):
    # Not a changed registry: the workers have their own.
    files = [tmp_path / f"{workers}.json" for workers in (1, 2)]
    for workers, file in zip((1, 2), files, strict=True):
        arguments = ["verify", "--only", "bcd.*-block", "--cases", "250", "--json", str(file)]
        assert cli.main([*arguments, "--workers", str(workers)]) == 0
    one, two = (json.loads(file.read_text()) for file in files)
    for result in (one, two):
        for claim in result["claims"]:
            assert claim.pop("seconds") >= 0
    assert one == two


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "nothing-like-it"], "only must match"),
        (["--workers", "0"], "workers must be an integer >= 1, but is 0"),
        (["--workers", "-3"], "workers must be"),
        (["--cases", "0"], "cases must be"),
        (["--seed", "-1"], "seed must be"),
        (["--html", "/nowhere/at/all.html"], "does not exist"),
        (["--json", "/nowhere/at/all.json"], "does not exist"),
    ],
)
def test_command_refuses(arguments, message, capsys):
    assert cli.main(["verify", *arguments]) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


@pytest.mark.parametrize("arguments", [["--workers", "two"], ["--profile", "quick"]])
def test_parser_refuses(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["verify", *arguments])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert arguments[0] in error
    assert error.count("\n") == 1


def test_list_runs_nothing(monkeypatch, capsys):
    claim = own_claim(sample=lambda rng, count: 1 / 0)
    monkeypatch.setattr(registry, "CLAIMS", (claim,))
    assert cli.main(["verify", "--list"]) == 0
    assert "x = x" in capsys.readouterr().out


def test_json(few, tmp_path):
    file = tmp_path / "results.json"
    assert cli.main(["verify", "--cases", "30", "--seed", "9", "--json", str(file)]) == 0
    result = json.loads(file.read_text(), parse_constant=lambda name: pytest.fail(name))
    assert (result["seed"], result["cases"], result["profile"]) == (9, 30, "default")
    assert [claim["id"] for claim in result["claims"]] == [claim.id for claim in few]
    for claim in result["claims"]:
        assert claim["instances"] == 30
        assert claim["tightest"]["count"] == 30
        assert 0 <= claim["tightest"]["position"] < claim["comparisons"]


def test_json_writes_no_nan(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "CLAIMS", (own_claim(subject=np.nan),))
    file = tmp_path / "results.json"
    assert cli.main(["verify", "--json", str(file)]) == 1
    (claim,) = json.loads(file.read_text(), parse_constant=pytest.fail)["claims"]
    assert claim["worst_margin"] is None
    assert claim["tightest"]["measured"] is None


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_interrupted_run_leaves_the_old_file(option, monkeypatch, tmp_path, capsys):
    def stop(rng, count):
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "CLAIMS", (FEW[1], own_claim(sample=stop)))
    file = tmp_path / "old"
    file.write_text("old")
    assert cli.main(["verify", option, str(file)]) == 130
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]
    assert "interrupted" in capsys.readouterr().err


def test_failed_write_leaves_the_old_page(few, monkeypatch, tmp_path):
    monkeypatch.setattr(verify_page, "claim_section", lambda verdict, run: 1 / 0)
    file = tmp_path / "report.html"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError):
        cli.main(["verify", "--cases", "5", "--html", str(file)])
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


# ---------------------------------------------------------------------------------------- the page

VOID = {"meta", "rect", "line", "br", "link", "img", "hr"}
LOADING = {"src", "srcset", "xlink:href", "data", "poster", "action", "background"}


class Reader(HTMLParser):
    """Collect tags, ids and links, and insist that every element is closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes = [], Counter(), [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def written(few, tmp_path):
    file = tmp_path / "report.html"
    assert cli.main(["verify", "--cases", "60", "--seed", "3", "--html", str(file)]) == 0
    return file.read_text(encoding="utf-8")


def test_page_is_well_formed_and_complete(written, few):
    reader = Reader(written)
    assert len(reader.ids) == len(set(reader.ids))
    for claim in few:
        assert reader.ids.count(f"claim-{claim.id}") == 1
    assert reader.tags["svg"] == len(few)
    tree = ElementTree.fromstring(written.replace("<!DOCTYPE html>", ""))
    texts = {section.get("id"): "".join(section.itertext()) for section in tree.iter("section")}
    for claim in few:
        text = texts[f"claim-{claim.id}"]
        for part in (claim.statement, claim.source, claim.hypotheses, str(claim.kind), "holds"):
            assert part in text
        assert "60 instances" in text
    assert __version__ in written


def test_page_needs_nothing_else(written):
    reader = Reader(written)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base"} & set(reader.tags)
    for _, name, value in reader.attributes:
        assert name not in LOADING
        assert not name.startswith("on")
        if name == "href":
            assert value.startswith("#")
            assert value[1:] in reader.ids
    style = re.search("<style>(.*)</style>", written, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style
    assert "@media print" in style


def test_histograms_of_the_page_show_all_comparisons(written, few):
    tree = ElementTree.fromstring(written.replace("<!DOCTYPE html>", ""))
    verdicts = {one.claim.id: one for one in verify(few, cases=60, seed=3)}
    for section in tree.iter("section"):
        if section.get("class") == "claim":
            svg = ElementTree.tostring(next(section.iter("svg")))
            verdict = verdicts[section.get("id").removeprefix("claim-")]
            assert sum(drawn_counts(svg).values()) == verdict.comparisons


def test_page_says_how_to_draw_the_tightest_again(written, few):
    tree = ElementTree.fromstring(written.replace("<!DOCTYPE html>", ""))
    for claim, code in zip(few, tree.iter("pre"), strict=True):
        command, *lines = "".join(code.itertext()).splitlines()
        assert command == f"zeroone verify --only {claim.id} --seed 3 --cases 60"
        statements = [line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")]
        scope = {}
        exec("\n".join(statements[:2]), scope)
        shown = next(line for line in lines if line.startswith("("))
        assert repr(tuple(map(float, eval(statements[2], scope)))) == shown


def test_same_seed_same_page_but_for_the_seconds(few):
    def page(seconds, seed=0):
        run = verify_page.Run(seed, "default", 20, seconds)
        return "".join(verify_page.page(list(verify(few, cases=20, seed=seed)), run)).splitlines()

    first, second = page(1.5), page(2.5)
    differing = [(one, two) for one, two in zip(first, second, strict=True) if one != two]
    assert len(differing) == 1
    assert "1.5 s" in differing[0][0]
    assert page(1.5, seed=1) != first


def test_page_escapes_everything():
    nasty = "<b>&\"'</b>"
    claim = own_claim(id=nasty, statement=nasty, source=nasty, hypotheses=nasty, subject=2.0)
    verdicts = [replace(verdict, reason=nasty) for verdict in verify([claim])]
    text = "".join(verify_page.page(verdicts, verify_page.Run(0, "default", None, 0.0)))
    assert "<b>" not in text
    tree = ElementTree.fromstring(text.replace("<!DOCTYPE html>", ""))
    assert nasty in {heading.text for heading in tree.iter("h3")}
    Reader(text)


def test_page_of_a_claim_that_compares_nothing():
    claim = own_claim(measure=lambda subject, x: (np.empty(0), np.empty(0)))
    text = "".join(verify_page.page(list(verify([claim])), verify_page.Run(0, "thorough", None, 0)))
    Reader(text)
    assert "nothing was compared" in text
    assert "<svg" not in text
    assert "--seed 0 --profile thorough" in text


def test_export_writes_all_values(tmp_path, capsys):
    folder, file = tmp_path / "values", tmp_path / "results.json"
    arguments = ["verify", "--only", "bcd.u-*", "--cases", "30", "--json", str(file)]
    assert cli.main([*arguments, "--export", str(folder)]) == 0
    assert "values written to" in capsys.readouterr().out
    results = {claim["id"]: claim for claim in json.loads(file.read_text())["claims"]}
    assert {path.stem for path in folder.glob("*.npz")} == set(results)
    for claim_id, claim in results.items():
        with np.load(folder / f"{claim_id}.npz") as values:  # no pickles
            assert values["measured"].shape == values["theoretical"].shape
            assert len(values["measured"]) == claim["comparisons"]
            apart = np.abs(values["measured"] - values["theoretical"])
            size = np.maximum(np.abs(values["measured"]), np.abs(values["theoretical"]))
            expected = np.max(apart / np.maximum(size, 1))
            assert claim["slack"] == pytest.approx(-expected, abs=1e-15)
            assert str(values["id"]) == claim_id
            trial = rerun(claim_id, seed=0, chunk=0, count=30)
            np.testing.assert_array_equal(values["measured"], trial.measured)


def test_export_is_the_same_with_workers(tmp_path):
    arguments = ["verify", "--only", "gaussian.angle", "--cases", "3000", "--export"]
    assert cli.main([*arguments, str(tmp_path / "one")]) == 0
    assert cli.main([*arguments, str(tmp_path / "two"), "--workers", "2"]) == 0
    with (
        np.load(tmp_path / "one" / "gaussian.angle.npz") as one,
        np.load(tmp_path / "two" / "gaussian.angle.npz") as two,
    ):
        np.testing.assert_array_equal(one["measured"], two["measured"])
        assert len(one["measured"]) == 3000


def test_export_refuses_a_file(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert cli.main(["verify", "--only", "bcd.u-block", "--export", str(file)]) == 2
    assert "export must be a folder" in capsys.readouterr().err
