"""Work shared among processes or a cluster, or broken off: the results are those of one process."""

import csv
import gc
import io
import json
import multiprocessing
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple

import numpy as np
import pytest
from terminal import run

from zeroone.datasets import load_digits
from zeroone.estimators import comparison
from zeroone.estimators.optimality import optimality_gaps
from zeroone.exact.problems import PROBLEMS
from zeroone.gaussian import sweep as module
from zeroone.gaussian.sweep import parts, sweep
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.support import executors
from zeroone.support.checkpoints import Checkpoint, digest
from zeroone.support.executors import cluster, in_order, of_version, worker_pool

W_STAR = np.array([0.6, 0.0, 0.8])


def swept(seed=1, **changes):
    """Return a small sweep of several parts, also of the starts of one point."""
    settings = {"k": 20, "penalty": "l0", "lam": np.geomspace(0.01, 1, 4), "beta": [0.3, 3.0, 12.0]}
    settings |= {"delta": 0.4, "n_starts": 30, "n_iter": 6}
    return sweep(W_STAR, rng=np.random.default_rng(seed), **{**settings, **changes})


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Cut sweeps into parts of 13 runs, so that there are 3 of the starts of each point."""
    monkeypatch.setattr(module, "WEIGHTS_OF_A_PART", 13 * len(W_STAR))


def same(one, other):
    for a, b in zip(astuple(one), astuple(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def processes():
    with worker_pool(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def two_processes():
    """Give a local cluster of two processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as local:
        yield local


# --------------------------------------------------------------------------- executors and order


def late(number):
    """Return a number, the even ones late."""
    time.sleep(0.02 * (number % 2 == 0))
    return number


def test_results_come_in_order_whoever_is_done_first(processes):
    tasks = [(number,) for number in range(9)]
    assert list(in_order(None, late, tasks)) == list(range(9))
    with ThreadPoolExecutor(4) as threads:
        for executor in (threads, processes):
            assert list(in_order(executor, late, tasks, ahead=5)) == list(range(9))


def test_tasks_are_made_when_they_are_needed():
    made = []

    def tasks():
        for number in range(100):
            made.append(number)
            yield (number,)

    with ThreadPoolExecutor(1) as threads:
        results = in_order(threads, late, tasks(), ahead=3)
        assert next(results) == 0
        assert made == [0, 1, 2]
        results.close()


def test_what_has_not_begun_is_cancelled():
    futures = []

    class Recorder(ThreadPoolExecutor):
        def submit(self, *_):
            futures.append(Future())
            return futures[-1]

    def tasks():
        yield from [(1,), (2,)]
        raise KeyboardInterrupt

    with Recorder(1) as recorder, pytest.raises(KeyboardInterrupt):
        next(in_order(recorder, late, tasks()))
    assert [future.cancelled() for future in futures] == [True, True]


def test_a_worker_of_another_version_is_refused():
    with pytest.raises(RuntimeError, match=r"but 0\.0\.0 started the run"):
        of_version("0.0.0", late, 1)


def test_a_worker_that_dies_is_bad_luck_in_one_line():
    def work():
        with executors.workers_or_cluster(2, None) as pool:
            list(in_order(pool, os._exit, [(1,)]))

    with pytest.raises(ValueError, match="a worker has died"):
        work()


def test_a_worker_of_another_version_is_told_in_one_line(monkeypatch):
    def work():
        with executors.workers_or_cluster(2, None) as pool:
            monkeypatch.setattr(executors, "__version__", "0.0.0")
            list(in_order(pool, late, [(1,)]))

    with pytest.raises(ValueError, match=r"but 0\.0\.0 started the run"):
        work()


