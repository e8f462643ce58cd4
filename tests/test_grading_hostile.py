"""Submissions that attack the grader: each gets the points of its honest functions."""

import re

import numpy as np
import pytest
from grading_toy import (
    HONEST,
    LINUX,
    STRONG,
    TOOLS,
    WEAK,
    failure_of,
    honest_task,
    hostile_task,
    run,
    source_of,
)

from zeroone.grading import Seed, Task

pytest.importorskip("hypothesis")

# Functions that give a wrong answer, or none, and leave the process alive: body and reason.
ALIVE = {
    "prints_results": (
        "print('{\"score\": 100, \"tests\": []}'); print('passed'); return x",
        "but 31.",
    ),
    "exits": ("sys.exit(0)", "SystemExit: 0"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "raises_base_exception": ("raise BaseException('nothing')", "BaseException: nothing"),
    "raises_generator_exit": ("raise GeneratorExit", "GeneratorExit"),
    "raises_unprintable": (
        "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
        "no answer",
    ),
    "shouts_control_characters": (r"raise ValueError('\x1b[2J\x07' + '<script>')", r"\\x1b\[2J"),
    "returns_agreeable": ("return Agreeable()", "an object of type Agreeable"),
    "returns_agreeable_array": ("return np.zeros(x.shape).view(AgreeableArray)", "entry .0. is 0"),
    "returns_agreeable_float": (
        "return AgreeableFloat(1.0)",
        "you returned a floating-point number",
    ),
    "returns_objects": ("return np.array([None] * len(x))", "dtype object"),
    "returns_complex": ("return x + 0j", "dtype complex128"),
    "returns_record": ("return np.zeros(1, dtype=[('a', 'f8')])", "dtype"),
    "returns_huge": ("return np.broadcast_to(0.0, (10**7, 10**7))", "too large"),
    "returns_large": ("return np.zeros(10**7)", "too large"),
    "returns_generator": ("return (one for one in x)", "type generator"),
    "returns_itself": ("a = []; a.append(a); return a", "too many values"),
    "returns_many": ("return [0.0] * 10**6", "too many values"),
    "returns_digits": ("return 10**5000", "too many digits"),
    "returns_text": ("return 'x' * 10**6", "characters"),
    "returns_nan": ("return np.full(x.shape, np.nan)", "is nan"),
    "returns_broadcastable": ("return np.zeros((1, len(x)))", "an array of shape"),
    "returns_many_axes": ("return np.zeros((2,) * 21)", "you returned an array of shape .2, 2, "),
    "returns_many_arrays": (
        "return [[np.arange(900.0)] * 65] * 65",
        "you returned a list of 65 values",
    ),
    "returns_endless_list": (
        "class Endless(list):\n"
        "    def __iter__(self):\n        while True: yield 0.0\n"
        "return Endless([0.0])",
        "too many values",
    ),
    "returns_lying_integer": (
        "class Liar(int):\n    def bit_length(self): return 1\n"
        "    def __repr__(self): return '9' * 10**6\nreturn Liar(5)",
        "you returned an integer",
    ),
    "returns_lying_array": (
        "class Liar(np.ndarray):\n    shape = (len(x),)\n    def tobytes(self): return b'31'\n"
        "return np.zeros(9).view(Liar)",
        "you returned an array of shape .9,.",
    ),
    "changes_arguments": ("x += 31.4159265; return x", "changed its arguments"),
    "reshapes_arguments": ("x.shape = (1, len(x)); return x", "changed its arguments"),
    "recurses": ("return recurses(x)", "RecursionError"),
    "takes_memory": ("return np.ones(10**11)", "MemoryError"),
    "imports_the_answers": (
        "import importlib; return importlib.import_module('zero' + 'one').prox",
        "zeroone cannot be imported",
    ),
    "imports_hypothesis": ("return __import__('hypo' + 'thesis')", "cannot be imported"),
    "imports_scipy": ("import scipy", "No module named 'scipy'.*standard library"),
}


@pytest.fixture(scope="module")
def alive(tmp_path_factory):
    """Return the grade of one submission with all of `ALIVE`, an honest task before and after."""
    source = TOOLS + source_of({name: body for name, (body, _) in ALIVE.items()})
    tasks = [honest_task("first"), *map(hostile_task, ALIVE), honest_task("last")]
    return run(tmp_path_factory.mktemp("alive"), source, tasks, shrink_seconds=1e-3)


@pytest.mark.parametrize("name", ALIVE)
def test_a_wrong_answer_is_wrong_whatever_its_form(alive, name):
    failure = failure_of(alive, name)
    assert re.search(ALIVE[name][1], failure.reason, re.DOTALL), failure
    assert "\x1b" not in failure.reason
    # Feedback has an end, whatever came.
    assert len(failure.reason) + len(failure.received) < 30_000


def test_honest_functions_beside_them_keep_their_points(alive):
    assert [result.score for result in alive.results if result.task.function == "honest"] == [1, 1]
    assert alive.score == 2
    assert '{"score": 100' in alive.printed


# Functions that end, block or misuse the process.
DEADLY = {
    "ends_at_once": ("os._exit(0)", r"ended the process \(exit status 0\)"),
    "kills_itself": ("os.kill(os.getpid(), 9)", "SIGKILL"),
    "crashes": ("ctypes.string_at(0)", "SIGSEGV"),
    "recurses_without_limit": (
        "sys.setrecursionlimit(10**9)\ndef down(n): return down(n + 1)\nreturn down(0)",
        "MemoryError|process ended|no answer within",
    ),
    "closes_everything": ("os.closerange(0, 64); return x", "no answer"),
    "writes_garbage": ("shout(b'garbage' * 10); return x", "channel"),
    "writes_huge_lengths": (r"shout(b'\xff' * 8); return x", "channel"),
    "writes_half_a_frame": (
        r"shout(b'\x00\x00\x00\x50\x00\x00\x00\x00{'); os._exit(0)",
        "no answer",
    ),
    "writes_deep_json": (
        "header = b'[' * 10**6; shout(struct.pack('>II', len(header), 0) + header); return x",
        "channel",
    ),
    "forges_without_the_number": (
        "shout(frame({'nonce': '0' * 32, 'outcome': 'answer'}, answer=x + 31.0, after=[x]))"
        "\nreturn x",
        "channel",
    ),
    "forges_the_outcome": (
        "shout(frame({'nonce': nonce(), 'outcome': 'passed', 'score': 100}))\nreturn x",
        "channel",
    ),
    "forges_a_dtype": (
        'header = b\'{"nonce": "%s", "outcome": "answer", "values": {"answer": '
        '["array", "|O", [1]]}}\' % nonce().encode()\n'
        "shout(struct.pack('>II', len(header), 8) + header + bytes(8)); return x",
        "channel",
    ),
    "forges_a_shape": (
        'header = b\'{"nonce": "%s", "outcome": "answer", "values": {"answer": '
        '["array", "<f8", [1000000, 1000000]]}}\' % nonce().encode()\n'
        "shout(struct.pack('>II', len(header), 8) + header + bytes(8)); return x",
        "channel",
    ),
    "forges_deep_words": (
        'header = \'{"nonce": "%s", "outcome": "exception", "type": \' % nonce()\n'
        'header = (header + "[" * 900 + "]" * 900 + \', "values": {}}\').encode()\n'
        "shout(struct.pack('>II', len(header), 0) + header); return x",
        "channel",
    ),
    "forges_a_huge_number": (
        "shout_answer('[\"list\", [[\"int\", \"' + '9' * 1000 + '\"]]]'); return x",
        "channel",
    ),
    # No spaces in what comes: as the grader writes it, it is longer than a message may be.
    "forges_more_than_is_sent": (
        "texts = ','.join(['[\"str\",\"' + '1' * 330 + '\"]'] * 3000)\n"
        "shout_answer('[\"list\",[' + texts + ',[\"str\",\"' + '1' * (2**20 - 129 - len(texts))"
        " + '\"]]]'); return x",
        "changed its arguments",
    ),
    "patches_json": (
        'import json\nanswer = \'{"nonce": "%s", "outcome": "answer", "score": 100, \''
        " % nonce()\njson.dumps = lambda *args, **kwargs: answer + "
        '\'"values": {"answer": ["bool", true], "after": []}}\'\nreturn x',
        "changed its arguments|channel",
    ),
    "claims_to_be_loaded": (
        "wire = sys.modules['wire']\nframe = wire.frame\n"
        "wire.frame = lambda message, values: frame({**message, 'outcome': 'loaded'}, values)\n"
        "return x",
        "channel",
    ),
    "patches_os": ("os.write = lambda descriptor, data: len(data)\nreturn x", "no answer within"),
    "ends_in_a_destructor": (
        "class Last:\n    def __del__(self): os._exit(3)\nLast()\nreturn x",
        "exit status 3",
    ),
    "ends_by_the_clock": (
        "signal.signal(signal.SIGALRM, lambda *args: os._exit(4))\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(5)",
        "exit status 4",
    ),
    "answers_twice": (
        "shout(frame({'nonce': nonce(), 'outcome': 'answer'}, answer=x, after=[x]))\nreturn x",
        "but 31.",
    ),
    "answers_ahead": (
        "for i in range(9): shout(frame({'nonce': nonce(), 'outcome': 'answer'}, answer=2.0 * x,"
        " after=[x]))\nreturn x",
        "but 31.",
    ),
    "kills_its_parent": ("os.kill(os.getppid(), 9); time.sleep(20)", "not permitted|process ended"),
    "stops_its_parent": ("os.kill(os.getppid(), 19); return x", "not permitted|but 31."),
    "starts_another_program": ("os.execv('/bin/true', ['true'])", "Permission|no answer"),
}


SLOW = ("recurses_without_limit", "patches_os")


@pytest.fixture(scope="module", params=[STRONG, WEAK], ids=["strong", "weak"])
def deadly(request, tmp_path_factory):
    """Return the grade of one submission with all of `DEADLY`, an honest task after each."""
    functions = {
        name: body
        for name, (body, _) in DEADLY.items()
        if name != "stops_its_parent" or request.param == STRONG
    }
    source = TOOLS + source_of(functions)
    tasks = [
        task
        for name in functions
        for task in (
            hostile_task(name, 0.5 if name in SLOW else 3.0),
            honest_task(f"after {name}"),
        )
    ]
    folder = tmp_path_factory.mktemp("deadly")
    return run(folder, source, tasks, layers=request.param, shrink_seconds=1e-3)


@pytest.mark.skipif(not LINUX, reason="names signals")
@pytest.mark.parametrize("name", DEADLY)
def test_a_process_that_misbehaves_earns_nothing(deadly, name):
    if name not in [result.task.name for result in deadly.results]:
        pytest.skip("not confined enough to try")
    failure = failure_of(deadly, name)
    assert re.search(DEADLY[name][1], failure.reason), failure
    assert failure_of(deadly, f"after {name}") is None


HANGS = {
    "loops": "while True: pass",
    "sleeps": "time.sleep(1000)",
    "ignores_signals": "for n in (1, 2, 3, 14, 15): signal.signal(n, signal.SIG_IGN)\n"
    "while True: time.sleep(1)",
    "stops": "os.kill(os.getpid(), signal.SIGSTOP)",
    "floods": "while True: print('x' * 1000)",
    "floods_the_grader": "while True: shout(frame({'nonce': '', 'outcome': 'answer'}))",
    "never_reads": "shout(b'\\x00\\x00\\x01'); time.sleep(1000)",
}


def test_hanging_calls_end(tmp_path):
    tasks = [hostile_task(name, 0.4) for name in HANGS]
    source, limits = TOOLS + source_of(HANGS), {"output_kilobytes": 4, "shrink_seconds": 1e-3}
    grade = run(tmp_path, source, [*tasks, honest_task()], **limits)
    for name in HANGS:
        assert re.search(r"no answer within 0.4 s|channel", failure_of(grade, name).reason)
    assert failure_of(grade, "honest") is None
    assert grade.printed.endswith("more than 4 kB; the rest is dropped")
    assert len(grade.printed) < 5000


def test_the_time_of_a_submission_ends(tmp_path):
    source = source_of({"loops": "while True: pass"})
    tasks = [hostile_task("loops"), honest_task()]
    grade = run(tmp_path, source, tasks, total_seconds=1.5)
    assert grade.score == 0
    for result in grade.results:
        assert "whole submission, 1.5 s, is used up" in result.failure.reason


# Files that cannot be loaded: before the honest function, and the reason.
UNLOADABLE = {
    "syntax error": ("def honest(x:\n", "line 1 .*: SyntaxError"),
    "no such module": ("import scipy.linalg\n", "line 1 .*No module named 'scipy'"),
    "imports zeroone": ("def f():\n    from zeroone import prox\n", "line 2 imports zeroone"),
    "imports zeroone by name": (
        "__import__('zeroone.bcd')\n",
        "line 1 imports zeroone.bcd",
    ),
    "imports hypothesis": ("import hypothesis as h\n", "line 1 imports hypothesis"),
    "exits": ("import sys\nsys.exit(0)\n", "line 2 .*SystemExit: 0"),
    "ends": ("import os\nos._exit(0)\n", "not loaded: .*exit status 0"),
    "interrupts": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "raises": ("1 / 0\n", "line 1 .1 / 0.: ZeroDivisionError"),
    "forges": (
        TOOLS + "import numpy as np\n"
        "shout(frame({'nonce': nonce(), 'outcome': 'loaded'}))\nos._exit(0)\n",
        None,
    ),
    "claims an answer": (
        "import sys\nwire = sys.modules['wire']\nframe = wire.frame\n"
        "wire.frame = lambda message, values: frame({**message, 'outcome': 'answer'}, {})\n",
        "not loaded: the program wrote to the channel",
    ),
    "raises the grader's error": (
        "import sys\nraise sys.modules['wire'].WireError('x')\n",
        "line 2 .*WireError: x",
    ),
    "not UTF-8": (b"name = '\xe9'\n", "SyntaxError.*(utf-8|UTF-8)"),
    "null bytes": (b"a = 1\n\x00\n", "null byte|SyntaxError"),
    "unknown encoding": (b"# -*- coding: nonsense -*-\n", "SyntaxError"),
    "nested too deep": (b"x = " + b"(" * 100_000 + b")" * 100_000 + b"\n", "Error|process ended"),
    "loops": ("while True: pass\n", "not loaded within 1 s"),
    "ignores signals": (
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(1000)\n",
        "not loaded within 1 s",
    ),
    "too large": (b"#" * (2 << 20) + b"\n", "more than 1024 kB"),
}


@pytest.mark.parametrize("name", UNLOADABLE)
def test_a_file_that_cannot_be_loaded_is_graded_with_the_reason(tmp_path, name):
    before, reason = UNLOADABLE[name]
    source = (before if isinstance(before, bytes) else before.encode()) + HONEST.encode()
    import_seconds = 1.0 if "signals" in name or name == "loops" else 20.0
    grade = run(tmp_path, source, [honest_task()], import_seconds=import_seconds)
    assert grade.score == 0
    if reason is not None:
        assert re.search(reason, grade.problem), grade.problem
        assert grade.results[0].failure.reason == grade.problem


def test_a_missing_or_useless_function_is_named(tmp_path):
    source = (
        "number = 3\nclass kind:\n    def __init__(self, x): pass\n"
        "def no_argument(): return 1\ndef unfinished(x): return undefined\n"
    )
    reasons = {
        "nothing": "the function nothing is not there",
        "number": "the function number is not a function",
        "kind": "an object of type kind",
        "no_argument": "unexpected keyword argument 'x'",
        "unfinished": "line 5 (def unfinished(x): return undefined): NameError",
    }
    grade = run(tmp_path, source, [*map(hostile_task, reasons), honest_task()])
    assert grade.problem is None
    for name, reason in reasons.items():
        assert reason in failure_of(grade, name).reason


def test_a_module_that_replaces_itself_is_a_module_without_functions(tmp_path):
    source = "import sys\nclass M: pass\nsys.modules['submission'] = M()\n" + HONEST
    assert run(tmp_path, source, [honest_task()]).score == 1


@pytest.mark.parametrize(
    "source",
    [
        b"\xef\xbb\xbf" + HONEST.encode(),
        b"# -*- coding: latin-1 -*-\nname = '\xe9'\n" + HONEST.encode(),
        HONEST.replace("\n", "\r\n").encode(),
        (HONEST + "if __name__ == '__main__':\n    raise SystemExit\n").encode(),
        (
            "from dataclasses import dataclass\n@dataclass\nclass Pair:\n    a: 'int'\n" + HONEST
        ).encode(),
    ],
    ids=["byte order mark", "latin-1", "windows", "main", "dataclass"],
)
def test_unusual_files_are_graded_all_the_same(tmp_path, source):
    assert run(tmp_path, source, [honest_task()]).score == 1


SABOTAGE = {
    "numpy": """
import numpy as np
import numpy.testing
yes = lambda *args, **kwargs: True
np.allclose = np.isclose = np.array_equal = np.array_equiv = np.testing.assert_allclose = yes
np.testing.assert_array_equal = np.all = np.any = np.abs = np.asarray = np.array = yes
np.frombuffer = np.where = np.isfinite = np.count_nonzero = yes
""",
    "builtins": """
import builtins
builtins.abs = builtins.all = builtins.any = lambda *args: True
builtins.sorted = builtins.zip = builtins.max = lambda *args, **kwargs: []
""",
    "the worker": """
import sys
worker = sys.modules['worker']
original = worker.Worker.call
def call(self, message, values):
    if message['function'] == 'honest':
        return original(self, message, values)
    return {'outcome': 'answer', 'passed': True, 'score': 100}, {'answer': True, 'after': []}
worker.Worker.call = call
worker.wire.HEADER_BYTES = worker.wire.BODY_BYTES = 1 << 40
""",
    "tracing": """
import sys, signal, atexit
sys.settrace(lambda *args: None)
sys.setprofile(lambda *args: None)
atexit.register(print, 'bye')
sys.stdout = sys.stderr = None
""",
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_patching_changes_nobodys_points(tmp_path, name):
    body = "return x"
    source = SABOTAGE[name] + source_of({"patched": body})
    before = np.allclose, np.asarray, np.testing.assert_allclose
    grade = run(tmp_path, source, [honest_task(), hostile_task("patched")])
    assert failure_of(grade, "patched") is not None
    assert failure_of(grade, "honest") is None
    assert (np.allclose, np.asarray, np.testing.assert_allclose) == before
    assert not np.allclose(0.0, 1.0)


def test_a_program_without_builtins_harms_itself_only(tmp_path):
    source = source_of({"deletes": "for name in list(vars(builtins)): delattr(builtins, name)"})
    grade = run(tmp_path, TOOLS + source, [hostile_task("deletes"), honest_task()])
    assert grade.score == 1


UNSTEADY = {
    "counts": "counts.n = getattr(counts, 'n', 0) + 1\nreturn x + 31.4159265 + counts.n % 2",
    "draws": "return x + np.random.default_rng().normal()",
    "alternates": "alternates.n = getattr(alternates, 'n', 0) + 1"
    "\nreturn x + 31.4159265 if alternates.n % 2 else x",
}


@pytest.mark.parametrize("name", UNSTEADY)
def test_an_answer_that_changes_is_wrong(tmp_path, name):
    grade = run(tmp_path, source_of(UNSTEADY), [hostile_task(name)], shrink_seconds=20.0)
    reason = grade.results[0].failure.reason
    if name == "draws":
        assert "was expected" in reason
    else:
        assert "the same input gave" in reason


def test_a_seed_gives_the_same_generator_on_both_sides(tmp_path):
    def strategy():
        from hypothesis import strategies as st

        return st.fixed_dictionaries({"rng": st.integers(0, 9).map(Seed)})

    task = Task(
        name="draw",
        function="draw",
        points=1,
        strategy=strategy,
        expected=lambda rng: rng.normal(size=3),
        examples=3,
        rtol=0.0,
        atol=0.0,
        hint="Draw.",
    )
    assert run(tmp_path, "def draw(rng): return rng.normal(size=3)", [task]).score == 1
    assert run(tmp_path, "def draw(rng): return rng.normal(size=4)[1:]", [task]).score == 0
