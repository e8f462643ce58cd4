"""The classroom assignments: starters earn nothing, solutions all, mistakes what they should.

Each assignment has two solutions in ``instructor/``: one in plain NumPy, as a student would write
it (``solution.py``), and the package itself, adapted (``reference.py``). Inputs are drawn once,
while the first is graded, and put to all others: to the package and to some twenty wrong answers.
"""

import ast
import functools
import io
import itertools
import re
import tokenize
import types
import warnings
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("hypothesis")

from wrong_answers import KINDS, WRONG_ANSWERS

from zeroone.bcd import blocks
from zeroone.commands import assignment as command
from zeroone.grading import grade, load, wire
from zeroone.grading.sandbox import Limits, Reply
from zeroone.grading.search import search
from zeroone.grading.settings import Settings
from zeroone.grading.trial import Trial, fresh

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tutorials" / "assignments"
SOLUTIONS = ROOT / "instructor" / "zeroone_instructor" / "solutions"
NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())
MARKER = "# YOUR CODE HERE"
POINTS = 20

assignments = pytest.mark.parametrize("name", NAMES)


# ---- grading


class Direct:
    """What a `Sandbox` does, in this process: for code that is trusted, and quickly."""

    limits = Limits(shrink_seconds=0.0)
    seconds_left = 1e9
    source = b""

    def __init__(self, source):
        self.functions = {}
        exec(compile(source, "submission", "exec"), self.functions)
        self.calls = []

    def call(self, function, arguments, seconds, *, after=True):
        self.calls.append((function, arguments))
        own = {name: fresh(value) for name, value in arguments.items()}
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                answer = self.functions[function](**own)
        except Exception as error:
            return Reply("exception", f"{type(error).__name__}: {error}")
        left = [None if isinstance(value, np.random.Generator) else value for value in own.values()]
        _, values = unframed({"answer": answer, "after": left})
        return Reply("answer", answer=values["answer"], after=values["after"])


def unframed(values):
    """Return values as they are after they have travelled."""
    frame = wire.frame({}, values)
    header, _ = wire.lengths(frame[: wire.PREFIX.size])
    start = wire.PREFIX.size
    return wire.unframe(frame[start : start + header], frame[start + header :])


def solution(name):
    return (SOLUTIONS / name / "solution.py").read_text()


@functools.cache
def graded_solution(name):
    """Return for each task of an assignment its inputs, and what was wrong with the solution."""
    sandbox, found = Direct(solution(name)), {}
    for task in load(name).tasks:
        sandbox.calls.clear()
        failure = search(name, task, sandbox)
        found[task.name] = unique([arguments for _, arguments in sandbox.calls]), failure
    return found


def unique(inputs):
    """Return the inputs without those that come again at once, to see if the answer is the same."""
    return [one for i, one in enumerate(inputs) if i == 0 or one is not inputs[i - 1]]


@functools.cache
def questions(name):
    """Return for each task its inputs, and what it expects for each of them."""
    found = []
    for task in load(name).tasks:
        inputs, _ = graded_solution(name)[task.name]
        found.append((task, inputs, [expected(task, arguments) for arguments in inputs]))
    return found


def expected(task, arguments):
    """Return what a task expects, None if it only judges."""
    return Trial(task, None).compute("expected", arguments)


def failures(name, source):
    """Return the tasks that a submission fails, with the reasons."""
    sandbox, found = Direct(source), {}
    for task, inputs, answers in questions(name):
        trial = Trial(task, sandbox)
        faults = (
            trial.fault(arguments, trial.call(arguments), right)
            for arguments, right in zip(inputs, answers, strict=True)
        )
        if wrong := next(filter(None, faults), None):
            found[task.name] = wrong
    return found


def few_examples(name):
    """Return an assignment with the examples of its own choice and one more."""
    whole = load(name)
    return replace(whole, tasks=tuple(replace(task, examples=1) for task in whole.tasks))


def lost_tasks(wrong):
    """Return the names of the tasks that a wrong answer must lose."""
    names, lost = [task.name for task in load(wrong.assignment).tasks], set()
    for start in wrong.lost:
        matching = [start] if start in names else [n for n in names if n.startswith(start)]
        assert matching, f"no task begins with {start!r}"
        lost.update(matching)
    return lost


SETTINGS = Settings(limits=Limits(shrink_seconds=0.0))