def forever():
    while True:
        time.sleep(0.01)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_ends_the_processes_whatever_they_do(error):
    before = set(multiprocessing.active_children())

    def work():
        with worker_pool(2) as pool:
            assert pool.submit(os.getpid).result() != os.getpid()
            pool.submit(forever)
            pool.submit(forever)
            raise error

    with pytest.raises(error):
        work()
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.parametrize("address", ["nowhere", "tcp://127.0.0.1:1", "", "tcp://127.0.0.1:x"])
def test_an_address_without_a_scheduler_is_refused(monkeypatch, address):
    client = pytest.importorskip("distributed").Client
    monkeypatch.setattr(executors, "SECONDS_TO_CONNECT", 0.3)
    with pytest.raises(ValueError, match="scheduler must be"), cluster(address):
        pass
    # One that is left would close itself at any time, also while another starts, which hangs.
    assert not [each for each in gc.get_objects() if type(each) is client]


@pytest.mark.parametrize("command", ["verify", "sweep", "compare --data digits", "optimality-gap"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--workers 0", "workers must be an integer >= 1"),
        ("--workers 1000000", "workers must be at most"),
        ("--workers 2 --scheduler tcp://127.0.0.1:1", "workers must not be given with a scheduler"),
    ],
)
def test_commands_refuse_workers_in_one_line(command, options, message):
    status, out, err = run(*command.split(), *options.split())
    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


# ----------------------------------------------------------------------------------------- sweeps


@pytest.mark.parametrize(
    ("n_points", "n_starts", "d"), [(1, 1, 1), (7, 5, 3), (3, 40, 3), (5, 2, 10**6)]
)
def test_parts_are_all_runs_once(n_points, n_starts, d):
    seen = np.zeros((n_points, n_starts), int)
    for part in parts(n_points, n_starts, d):
        first = part.chunk * min(max(module.WEIGHTS_OF_A_PART // d, 1), n_starts)
        seen[part.points, first : first + part.n_starts] += 1
        assert part.n_runs == 1 or part.n_runs * d <= module.WEIGHTS_OF_A_PART
    assert np.all(seen == 1)


def test_starts_of_one_point_are_all_different(monkeypatch):
    seen = []
    draw = module.random_starts

    def recorded(*arguments):
        seen.append(draw(*arguments))
        return seen[-1]

    monkeypatch.setattr(module, "random_starts", recorded)
    swept(lam=0.1, beta=0.5)
    starts = np.concatenate(seen[1:])
    assert len(starts) == len(np.unique(starts, axis=0)) == 30


def test_sweeps_do_not_depend_on_who_runs_them(processes):
    alone = swept()
    same(alone, swept(executor=processes))
    with ThreadPoolExecutor(3) as threads:
        same(alone, swept(executor=threads))
    assert not np.array_equal(alone.angle, swept(seed=2).angle)


def test_a_second_sweep_has_other_starts():
    rng = np.random.default_rng(0)
    settings = {"k": 20, "penalty": "l1", "lam": 0.1, "beta": 0.5, "delta": 0.4}
    one, other = (sweep(W_STAR, n_starts=5, n_iter=1, rng=rng, **settings) for _ in range(2))
    assert one.angle != other.angle


@pytest.mark.parametrize("after", [1, 5, 35])
def test_a_sweep_goes_on_from_its_checkpoint(tmp_path, after, monkeypatch):
    path, done = tmp_path / "kept.npz", []

    def interrupted(runs):
        done.append(runs)
        if len(done) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swept(checkpoint=path, progress=interrupted)
    assert os.listdir(tmp_path) == ["kept.npz"]
    drawn, rest = module.outcomes_of, []
    monkeypatch.setattr(module, "outcomes_of", lambda *task: rest.append(1) or drawn(*task))
    seen = []
    again = swept(checkpoint=path, progress=seen.append)
    assert len(rest) == 36 - after
    assert seen[0] == sum(done)
    assert sum(seen) == 4 * 3 * 30
    rest.clear()
    same(again, swept(checkpoint=path))  # nothing is left to do
    assert not rest
    same(again, swept())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"seed": 3}, "seed"),
        ({"n_iter": 7}, "n_iter"),
        ({"n_starts": 31}, "n_starts"),
        ({"penalty": "l1"}, "penalty"),
        ({"beta": [0.3, 3.0, 12.5]}, "beta"),
        ({"lam": [0.1]}, "lam"),
        ({"delta": 0.5}, "delta"),
    ],
)
def test_the_checkpoint_of_another_sweep_is_refused(tmp_path, change, name):
    path = tmp_path / "kept.npz"
    swept(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"checkpoint must be .* with another .*{name}"):
        swept(checkpoint=path, **change)
    assert path.read_bytes() == before


