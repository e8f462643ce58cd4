"""No claim holds of a subject that returns zeros, its input, NaN, nothing, or the wrong answers."""

import warnings
from dataclasses import replace

import pytest
from degenerate import KINDS, Watched, degenerate, itself

from zeroone.claims import all_claims
from zeroone.claims.claim import collect, judge
from zeroone.claims.gaussian.pairs import by_group
from zeroone.claims.guard import Checked

CLAIMS = {claim.id: claim for claim in all_claims()}

# Where a way to spoil answers changes nothing that the claim is about, and why.
SAME_SET = "a list of dichotomies is a set: its order says nothing"
ONE_UNIT = (
    "the layer has one unit, whose row is the first; what else it remembers is not its answer"
)
ONE_STATE = "the steps of one batch hold the same state"
ONE_ENTRY = "each answer is one entry, which is its first row"
ONE_TEACHER = "the runs share their teacher: another's limit is a stationary point as well"
IN_PLACE = "it changes parameters in place and returns nothing; that nothing moves is planted"
ONE_CALL = "all instances are asked about in one call"

HARMLESS: dict[tuple[str, str], str] = {
    ("targetprop.dichotomies", "shuffled"): SAME_SET,
    ("targetprop.fit-decides", "NaN but one"): ONE_UNIT,
    ("targetprop.fit-decides", "shuffled"): ONE_UNIT,
    ("targetprop.step-descends", "the answer before"): ONE_STATE,
    **{
        (claim_id, name): ONE_ENTRY
        for claim_id in ("bcd.infimum", "bcd.infimum-not-attained")
        for name in ("NaN but one", "shuffled")
    },
    **{
        (f"two-layer.convergence{kind}", "shuffled"): ONE_TEACHER
        for kind in (".relu", ".identity", ".clipped-relu", "-free.relu", "-free.clipped-relu")
    },
    **{("targetprop.refit", name): IN_PLACE for name in KINDS},
    ("prox.ties", "shuffled"): "each answer is one entry, or one group, of which all is 0",
    ("bcd.infimum", "the answer before"): "the smallest u > 0 is the same for every instance",
    **{
        (f"prox.{name}", "the answer before"): ONE_CALL
        for name in ("l1", "l0", "transformed-l1", "mcp", "scad")
    },
}


def holds(claim, spoil):
    """Return whether the claim holds of its subject with spoilt answers."""
    cases = min(max(claim.cases // 4, 10), 500)
    spoilt = replace(claim, subject=degenerate(claim.subject, spoil))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return judge(spoilt, [collect(spoilt, 0, 0, cases)]).passed
        except Exception:  # whatever is no answer may break the arithmetic
            return False


# Planted errors that keep to what is stated, and fail only because they are not the algorithm.
LEAPS = ("a leap to the teacher", "u = w = w*", "w = w* and u = 0")


def unguarded(claim):
    """Return a claim without the guard that compares answers with another implementation's."""
    inner = getattr(claim.measure, "__wrapped__", claim.measure)
    if not isinstance(inner, Checked):
        return None
    alone = by_group(inner.measure) if inner is not claim.measure else inner.measure
    return replace(claim, measure=alone)


@pytest.mark.parametrize("claim_id", [name for name in CLAIMS if unguarded(CLAIMS[name])])
def test_what_is_stated_catches_planted_errors_by_itself(claim_id):
    claim = unguarded(CLAIMS[claim_id])
    for error in set(claim.planted) - set(LEAPS):
        wrong = claim.with_planted(error)
        found = judge(wrong, [collect(wrong, 0, 0, min(claim.cases, 500))])
        assert not found.passed, error
        caught = ("exceed", "no counterexample", "no numbers")
        assert any(word in found.reason for word in caught), (error, found.reason)


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_the_answers_themselves_pass(claim_id):
    # Else what follows would hold of anything that is wrapped.
    assert holds(CLAIMS[claim_id], itself)


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_no_degenerate_subject_passes(claim_id):
    claim = CLAIMS[claim_id]
    passed, untouched = [], []
    for name, make in KINDS.items():
        spoil = Watched(make())
        found = holds(claim, spoil)
        if not spoil.spoilt:
            untouched.append(name)
        elif found and (claim_id, name) not in HARMLESS:
            passed.append(name)
    assert not passed
    assert {name for name in untouched if (claim_id, name) not in HARMLESS} == set()
