"""A claim is a value: a statement, a sampler of instances that satisfy it, and what to compare.

`zeroone verify` runs the registry of claims and the tests run the same registry. A claim names the
function it is about as its *subject*; its *planted errors* are wrong subjects that must be caught,
so that a check which cannot fail does not stay unnoticed.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from zeroone.claims.histogram import Histogram
from zeroone.support.validation import FloatArray


class Kind(StrEnum):
    """What a claim says of (measured, theoretical)."""

    EQUALITY = "equality"  # measured == theoretical
    UPPER_BOUND = "upper bound"  # measured <= theoretical
    LOWER_BOUND = "lower bound"  # measured >= theoretical
    MONOTONE = "monotone"  # measured (after) <= theoretical (before)
    COUNTEREXAMPLE = "counterexample"  # some instance has measured > theoretical


@dataclass(frozen=True)
class Claim:
    """One lemma, closed form, bound or counterexample that can be checked on random instances.

    Parameters
    ----------
    id : str
        Short name, such as ``"bcd.u-block"``.
    statement : str
        What is claimed, in one sentence.
    source : str
        Where it comes from.
    kind : Kind
        How measured and theoretical values are compared.
    sample : callable (rng, count) -> instances
        Draws that many random instances that satisfy the hypotheses, edges among them.
    measure : callable (subject, instances) -> (measured, theoretical)
        Two arrays of one shape with at least one comparison an instance.
    subject : object
        The function (or functions) that the claim is about.
    planted : mapping of str to object
        Wrong subjects by a description of the error.
    tolerance : float
        Largest excess over equality or a bound that rounding (or a standard error) may explain,
        relative to the larger of the two values and `scale`. For a counterexample, the least excess
        that counts as one.
    scale : float, default 1.0
        Size below which the excess is measured absolutely.
    hypotheses : str
        The conditions that the sampler meets.
    cases : int, default 200
        Instances in an ordinary run.
    near : float, optional
        For bounds: the tightest instance must come at least this near (relative slack), or the
        check proves little.
    chunk : int, default 1000
        Instances drawn from one random stream, at most; results do not depend on who runs which
        chunk.
    """

    id: str
    statement: str
    source: str
    kind: Kind
    sample: Callable[[np.random.Generator, int], Any]
    measure: Callable[[Any, Any], tuple[FloatArray, FloatArray]]
    subject: Any
    planted: Mapping[str, Any]
    tolerance: float
    scale: float = 1.0
    hypotheses: str = ""
    cases: int = 200
    near: float | None = None
    chunk: int = 1000

    def with_planted(self, error: str) -> "Claim":
        """Return the claim about one of its planted errors: it should fail."""
        return replace(self, subject=self.planted[error])


def each(
    measure: Callable[[Any, Any], Any],
) -> Callable[[Any, list[Any]], tuple[FloatArray, FloatArray]]:
    """Return the measure of many instances from that of one, which returns pairs of values."""

    def measure_all(subject: Any, instances: list[Any]) -> tuple[FloatArray, FloatArray]:
        pairs = [pair for instance in instances for pair in measure(subject, instance)]
        measured, theoretical = zip(*pairs, strict=True) if pairs else ((), ())
        return np.array(measured, dtype=float), np.array(theoretical, dtype=float)

    return measure_all


@dataclass(frozen=True)
class Trial:
    """A chunk of instances and what was compared on them; see `collect`.

    Parameters
    ----------
    instances : object
        As the claim's sampler returned them.
    measured, theoretical, excess : ndarray
        One entry for each comparison.
    """

    instances: Any
    measured: FloatArray
    theoretical: FloatArray
    excess: FloatArray


@dataclass(frozen=True)
class Comparison:
    """One comparison and where to find it again: ``attempt(claim, seed, chunk, count)``.

    Parameters
    ----------
    chunk, count : int
        The number of its chunk, and how many instances the chunk has.
    position, comparisons : int
        Which of the chunk's comparisons it is, from 0, and how many there are.
    measured, theoretical : float
        The two values.
    """

    chunk: int
    count: int
    position: int
    comparisons: int
    measured: float
    theoretical: float


@dataclass(frozen=True)
class Evidence:
    """What some instances of a claim showed.

    Parameters
    ----------
    instances : int
        How many were tried.
    excess : ndarray
        For each comparison, by how much it went beyond equality or the bound, relative; negative
        where there is slack.
    largest : float
        Largest absolute value compared: zero means that nothing was tested.
    tightest : Comparison, optional
        The (first) comparison with the largest excess; None if nothing was compared.
    unmeasured : int
        Comparisons with NaN on a side: they prove nothing, even where a counterexample is found
        among the others.
    values : tuple of ndarray, optional
        All measured and all theoretical values; None unless they were asked for.
    """

    instances: int
    excess: FloatArray
    largest: float
    tightest: Comparison | None = None
    unmeasured: int = 0
    values: tuple[FloatArray, FloatArray] | None = None


def excess(claim: Claim, measured: FloatArray, theoretical: FloatArray) -> FloatArray:
    """Return by how much each comparison goes beyond what is claimed, relative to its size.

    NaN and infinity, on either side, count as an infinite excess (for a counterexample: as none).
    """
    if measured.shape != theoretical.shape:
        raise RuntimeError(f"{claim.id}: {measured.shape} measured, {theoretical.shape} expected")
    size = np.maximum(np.maximum(np.abs(measured), np.abs(theoretical)), claim.scale)
    with np.errstate(invalid="ignore"):
        difference = (measured - theoretical) / size
    if claim.kind is Kind.EQUALITY:
        difference = np.abs(difference)
    elif claim.kind is Kind.LOWER_BOUND:
        difference = -difference
    broken = -np.inf if claim.kind is Kind.COUNTEREXAMPLE else np.inf
    return np.where(np.isfinite(difference), difference, broken)


def attempt(claim: Claim, seed: int, chunk: int, count: int) -> Trial:
    """Try `count` instances of the chunk's own random stream, and return them with their values.

    The stream depends on the seed, the claim's id and the chunk's number only.
    """
    stream = np.random.SeedSequence([seed, zlib.crc32(claim.id.encode()), chunk])
    instances = claim.sample(np.random.default_rng(stream), count)
    with np.errstate(all="ignore"):
        measured, theoretical = claim.measure(claim.subject, instances)
    measured = np.asarray(measured, dtype=np.float64).ravel()
    theoretical = np.asarray(theoretical, dtype=np.float64).ravel()
    return Trial(instances, measured, theoretical, excess(claim, measured, theoretical))


def collect(
    claim: Claim, seed: int, chunk: int, count: int, *, keep_values: bool = False
) -> Evidence:
    """Return what the instances of `attempt` showed, with all values if these are to be kept."""
    trial = attempt(claim, seed, chunk, count)
    n = len(trial.excess)
    values = (trial.measured, trial.theoretical) if keep_values else None
    if n == 0:
        return Evidence(count, trial.excess, 0.0, values=values)
    tightest = int(np.argmax(trial.excess))
    largest = max(float(np.max(np.abs(side))) for side in (trial.measured, trial.theoretical))
    both = float(trial.measured[tightest]), float(trial.theoretical[tightest])
    found = Comparison(chunk, count, tightest, n, *both)
    unmeasured = int(np.count_nonzero(np.isnan(trial.measured) | np.isnan(trial.theoretical)))
    return Evidence(count, trial.excess, largest, found, unmeasured, values)


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held.

    Parameters
    ----------
    claim : Claim
        What was claimed.
    instances, comparisons : int
        Instances tried, and values compared on them.
    worst_margin : float
        Distance of the worst comparison from failing (negative: it failed); for a counterexample,
        how far the clearest one exceeds the bound that it breaks.
    passed : bool
    reason : str
        Why it did not pass; empty if it passed.
    seconds : float
        Time that the instances took.
    exceeding : int
        Comparisons beyond the tolerance; for a counterexample, the ones that break the bound.
    tightest : Comparison, optional
        The comparison of the worst margin; None if nothing was compared.
    histogram : Histogram
        Of the relative differences of an equality, of the margins of anything else.
    undecided : bool
        Whether it did not pass only because fewer instances were tried than in an ordinary run:
        what they showed breaks nothing, and more of them might show what is looked for.
    slack : float
        How near the tightest comparison came to equality or to the bound, relative: 0 if it met it,
        negative if it went beyond. Infinite if nothing was compared.
    values : tuple of ndarray, optional
        All measured and all theoretical values, if they were kept.
    """

    claim: Claim
    instances: int
    comparisons: int
    worst_margin: float
    passed: bool
    reason: str
    seconds: float = 0.0
    exceeding: int = 0
    tightest: Comparison | None = None
    histogram: Histogram = field(default_factory=Histogram, repr=False)
    undecided: bool = False
    slack: float = np.inf
    values: tuple[FloatArray, FloatArray] | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether the claim was found not to hold."""
        return not self.passed and not self.undecided


class Tally:
    """Evidence added up chunk by chunk, in memory that does not grow with it."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.instances = self.comparisons = self.exceeding = self.unmeasured = 0
        self.largest, self.least, self.most = 0.0, np.inf, -np.inf
        self.tightest: Comparison | None = None
        self.histogram = Histogram()
        self.values: list[tuple[FloatArray, FloatArray]] = []

    def margins(self, excess: FloatArray) -> FloatArray:
        """Return how far each comparison is from failing; of a counterexample, from being none."""
        margins = self.claim.tolerance - excess
        return -margins if self.claim.kind is Kind.COUNTEREXAMPLE else margins

    def add(self, evidence: Evidence) -> None:
        """Take in a chunk's evidence; the order of the chunks decides between equal extremes."""
        self.instances += evidence.instances
        self.comparisons += len(evidence.excess)
        self.exceeding += int(np.count_nonzero(evidence.excess > self.claim.tolerance))
        self.unmeasured += evidence.unmeasured
        if evidence.values is not None:
            self.values.append(evidence.values)
        self.largest = float(np.maximum(self.largest, evidence.largest))  # NaN stays NaN
        self.least = min(self.least, float(np.min(evidence.excess, initial=np.inf)))
        most = float(np.max(evidence.excess, initial=-np.inf))
        if self.tightest is None or most > self.most:
            self.tightest = evidence.tightest
        self.most = max(self.most, most)
        equality = self.claim.kind is Kind.EQUALITY
        shown = evidence.excess if equality else self.margins(evidence.excess)
        self.histogram += Histogram.of(shown)

    def broken(self) -> str:
        """Return how a comparison breaks the claim, or an empty string."""
        if self.claim.kind is not Kind.COUNTEREXAMPLE and self.exceeding:
            return f"{self.exceeding} of {self.comparisons} comparisons exceed it"
        if self.unmeasured:
            return f"{self.unmeasured} of {self.comparisons} comparisons are no numbers"
        return ""

    def lacking(self) -> str:
        """Return what the instances have not shown though they should, or an empty string."""
        claim = self.claim
        if self.comparisons == 0:
            return "nothing was compared"
        if self.largest == 0:
            return "all compared values are zero"
        if claim.kind is Kind.COUNTEREXAMPLE:
            return "" if self.exceeding else "no counterexample was found"
        if claim.near is not None and -self.most > claim.near:
            return f"the bound was never approached: least relative slack {-self.most:.2g}"
        if claim.kind is Kind.MONOTONE and not self.least < -claim.tolerance:
            return "the quantity never fell"
        return ""

    def verdict(self, seconds: float = 0.0) -> Verdict:
        """Return the verdict on all that was added."""
        broken = self.broken()
        reason = broken or self.lacking()
        kept = None
        if self.values:
            measured, theoretical = zip(*self.values, strict=True)
            kept = np.concatenate(measured), np.concatenate(theoretical)
        return Verdict(
            self.claim,
            self.instances,
            self.comparisons,
            float(self.margins(np.array(self.most))),
            not reason,
            reason,
            seconds,
            self.exceeding,
            self.tightest,
            self.histogram,
            undecided=bool(reason) and not broken and self.instances < self.claim.cases,
            slack=-self.most + 0.0,
            values=kept,
        )


def judge(claim: Claim, evidence: Iterable[Evidence], seconds: float = 0.0) -> Verdict:
    """Return the verdict on a claim from all its evidence.

    A claim fails if a comparison goes beyond the tolerance (a counterexample: if none does) or is
    NaN, if nothing was compared, if all that was compared is zero, if a bound was never approached
    (`Claim.near`), or if a monotone quantity never moved. All but the first is left undecided if
    there were fewer instances than in an ordinary run (`Claim.cases`).
    """
    tally = Tally(claim)
    for part in evidence:
        tally.add(part)
    return tally.verdict(seconds)
