"""Ctrl-C at every command that may take long: one line, 130, no process left, no half a file."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from zeroone.nets.network import load

# Python itself ends by the signal if it came while it compiled text; a shell calls both 130.
INTERRUPTED = (130, -signal.SIGINT)

LONG = {
    "train": "train --data digits --epochs 1000000 --hidden 20",
    "train, full batch": "train --data digits --form full-batch --epochs 1000000",
    "train, filters": "train --data digits --kernel 3 --epochs 1000000",
    "train, sparse": "train --data digits --method ftprop --network mlp --sparsify l0 "
    "--epochs 100000",
    "sweep": "sweep --grid 300 --n-iter 100000",
    "sweep, workers": "sweep --grid 300 --n-iter 100000 --workers 2",
    "compare": "compare --data digits --seconds 1000",
    "compare, workers": "compare --data digits --epochs 1000000 --workers 2",
    "optimality-gap": "optimality-gap --seeds 100000",
    "optimality-gap, workers": "optimality-gap --seeds 100000 --workers 2",
    "verify": "verify --cases 10000000",
    "verify, workers": "verify --cases 10000000 --workers 2",
    "rvscgd": "rvscgd --n-iter 100000000000",
    "figures": "figures --to FOLDER",
    "grade": "grade 01 FOLDER/slow.py",
}


# What happens at Ctrl-C before this is Python's own affair. The alarm ends a command whose test was
# killed: it has a session of its own, and would go on for ever.
START = (
    "import signal, sys; signal.alarm(300); import zeroone.__main__ as z; "
    "print('begun', flush=True); sys.exit(z.main())"
)


def interrupt(arguments, seconds):
    """Send Ctrl-C to a command and all its processes, as a terminal does; return what it left."""
    process = subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout.readline() == b"begun\n"
        time.sleep(seconds)
        assert process.poll() is None, process.communicate()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert gone(process.pid), "a process is left"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode, out.decode(), err.decode()


def gone(group, seconds=30):
    """Return whether the processes of a group end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("command", LONG)
def test_every_long_command_ends_in_one_line(command, tmp_path):
    (tmp_path / "slow.py").write_text("while True:\n    pass\n", encoding="utf-8")
    words = LONG[command].replace("FOLDER", str(tmp_path)).split()
    # Whatever it has come to by then: that it still imports is one of the cases.
    status, out, err = interrupt(words, 4.0)
    assert status in INTERRUPTED
    assert err == "zeroone: interrupted\n"
    assert "Traceback" not in out
    # Figures that are finished stay, and nothing is half written.
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5, 0.7, 0.9, 1.2, 1.5])
def test_also_while_it_begins(seconds):
    status, out, err = interrupt(LONG["sweep, workers"].split(), seconds)
    assert status in INTERRUPTED
    assert (out, err) == ("", "zeroone: interrupted\n")


def test_what_was_trained_is_kept_and_can_go_on(tmp_path):
    model = tmp_path / "model.npz"
    words = [*LONG["train"].split(), "--save", str(model)]
    status, out, err = interrupt(words, 6.0)
    assert status in INTERRUPTED
    if model.exists():  # a slow machine may not have begun to train
        assert re.search(r"^test accuracy ", out, re.MULTILINE)
        assert load(model).layer_sizes == (64, 20, 10)
    assert err == "zeroone: interrupted\n"


def test_a_sweep_goes_on_after_ctrl_c(tmp_path):
    kept, points = tmp_path / "kept.npz", tmp_path / "points.csv"
    files = ("--checkpoint", str(kept), "--csv", str(points))
    words = [*LONG["sweep, workers"].split(), *files]
    status, _, err = interrupt(words, 4.0)
    assert status in INTERRUPTED
    assert err == "zeroone: interrupted\n"
    assert not points.exists()
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            assert np.isfinite(file["sums"]).all()