@assignments
def test_solution_in_numpy_is_right(name):
    graded = graded_solution(name)
    assert {task: failure for task, (_, failure) in graded.items() if failure} == {}
    for task in load(name).tasks:
        assert len(graded[task.name][0]) >= min(task.examples, 5)


@assignments
def test_package_is_right(name):
    source = (SOLUTIONS / name / "reference.py").read_text()
    assert "zeroone" in source
    assert failures(name, source) == {}


@assignments
def test_solution_earns_all_points_in_the_sandbox(name):
    result = grade(few_examples(name), SOLUTIONS / name / "solution.py", SETTINGS)
    assert result.problem is None
    assert [each.failure for each in result.results if each.failure] == []
    assert result.earned == result.maximum == POINTS


@assignments
def test_starter_earns_nothing(name):
    result = grade(few_examples(name), FOLDER / name / "starter.py", SETTINGS)
    assert result.problem is None
    assert result.earned == 0
    assert all(each.failure.unwritten for each in result.results)
    assert not any("\n" in each.failure.reason for each in result.results)


@pytest.mark.parametrize(
    "wrong", WRONG_ANSWERS, ids=lambda wrong: f"{wrong.assignment[:2]} {wrong.description}"
)
def test_wrong_answer_loses_what_it_should(wrong):
    found = failures(wrong.assignment, wrong.source(solution(wrong.assignment)))
    assert set(found) == lost_tasks(wrong), found


def test_wrong_answers_are_of_all_kinds():
    assert {wrong.kind for wrong in WRONG_ANSWERS} == set(KINDS)
    for name in NAMES:
        assert sum(wrong.assignment == name for wrong in WRONG_ANSWERS) >= 10


@assignments
def test_deciding_inputs_are_tried_first(name):
    """Every wrong answer must be caught by what a task names, whatever Hypothesis draws."""
    tasks = load(name).tasks
    named = {task.name: task.explicit or ({},) for task in tasks}
    right = {task.name: [expected(task, one) for one in named[task.name]] for task in tasks}
    missed = []
    for wrong in (each for each in WRONG_ANSWERS if each.assignment == name):
        sandbox, lost = Direct(wrong.source(solution(name))), lost_tasks(wrong)
        for task in (each for each in tasks if each.name in lost):
            trial, pairs = (
                Trial(task, sandbox),
                zip(named[task.name], right[task.name], strict=True),
            )
            if not any(trial.fault(one, trial.call(one), answer) for one, answer in pairs):
                missed.append((wrong.description, task.name))
    assert missed == []


def patient(source):
    """Return what grades a submission and has all the time that it takes to simplify an input."""
    sandbox = Direct(source)
    sandbox.limits = Limits(shrink_seconds=1e6)
    return sandbox


SIMPLE = ("01_forward", "02_u_block", "03_group_thresholding", "06_targets", "08_convolution")


@pytest.mark.parametrize("name", SIMPLE)
def test_a_failing_input_is_shown_in_simple_numbers(name):
    """A function that returns None fails for every input: the simplest of all is shown."""
    tree = ast.parse(solution(name))
    nothing = [f"def {each}(*args, **kwargs): pass" for each in functions(tree)]
    for task in load(name).tasks:
        failure = search(name, task, patient("\n".join(nothing)))
        assert "you returned None (is a return missing?)" in failure.reason
        assert not re.search(r"\.\d\d\d|e[+-]\d\d", failure.arguments), failure.arguments


def test_a_typical_mistake_is_shown_in_simple_numbers():
    for each in (each for each in WRONG_ANSWERS if each.assignment == "02_u_block"):
        wrong, lost = each.source(solution("02_u_block")), lost_tasks(each)
        for task in (task for task in load("02_u_block").tasks if task.name in lost):
            failure = search("02_u_block", task, patient(wrong))
            assert not re.search(r"\.\d\d\d", failure.arguments), failure.arguments


def nothing_learned(right, arguments):
    """Return answers of the right form that say nothing."""
    parts = right if isinstance(right, tuple) else (right,)
    for empty in (np.zeros_like, np.ones_like, lambda part: np.full(part.shape, np.nan)):
        answer = tuple(empty(part) for part in parts)
        yield answer if isinstance(right, tuple) else answer[0]
    yield from (None, (), np.zeros(0), 1.0, next(iter(arguments.values())))