def damaged_files():
    file = io.BytesIO()
    np.savez(file, sums=np.zeros((4, 12)))
    network = io.BytesIO()
    np.savez(network, header=np.frombuffer(b'{"format": "zeroone-mlp"}', np.uint8))
    pickled = io.BytesIO()
    np.savez(pickled, header=np.array([{}], object), sums=np.zeros(1))
    return [b"", b"PK\x03\x04", b"text", file.getvalue(), network.getvalue(), pickled.getvalue()]


@pytest.mark.parametrize("content", damaged_files())
def test_what_is_no_checkpoint_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "kept.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no checkpoint"):
        swept(checkpoint=path)
    assert path.read_bytes() == content


def test_a_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "kept.npz"
    swept(checkpoint=path)
    whole = path.read_bytes()
    for length in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is no checkpoint"):
            swept(checkpoint=path)


def test_a_checkpoint_is_written_now_and_then(tmp_path, monkeypatch):
    path, clock = tmp_path / "kept.npz", [0.0]
    monkeypatch.setattr("zeroone.support.checkpoints.time.monotonic", lambda: clock[0])
    kept = Checkpoint(path, {"what": digest([1.0, 2.0])}, (2, 3))
    kept.add(slice(0, 2), np.ones((2, 2)))
    assert not path.exists()
    clock[0] = 11.0
    kept.add(slice(1, 3), np.full((2, 2), 0.5))
    read = Checkpoint(path, {"what": digest([1.0, 2.0])}, (2, 3))
    assert read.parts == 2
    np.testing.assert_array_equal(read.sums, [[1, 1.5, 0.5]] * 2)
    with pytest.raises(ValueError, match="with another what"):
        Checkpoint(path, {"what": digest([1.0, 3.0])}, (2, 3))


def test_a_generator_that_cannot_be_jumped_is_refused():
    with pytest.raises(ValueError, match="rng must have a bit generator"):
        sweep(
            W_STAR, k=20, penalty="l0", lam=0.1, beta=0.5, delta=0.4, n_starts=2, n_iter=2,
            rng=np.random.Generator(np.random.SFC64(0)),
        )  # fmt: skip


# -------------------------------------------------------------------------------- the other two


class Maker:
    """Makes an untrained net; it can be sent."""

    def __call__(self, epochs, seed):
        from zeroone.estimators import BCDClassifier

        return BCDClassifier(hidden=8, epochs=epochs, random_state=seed)


def compared(executor=None):
    runs = comparison.compare(
        {"bcd": Maker()}, load_digits(), epochs=2, seeds=2, executor=executor
    )["bcd"]
    assert [(run.method, run.seed, run.epochs) for run in runs] == [("bcd", 0, 2), ("bcd", 1, 2)]
    return [(run.network, run.accuracies) for run in runs]


def test_comparisons_by_epochs_do_not_depend_on_who_trains(processes):
    alone = compared()
    assert alone == compared(processes)
    assert alone[0] != alone[1]
    assert isinstance(alone[0][0], ZeroOneMLP)


