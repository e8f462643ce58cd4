"""The claims at many seeds: ``pytest -m slow``, about half an hour on two cores.

What one seed barely catches another machine misses; and a claim that holds at one seed may have
been lucky.
"""

import pytest

from zeroone.claims import all_claims
from zeroone.claims.claim import collect, judge

CLAIMS = {claim.id: claim for claim in all_claims()}
SEEDS_OF_ERRORS, SEEDS = 20, 50

pytestmark = pytest.mark.slow


def verdict(claim, seed, cases):
    """Return the verdict on the chunks of a whole run."""
    parts = [min(claim.chunk, cases - start) for start in range(0, cases, claim.chunk)]
    return judge(claim, [collect(claim, seed, number, size) for number, size in enumerate(parts)])


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_every_planted_error_is_caught_at_every_seed(claim_id):
    claim = CLAIMS[claim_id]
    for error in claim.planted:
        wrong = claim.with_planted(error)
        missed = [
            seed
            for seed in range(SEEDS_OF_ERRORS)
            if verdict(wrong, seed, min(claim.cases, 500)).passed
        ]
        assert not missed, error


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_claim_holds_at_every_seed(claim_id):
    claim = CLAIMS[claim_id]
    for seed in range(SEEDS):
        found = verdict(claim, seed, claim.cases)
        assert found.passed, (seed, found.reason)