def test_answers_that_say_nothing_lose_every_task_of_the_convolution():
    for task in load("08_convolution").tasks:
        inputs = task.explicit
        forms = [expected(task, one) if task.judge is None else task.form(**one) for one in inputs]
        tried = [list(nothing_learned(form, one)) for form, one in zip(forms, inputs, strict=True)]
        for which in range(len(tried[0])):
            faults = []
            for one, form, answers in zip(inputs, forms, tried, strict=True):
                sandbox = Direct(b"")
                sandbox.functions[task.function] = lambda answer=answers[which], **_: answer
                trial = Trial(task, sandbox)
                right = form if task.judge is None else None
                faults.append(trial.fault(one, trial.call(one), right))
            assert any(faults), (task.name, which)


def test_the_oracles_of_the_convolution_are_adjoint():
    """<P V, R> = <V, P^T R> for V and R that nobody chose, and every kind of window."""
    checks, rng = checks_of("08_convolution"), np.random.default_rng(0)
    for kernel, stride, padding in itertools.product((1, 2, 3), (1, 2, 3), (0, 1, 2)):
        for height, width, channels in ((3, 5, 2), (4, 3, 1), (5, 5, 3)):
            V = rng.standard_normal((2, height, width, channels))
            rows = checks.expected_patches(V, kernel, stride, padding)
            R = rng.standard_normal(rows.shape)
            back = checks.expected_adjoint(R, height, width, channels, kernel, stride, padding)
            assert back.shape == V.shape
            np.testing.assert_allclose(np.vdot(rows, R), np.vdot(V, back), rtol=1e-9, atol=1e-9)


# ---- what is handed out


def parse(path):
    return ast.parse(path.read_text())


def functions(tree):
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


@assignments
def test_starter_has_signatures_docstrings_and_markers_only(name):
    text = (FOLDER / name / "starter.py").read_text()
    docstring, imported, *rest = ast.parse(text).body
    assert isinstance(docstring.value.value, str)
    assert ast.unparse(imported) == "import numpy as np"
    assert all(isinstance(node, ast.FunctionDef) for node in rest)
    for node in rest:
        described, raised = node.body
        assert ast.unparse(raised) == "raise NotImplementedError('fill in')"
        assert text.splitlines()[raised.lineno - 2].strip() == MARKER
        words = described.value.value
        assert "Returns" in words
        assert all(argument.arg in words for argument in node.args.args)
    assert text.count(MARKER) == len(rest)
    assert 2 <= len(rest) <= 5


@assignments
def test_functions_are_the_same_everywhere(name):
    starter = functions(parse(FOLDER / name / "starter.py"))
    handout = (FOLDER / name / "handout.md").read_text()
    assert {task.function for task in load(name).tasks} == set(starter)
    for each in ("solution.py", "reference.py"):
        source = (SOLUTIONS / name / each).read_text()
        for function, node in starter.items():
            written = functions(ast.parse(source)).get(function)
            if written is None:  # a function of the package under another name
                assert re.search(rf"^{function} = ", source, re.M), function
            else:
                assert ast.unparse(written.args) == ast.unparse(node.args), function
    for function, node in starter.items():
        assert f"{function}({ast.unparse(node.args)})" in handout


def section_points(handout):
    """Return the points that a handout gives to its parts."""
    tasks = re.findall(r"^(?:\*\*|## )\((\w)\).*?\((\d+)\s+points\)", handout, re.M | re.S)
    return {letter: int(points) for letter, points in tasks}


@assignments
def test_handout_gives_the_points_that_the_checks_give(name):
    tasks = load(name).tasks
    points = {}
    for task in tasks:
        letter = re.match(r"\((\w)\) ", task.name).group(1)
        points[letter] = points.get(letter, 0) + task.points
    assert sum(points.values()) == POINTS
    handout = (FOLDER / name / "handout.md").read_text()
    assert section_points(handout) == points
    assert f"\n{POINTS} points. Theory:" in handout