def test_comparisons_by_seconds_end_in_time(processes):
    runs = comparison.compare(
        {"bcd": Maker()}, load_digits(), seconds=0.05, seeds=2, executor=processes
    )
    assert all(run.epochs >= 1 for run in runs["bcd"])
    for wrong in ({"seconds": None}, {"seconds": 0.0}, {"seeds": 0}, {"epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            comparison.compare({"bcd": Maker()}, load_digits(), **wrong)


def gaps(executor=None):
    counted = []
    results = optimality_gaps(
        [PROBLEMS["xor"](0), PROBLEMS["moons"](0)],
        ["recursive", "bcd"],
        seeds=2,
        executor=executor,
        progress=counted.append,
    )
    assert sum(counted) == 2 * (1 + 4)
    return [(each.problem.name, each.errors, each.bound, each.best_known) for each in results]


def test_optimality_gaps_do_not_depend_on_who_trains(processes):
    assert gaps() == gaps(processes)
    with pytest.raises(ValueError, match="methods must be"):
        optimality_gaps([PROBLEMS["xor"](0)], ["sgd"])


# ----------------------------------------------------------------------------------- the commands


def columns(path, *left_out):
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: value for name, value in row.items() if name not in left_out}
            for row in csv.DictReader(file)
        ]


def claims(path):
    found = json.loads(path.read_text(encoding="utf-8"))["claims"]
    return [{**claim, "seconds": None} for claim in found]


COMMANDS = {
    "sweep": ("--grid 4 --starts 5 --n-iter 5 --d 6", "--csv", columns),
    "compare": (
        "--data digits --methods bcd,sste --epochs 2 --seeds 2 --hidden 6 --units 2",
        "--csv",
        lambda path: columns(path, "seconds"),
    ),
    "optimality-gap": (
        "--problems xor --methods recursive,bcd --seeds 2",
        "--csv",
        lambda path: columns(path, "seconds"),
    ),
    "verify": ("--only bcd.u-block --cases 60", "--json", claims),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("how", ["--workers", "--scheduler"])
def test_commands_do_not_depend_on_who_works(tmp_path, command, how, request):
    given, file, read = COMMANDS[command]
    if how == "--scheduler":
        value = request.getfixturevalue("two_processes").scheduler_address
    else:
        value = 2
    found = []
    for number, options in enumerate(([], [how, value])):
        path = tmp_path / str(number)
        status, _, err = run(command, *given.split(), *options, file, path)
        assert (status, err) == (0, "")
        found.append(read(path))
    assert found[0] == found[1]
    assert len(found[0]) >= 1


def test_both_workers_of_a_cluster_work(two_processes):
    with cluster(two_processes.scheduler_address) as executor:
        same(swept(), swept(executor=executor))
        ids = {executor.submit(os.getpid).result() for _ in range(20)} - {os.getpid()}
        together = [executor.submit(late, number) for number in range(0, 12, 2)]
        assert [future.result() for future in together] == list(range(0, 12, 2))
    assert ids


def test_a_scheduler_is_found_by_its_file(two_processes, tmp_path):
    path = tmp_path / "scheduler.json"
    # What `dask scheduler --scheduler-file` writes has more.
    path.write_text(json.dumps({"address": two_processes.scheduler_address}), encoding="utf-8")
    with cluster(str(path)) as executor:
        assert list(in_order(executor, late, [(1,), (2,), (3,)])) == [1, 2, 3]


def test_the_command_goes_on_from_a_checkpoint(tmp_path, monkeypatch):
    options = ("sweep", "--grid", 4, "--starts", 5, "--n-iter", 5, "--d", 6)
    kept, whole, again = (tmp_path / name for name in ("kept.npz", "whole.csv", "again.csv"))
    assert run(*options, "--csv", whole)[0] == 0
    add, added = Checkpoint.add, []

    def interrupted(self, *what):
        add(self, *what)
        added.append(1)
        if len(added) == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "add", interrupted)
        files = ("--checkpoint", kept, "--csv", again)
        assert run(*options, *files) == (130, "", "zeroone: interrupted\n")
    assert sorted(os.listdir(tmp_path)) == ["kept.npz", "whole.csv"]
    assert run(*options, *files)[0] == 0
    assert again.read_bytes() == whole.read_bytes()
    status, _, err = run(*options, "--seed", 1, "--checkpoint", kept)
    assert status == 2
    assert "with another" in err
