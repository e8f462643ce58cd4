"""Run claims, here or on an executor's workers, with results that do not depend on which."""

import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

from zeroone.claims.claim import Claim, Evidence, Tally, Trial, Verdict, attempt, collect
from zeroone.claims.lemmas import RESULTS, claims_of
from zeroone.support.executors import in_order
from zeroone.support.validation import check_choice, check_integer

PROFILES = {"default": 1, "thorough": 20}  # times each claim's own number of instances

Result = tuple[Evidence, float]
Results = Generator[Result, None, None]
Plan = tuple[Claim, int]  # a claim and its number of instances


def all_claims() -> list[Claim]:
    """Return the registry: every claim of every area, in reading order."""
    from zeroone.claims import registry

    return list(registry.CLAIMS)


def registered(claim_id: str) -> Claim:
    """Return the claim of the registry with that id.

    Raises
    ------
    ValueError
        If there is none.
    """
    for claim in all_claims():
        if claim.id == claim_id:
            return claim
    raise ValueError(f"claim_id must be the id of a claim, but {claim_id!r} is none")


def select(claims: Iterable[Claim], pattern: str | None) -> list[Claim]:
    """Return the claims that a pattern names, in their order.

    Parameters
    ----------
    claims : iterable of Claim
    pattern : str or None
        A shell pattern for ids or a part of an id, such as ``"bcd.u-*"``; or the label of a result
        of ``docs/theory.md``, such as ``"lemma-5"`` (see `zeroone.claims.lemmas`). None for all.

    Raises
    ------
    ValueError
        If there are none.
    """
    claims = list(claims)
    if pattern is None:
        return claims
    of_results = claims_of(pattern, [claim.id for claim in claims])
    chosen = [
        claim
        for claim in claims
        if claim.id in of_results or fnmatch(claim.id, pattern) or pattern in claim.id
    ]
    if not chosen:
        labels = ", ".join(result.label for result in RESULTS)
        raise ValueError(
            f"only must match the id of a claim (see zeroone verify --list) or be one of {labels}, "
            f"but is {pattern!r}"
        )
    return chosen


def chunks(claim: Claim, cases: int) -> Iterator[tuple[int, int]]:
    """Yield (chunk number, count) pairs that add up to `cases` instances.

    A chunk is never larger than an ordinary run of the claim: where instances are slow, a longer
    run is then still made of pieces that several workers can share evenly.
    """
    size = min(claim.chunk, claim.cases)
    for number, start in enumerate(range(0, cases, size)):
        yield number, min(size, cases - start)


def rerun(claim_id: str, *, seed: int, chunk: int, count: int) -> Trial:
    """Draw a chunk of a registered claim once more, with the instances and all that is compared.

    Parameters
    ----------
    claim_id : str
    seed : int
        Of the run.
    chunk, count : int
        As in `Comparison`: the chunk's number and its instances.

    Returns
    -------
    Trial
        Its entry `Comparison.position` is the comparison.

    Raises
    ------
    ValueError
        If there is no such claim or a number is out of range.
    """
    check_integer("seed", seed, minimum=0)
    check_integer("chunk", chunk, minimum=0)
    return attempt(registered(claim_id), seed, chunk, check_integer("count", count))


def collect_sent(
    claim: Claim | str, seed: int, keep_values: bool, chunk: int, count: int
) -> Result:
    """Try a chunk of a claim, or of the registered one of an id, as worker processes get it."""
    claim = registered(claim) if isinstance(claim, str) else claim
    start = time.perf_counter()
    evidence = collect(claim, seed, chunk, count, keep_values=keep_values)
    return evidence, time.perf_counter() - start


def verify(
    claims: Iterable[Claim] | None = None,
    *,
    cases: int | None = None,
    seed: int = 0,
    profile: str = "default",
    executor: Executor | None = None,
    keep_values: bool = False,
) -> Iterator[Verdict]:
    """Check claims on random instances.

    Parameters
    ----------
    claims : iterable of Claim, optional
        Which; all of the registry by default. Executors that start other processes find a claim of
        the registry there by its id; any other claim must be picklable.
    cases : int, optional
        Instances for each claim; each claim's own number, times the profile's factor, by default.
    seed : int, default 0
        The same seed gives the same instances, whoever runs them.
    profile : {"default", "thorough"}
        "thorough" tries 20 times as many instances.
    executor : concurrent.futures.Executor, optional
        Where to run the chunks; in this process by default. `worker_pool` makes one; that of a
        ``dask.distributed`` client is ``client.get_executor()``.

    keep_values : bool, default False
        Whether verdicts come with all values that were compared, in `Verdict.values`.

    Yields
    ------
    Verdict
        In the order of the claims, each as soon as it is there.

    Raises
    ------
    ValueError
        If `cases` or `seed` is out of range, or there is no such profile.
    """
    if cases is not None:
        check_integer("cases", cases)
    check_integer("seed", seed, minimum=0)
    factor = PROFILES[check_choice("profile", profile, PROFILES)]
    chosen = all_claims() if claims is None else list(claims)
    plans = [(claim, cases or factor * claim.cases) for claim in chosen]
    return _verdicts(plans, seed, executor, keep_values)


def _verdicts(
    plans: list[Plan], seed: int, executor: Executor | None, keep_values: bool
) -> Iterator[Verdict]:
    """Yield the verdicts on claims from their chunks."""
    with closing(_results(plans, seed, executor, keep_values)) as results:
        for claim, instances in plans:
            tally, seconds = Tally(claim), 0.0
            for _ in chunks(claim, instances):
                evidence, took = next(results)
                tally.add(evidence)
                seconds += took
            yield tally.verdict(seconds)


def _results(plans: list[Plan], seed: int, executor: Executor | None, keep_values: bool) -> Results:
    """Yield the result of every chunk of every claim, in order."""
    tasks: Iterable[tuple[Any, ...]] = (
        (claim, seed, keep_values, *part)
        for claim, instances in plans
        for part in chunks(claim, instances)
    )
    if executor is not None:
        known = {id(claim) for claim in all_claims()}
        # Planted errors are often lambdas, which cannot be sent, and are not needed.
        tasks = (
            (claim.id if id(claim) in known else replace(claim, planted={}), *rest)
            for claim, *rest in tasks
        )
    yield from in_order(executor, collect_sent, tasks)
