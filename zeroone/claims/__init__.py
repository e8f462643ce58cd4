"""The theory as claims that can be checked: `zeroone verify` runs them."""

from zeroone.claims.claim import Claim, Kind, Verdict
from zeroone.claims.runner import all_claims, rerun, select, verify
from zeroone.support.executors import worker_pool

__all__ = ["Claim", "Kind", "Verdict", "all_claims", "rerun", "select", "verify", "worker_pool"]