@assignments
def test_handout_has_its_parts_and_is_one_or_two_pages(name):
    handout = (FOLDER / name / "handout.md").read_text()
    number, short = name.split("_", 1)
    assert handout.startswith(f"# {int(number)}. {load(name).title}\n")
    assert "import zeroone` is refused" in handout
    assert f"\n    zeroone grade {short} {name}/starter.py\n" in handout
    # Who reads it has started the assignment.
    assert "assignment start" not in handout
    flat = handout.replace("\n", " ")
    assert "A row earns all of its points or none" in flat
    assert len(re.findall(r"points or none|all or nothing|points of a task are all", flat)) == 1
    # What the grader needs is said before it is called.
    extra = handout.index("\n    pip install 'zeroone-nets[classroom]'\n")
    assert extra < handout.index("\n    zeroone grade ")
    questions = handout.split("## Questions to ask yourself\n")[1].strip().split("\n- ")
    assert len(questions) >= 5
    assert all(question.rstrip().endswith(("?", ".")) for question in questions)
    assert all("?" in question for question in questions)
    assert 50 <= len(handout.splitlines()) <= 125
    assert max(map(len, handout.splitlines())) <= 120


@assignments
def test_handout_cites_equations_that_exist(name):
    notation = (ROOT / "tutorials" / "00_notation.py").read_text()
    cited = re.findall(r"\(([UABC]\d?\.\d+)\)", (FOLDER / name / "handout.md").read_text())
    assert cited
    for number in cited:
        assert rf"\tag{{{number}}}" in notation, number


@assignments
def test_commands_of_the_handout(name, tmp_path, capsys):
    assert command.start(Namespace(names=[name[3:]], to=str(tmp_path), notebook=False)) == 0
    for file in ("starter.py", "handout.md"):
        assert (tmp_path / name / file).read_text() == (FOLDER / name / file).read_text()
    assert name in load(name[3:]).name


# ---- answers given away

# A line of so many tokens, with an operation among them, is taken for an answer.
TELLING = 7
OPERATIONS = set("(+-*/@<>[")


def tokens(text):
    """Return names, numbers and signs of a text, whatever its layout."""
    return re.findall(r"\w+|[^\w\s]", text)


def code_lines(source):
    """Return the lines inside of functions, without docstrings, comments and the word return."""
    lines = {}
    tree = ast.parse(source)
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.Module) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    heads = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        skipped = token.type in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE)
        if token.string.strip() and not skipped and line not in docstrings | heads:
            lines.setdefault(line, []).append(token.string)
    return [line[1:] if line[0] == "return" else line for line in lines.values()]


def is_telling(line):
    return len(line) >= TELLING and OPERATIONS & set(line)


def given_away(source, text, starter):
    """Return the telling lines of a solution that are in a text, the signatures set aside."""
    for function, node in functions(ast.parse(starter)).items():
        text = text.replace(f"{function}({ast.unparse(node.args)})", "")
    stream = " ".join(tokens(text)) + " "
    found = []
    for line in code_lines(source):
        flat = tokens(" ".join(line))
        right = flat[flat.index("=") + 1 :] if "=" in flat else flat
        found += [
            " ".join(part)
            for part in (flat, right)
            if is_telling(part) and " ".join(part) + " " in stream
        ]
    return found


@assignments
@pytest.mark.parametrize("handed_out", ["handout.md", "starter.py", "hints"])
def test_no_answer_is_given_away(name, handed_out):
    starter = (FOLDER / name / "starter.py").read_text()
    if handed_out == "hints":
        text = "\n".join(task.hint for task in load(name).tasks)
    else:
        text = (FOLDER / name / handed_out).read_text()
    for each in ("solution.py", "reference.py"):
        assert given_away((SOLUTIONS / name / each).read_text(), text, starter) == []
    if handed_out == "handout.md":
        assert "np." not in text
        assert not re.search(r"^\s*(def \w+\(|return \w|import \w|for \w+ in )", text, re.M)


@assignments
def test_an_answer_given_away_is_noticed(name):
    source, starter = solution(name), (FOLDER / name / "starter.py").read_text()
    lines = [tokens(" ".join(line)) for line in code_lines(source)]
    text = (FOLDER / name / "handout.md").read_text()
    noticed = [line for line in lines if given_away(source, f"{text} {'  '.join(line)} ", starter)]
    assert len(noticed) >= 3


# ---- the judge of the last assignment


