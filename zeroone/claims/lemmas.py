"""Which claims check which lemma, theorem, corollary or named result of ``docs/theory.md``.

``zeroone verify --only lemma-5`` finds its claims here. The numbers are those of [RVS]; its Lemma 2
is not stated in ``docs/theory.md``. Lemmas 5 to 9 are the steps of the proof of its Theorem 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Result:
    """A result of the theory and the claims that check it.

    Parameters
    ----------
    label : str
        Such as ``"lemma-5"``.
    statement : str
        What it says, in one sentence.
    source : str
        Where it is stated.
    claims : tuple of str
        Ids of claims, or shell patterns for several; counterexamples say where it ends.
    """

    label: str
    statement: str
    source: str
    claims: tuple[str, ...]

    def has(self, claim_id: str) -> bool:
        """Return whether a claim belongs to the result."""
        return any(fnmatchcase(claim_id, pattern) for pattern in self.claims)


RESULTS = (
    Result(
        "lemma-1",
        "The expected coarse gradient makes an acute angle with the true gradient.",
        "docs/theory.md#a2",
        ("gaussian.lemma-1", "gaussian.acute-angle"),
    ),
    Result(
        "lemma-3",
        "The true gradient is Lipschitz away from the kink at w*.",
        "docs/theory.md#a3",
        ("gaussian.lemma-3", "gaussian.lemma-3-*"),
    ),
    Result(
        "lemma-4",
        "The expected coarse gradient is Lipschitz, and the loss descends along it.",
        "docs/theory.md#a4",
        ("gaussian.lemma-4-*",),
    ),
    Result(
        "lemma-5",
        "The step of u does not raise the Lagrangian: u is its minimiser.",
        "docs/theory.md#a6",
        ("rvscgd.u-step", "prox.*"),
    ),
    Result(
        "lemma-6",
        "The step of w lowers the Lagrangian by a multiple of |w_new - w|^2.",
        "docs/theory.md#a7",
        ("rvscgd.w-step",),
    ),
    Result(
        "lemma-7",
        "The angle to w* stays at most pi - delta.",
        "docs/theory.md#a7",
        ("rvscgd.invariance", "rvscgd.stays-below-delta"),
    ),
    Result(
        "lemma-8",
        "Angle and Lagrangian do not rise as long as the angle is at least delta.",
        "docs/theory.md#a7",
        (
            "rvscgd.angle-first-order*",
            "rvscgd.angle-descent-*",
            "rvscgd.lagrangian-descent-*",
            "rvscgd.angle-rises-*",
            "rvscgd.lagrangian-rises-*",
        ),
    ),
    Result(
        "lemma-9",
        "At the limit w*, u and w balance: they lie in a plane, and the angle is below delta.",
        "docs/theory.md#a7",
        ("rvscgd.fixed-point", "rvscgd.balance", "rvscgd.limit-*", "rvscgd.l1-sine"),
    ),
    Result(
        "theorem-1",
        "RVSCGD with l1 keeps its angle below pi - delta, descends, and ends near w*.",
        "docs/theory.md#a7",
        (
            "rvscgd.u-step",
            "rvscgd.w-step",
            "rvscgd.invariance",
            "rvscgd.angle-*",
            "rvscgd.lagrangian-*",
            "rvscgd.doubled-beta-is-sharp",
            "rvscgd.l1-*",
            "rvscgd.fixed-point",
            "rvscgd.limit-*",
        ),
    ),
    Result(
        "corollary-1.1",
        "The same holds for l0 and transformed l1.",
        "docs/theory.md#a7",
        (
            "rvscgd.*-descent-l0",
            "rvscgd.*-descent-tl1",
            "rvscgd.limit-balance-l0",
            "rvscgd.limit-balance-tl1",
            "rvscgd.limit-angle",
        ),
    ),
    Result(
        "algorithm-1",
        "RVSCGD: a proximal step of u, a coarse gradient step of w, normalisation.",
        "docs/theory.md#a6",
        ("rvscgd.algorithm", "rvscgd.surrogate-descent"),
    ),
    Result(
        "equation-8",
        "The coarse gradient has the factor sqrt(2/pi), without which Lemma 4 fails.",
        "docs/theory.md#a1",
        (
            "gaussian.coarse-gradient-forms",
            "gaussian.coarse-gradient.*",
            "gaussian.lemma-4-without-factor",
        ),
    ),
    Result(
        "gordan",
        "A unit reaches its targets unless a convex combination of signed points is zero.",
        "docs/theory.md#c2",
        ("targetprop.separable",),
    ),
    Result(
        "farkas",
        "Targets that no unit reaches have a certificate.",
        "docs/theory.md#c2",
        ("targetprop.certificate",),
    ),
    Result(
        "cover",
        "n points in general position have 2 sum C(n-1, i) dichotomies; others have fewer.",
        "docs/theory.md#c2",
        ("targetprop.cover", "targetprop.cover-*", "targetprop.dichotomies"),
    ),
    Result(
        "hadamard",
        "Weights that separate hidden codes need be no larger than Hadamard's bound.",
        "docs/theory.md#c3",
        ("targetprop.output-bound", "targetprop.hidden-bound"),
    ),
)


def labels_of(claim_id: str) -> tuple[str, ...]:
    """Return the labels of the results to which a claim belongs."""
    return tuple(result.label for result in RESULTS if result.has(claim_id))


def claims_of(pattern: str, claim_ids: Iterable[str]) -> list[str]:
    """Return the ids of the claims of the results whose label matches a shell pattern."""
    chosen = [result for result in RESULTS if fnmatchcase(result.label, pattern.lower())]
    return [one for one in claim_ids if any(result.has(one) for result in chosen)]
