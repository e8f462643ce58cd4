"""Whatever comes over the wire, in whatever phase, there is a grade that can be written."""

import json

import numpy as np
import pytest
from grading_toy import honest_task

from zeroone.grading import Assignment, grade, report, sandbox, wire
from zeroone.grading.process import BrokenStreamError, EndedError, LateError

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

OUTCOMES = ["loaded", "answer", "exception", "missing", "unsupported", "refused", "late", "died"]
OUTCOMES += ["forged", "no time", "ready", "", "passed"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(max_size=8)
    | st.just(np.ones(1))
    | st.just(np.zeros((0, 3), np.float16))
    | st.just(np.full((1,) * 32, np.nan))
    | st.just(np.array(True))
    | st.builds(wire.Seed, st.integers(0, 5)),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)
MESSAGE = st.fixed_dictionaries(
    {"outcome": st.sampled_from(OUTCOMES) | st.sampled_from(OUTCOMES) | JSON},
    optional={
        "message": st.text(max_size=30) | JSON,
        "type": st.text(max_size=5) | JSON,
        "line": st.integers(-2, 9) | JSON,
        "nonce": JSON,
        "function": JSON,
    },
)
VALUES = st.fixed_dictionaries({}, optional={"answer": PLAIN, "after": PLAIN, "more": PLAIN})
TREES = st.fixed_dictionaries({}, optional={"answer": JSON, "after": JSON}) | JSON
ENDS = st.sampled_from([EndedError, LateError, BrokenStreamError])
KNOWS = st.sampled_from([True, True, True, False])
# Each reply: its kind, and what it is made of. Half of them are good, so that a call is reached.
REPLIES = st.lists(
    st.just(("good",))
    | st.tuples(st.just("end"), ENDS)
    | st.tuples(st.just("bytes"), st.binary(max_size=20), st.binary(max_size=8))
    | st.tuples(st.just("typed"), MESSAGE, KNOWS, VALUES)
    | st.tuples(st.just("raw"), MESSAGE, KNOWS, TREES),
    min_size=1,
    max_size=8,
)
STATUSES = (None, 0, 256, 9, 11, 64, 127, 139)


def typed(message, values):
    """Return a frame with those values, as a worker would write it."""
    data = wire.frame(message, values)
    header, body = wire.lengths(data[: wire.PREFIX.size])
    return data[wire.PREFIX.size :][:header], data[len(data) - body :] if body else b""


def raw(message, trees):
    """Return a frame whose values are any JSON."""
    return json.dumps({**message, "values": trees}).encode("ascii"), b"12345678"


class FakeProcess:
    """A worker that gives the replies that are left, and then good ones."""

    def __init__(self, replies):
        self.replies, self.quiet, self.question = replies, True, {}

    def send(self, data, until):
        header, _ = wire.lengths(data[: wire.PREFIX.size])
        self.question = json.loads(data[wire.PREFIX.size :][:header])

    def receive(self, until):
        kind, *parts = self.replies.pop() if self.replies else ("good",)
        nonce = {"nonce": self.question["nonce"]}
        if kind == "end":
            raise parts[0]
        if kind == "bytes":
            return tuple(parts)
        if kind == "good" and self.question["do"] == "load":
            return typed(nonce | {"outcome": "loaded"}, {})
        if kind == "good":
            return typed(nonce | {"outcome": "answer"}, {"answer": np.ones(2), "after": []})
        message, knows, values = parts
        return (raw if kind == "raw" else typed)(message | (nonce if knows else {}), values)

    def stop(self):
        return STATUSES[len(self.replies) % len(STATUSES)]


# The grader draws its inputs with hypothesis as well.
@hypothesis.settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@hypothesis.given(replies=REPLIES)
def test_there_is_a_grade_whatever_comes(tmp_path_factory, replies):
    folder = tmp_path_factory.getbasetemp() / "protocol"
    folder.mkdir(exist_ok=True)
    (folder / "student.py").write_text("x = 1\n")
    left = list(replies)

    def start(self):
        self.process = FakeProcess(left)
        return self.process

    assignment = Assignment("toy", "Toy", (honest_task("a"), honest_task("b")), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox.Sandbox, "start", start)
        done = grade(assignment, folder / "student.py")
    told = report.as_json(done)
    json.dumps(told, allow_nan=False)
    assert 0 <= told["score"] <= 2
    assert len(told["tests"]) == 2
    assert all(test["output"] for test in told["tests"])
    assert report.text(done)
    assert "".join(report.page(done))


@pytest.mark.parametrize("asked", sandbox.OUTCOMES)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_that_a_phase_does_not_allow_is_forged(asked, outcome):
    frame = typed({"nonce": "n", "outcome": outcome}, {})
    if outcome in sandbox.OUTCOMES[asked]:
        assert sandbox.understand(frame, "n", sandbox.OUTCOMES[asked]).outcome == outcome
    else:
        with pytest.raises(wire.WireError):
            sandbox.understand(frame, "n", sandbox.OUTCOMES[asked])