def package_sweeps(X, y, W1, tau, pi, gamma, sweeps):
    """Return F and the number of wrong classes before and after, by the package's own blocks."""
    A = X @ W1.T
    U, V = A.copy(), (A > 0).astype(float)
    w2 = np.zeros((1, len(W1)))

    def ridge(W, T, V, tau):
        b, gram = np.zeros(len(W)), blocks.Gram(V, bias=False)
        C, c = blocks.correlate(T, V @ W.T, V)
        return blocks.ridge_weights(W, b, C, c, gram, tau=tau, gamma=gamma)[0]

    def state():
        hard = (X @ W1.T > 1e-9) @ w2[0] > 1e-9
        terms = ((V @ w2[0] - y) ** 2).sum(), (W1**2).sum() + (w2**2).sum()
        coupling, mismatch = ((U - X @ W1.T) ** 2).sum(), ((V - (U > 0)) ** 2).sum()
        F = (terms[0] + tau * coupling + pi * mismatch + gamma * terms[1]) / 2
        return F, int(np.sum(hard != (y > 0)))

    w2 = ridge(w2, y[:, None], V, 1.0)
    states = [state()]
    for _ in range(sweeps):
        V = blocks.ridge_activations(V, U > 0, y[:, None] - V @ w2.T, w2, tau=1.0, pi=pi)
        states.append(state())
        U = blocks.update_preactivations(X @ W1.T, V, tau=tau, pi=pi, margin=0.0)
        states.append(state())
        W1 = ridge(W1, U, X, tau)
        states.append(state())
        w2 = ridge(w2, y[:, None], V, 1.0)
        states.append(state())
    return states


def checks_of(name):
    """Return the module of checks that an assignment's tasks come from."""
    judge = load(name).tasks[-1].judge
    return types.SimpleNamespace(**judge.__globals__)


@pytest.mark.parametrize("which", ["solution.py", "reference.py"])
def test_network_gets_worse_by_the_package_too(which):
    source = (SOLUTIONS / "07_counterexample" / which).read_text()
    X, y, W1, *prices = Direct(source).functions["worse_network"]()
    states = package_sweeps(X, y, W1, *prices)
    assert all(after[0] <= before[0] + 1e-12 for before, after in itertools.pairwise(states))
    assert states[0][1] == 0
    assert states[-1][1] >= 3
    assert states[-1][0] <= states[0][0] / 2


def test_judge_sweeps_as_the_package_does():
    checks, rng = checks_of("07_counterexample"), np.random.default_rng(0)
    compared = 0
    for _ in range(40):
        X, W1 = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
        y = rng.choice([-1.0, 1.0], 5)
        tau, pi, gamma = np.exp(rng.uniform(-3, 2, 3))
        descent = checks.Descent(X, y, W1, tau, pi, gamma)
        states = package_sweeps(X, y, W1, tau, pi, gamma, 3)[::4]
        for F, n_wrong in states:
            np.testing.assert_allclose(descent.objective(), F, rtol=1e-9)
            assert descent.wrong_classes() == n_wrong
            descent.sweep()
            compared += 1
    assert compared == 160


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        3.0,
        (),
        (1, 2, 3),
        (np.nan,) * 6,
        (np.nan,) * 7,
        (np.zeros((0, 0)),) * 7,
        (np.full((3, 2), np.nan),) * 7,
        (np.zeros(2), np.zeros(2), 1, 1.0, 1.0, 0.1),
        (np.array([1.0, 0.0]), np.array([1.0]), 1, 1.0, 1.0, 0.1),
        (np.array([1.0, 0.0]), np.array([0.0, 1.0]), 1, np.nan, 1.0, 0.1),
        (np.array([1.0, 0.0]), np.array([0.0, 1.0]), True, 1.0, 1.0, 0.1),
        (np.eye(3), np.ones(3), np.eye(3), 1.0, 1.0, 1.0, 10**6),
        (np.full((3, 2), 1e300), np.ones(3), np.eye(2), 1.0, 1.0, 1.0, 1),
        (np.eye(3), np.ones(3), np.eye(2), 1.0, 1.0, 1.0, 1),
        (np.array([["a"]]), "b", 1),
        [np.array([[1], [2]]), np.array([1, -1]), np.array([1.0, 1.0])],
        (np.array([[10**9], [2]]), np.array([1, -1]), np.array([1, 1])),
        (np.array([[1], [2]]), np.array([1, 3]), np.array([1, 1])),
    ],
    ids=repr,
)
def test_judges_refuse_nonsense_in_words(nonsense):
    for task in load("07_counterexample").tasks:
        said = task.judge({"dimension": 1}, nonsense)
        assert isinstance(said, str)
        assert said
