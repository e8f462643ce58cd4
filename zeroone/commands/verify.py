"""``zeroone verify``: check the theory's claims on random instances."""

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

import zeroone
from zeroone.claims import Claim, Verdict, all_claims, select, verify
from zeroone.claims.claim import excess
from zeroone.claims.lemmas import RESULTS, labels_of
from zeroone.claims.runner import PROFILES
from zeroone.commands import verify_page
from zeroone.commands.common import add_worker_options, check_writable, progress
from zeroone.support.executors import workers_or_cluster
from zeroone.support.files import atomic_write
from zeroone.support.tables import table
from zeroone.support.validation import check_integer

# From so many claims on, several processes are done sooner, though each takes a second to start.
MANY_CLAIMS = 50
SEVERAL_WORKERS = 4


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "verify", help="check the theory's claims on random instances", description=__doc__
    )
    parser.add_argument(
        "--only",
        metavar="PATTERN",
        help="check the claims whose id matches, such as 'bcd.u-*', or those of a result of the "
        "theory, such as lemma-5, theorem-1, corollary-1.1, algorithm-1 (see --list)",
    )
    parser.add_argument(
        "--cases",
        type=int,
        metavar="N",
        help="random instances of each claim (default: each claim's own number)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the random instances (default: 0)"
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="default",
        help=f"thorough: {PROFILES['thorough']} times the instances (default: default)",
    )
    add_worker_options(
        parser,
        default=None,
        says=f"one a processor, up to {SEVERAL_WORKERS}, for {MANY_CLAIMS} claims or more with all "
        "their instances; otherwise 1",
    )
    parser.add_argument("--json", metavar="FILE", help="write the results for programs")
    parser.add_argument(
        "--export",
        metavar="FOLDER",
        help="write all measured and theoretical values, a file FOLDER/CLAIM.npz for each claim",
    )
    parser.add_argument("--html", metavar="FILE", help="write the results as a page to print")
    parser.add_argument(
        "--list", action="store_true", help="list the claims and the results, and check none"
    )
    parser.set_defaults(run=run)


def listing(claims: Sequence[Claim], width: int) -> str:
    """Return a table of claims, and one of the results of the theory to which they belong."""
    rows = [(claim.id, str(claim.kind), claim.statement) for claim in claims]
    text = table(["claim", "kind", "statement"], rows, wrap=2, width=width)
    ids = [claim.id for claim in claims]
    found = [
        (result.label, sum(map(result.has, ids)), result.statement)
        for result in RESULTS
        if any(map(result.has, ids))
    ]
    if not found:
        return text
    return f"{text}\n\n" + table(["result", "claims", "statement"], found, wrap=2, width=width)


def result_row(verdict: Verdict) -> tuple[str, str, int, str, str]:
    """Return a verdict's row of the table."""
    if verdict.passed:
        result = "holds"
    elif verdict.undecided:
        result = "too few instances"
    else:
        result = f"FAILS: {verdict.reason}"
    claim = verdict.claim
    return (claim.id, claim.statement, verdict.instances, f"{verdict.worst_margin:.2g}", result)


def finite(value: float) -> float | None:
    """Return a number as JSON can write it: null for NaN and infinity."""
    return value if np.isfinite(value) else None


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON can write it."""
    claim = verdict.claim
    tightest = None if verdict.tightest is None else asdict(verdict.tightest)
    if tightest is not None:
        for side in ("measured", "theoretical"):
            tightest[side] = finite(tightest[side])
    return {
        "id": claim.id,
        "statement": claim.statement,
        "source": claim.source,
        "results": list(labels_of(claim.id)),
        "kind": str(claim.kind),
        "hypotheses": claim.hypotheses,
        "tolerance": claim.tolerance,
        "slack": finite(verdict.slack),
        "instances": verdict.instances,
        "comparisons": verdict.comparisons,
        "exceeding": verdict.exceeding,
        "worst_margin": finite(verdict.worst_margin),
        "tightest": tightest,
        "passed": verdict.passed,
        "undecided": verdict.undecided,
        "reason": verdict.reason,
        "seconds": verdict.seconds,
    }


def write_json(path: str, verdicts: Sequence[Verdict], run: verify_page.Run) -> None:
    """Write the results for programs."""
    result = {
        "version": zeroone.__version__,
        "seed": run.seed,
        "profile": run.profile,
        "cases": run.cases,
        "claims": [as_json(verdict) for verdict in verdicts],
    }
    with atomic_write(path, text=True) as file:
        json.dump(result, file, indent=1, allow_nan=False)
        file.write("\n")


def write_values(folder: Path, verdict: Verdict, seed: int) -> None:
    """Write what was compared for a claim: arrays ``measured`` and ``theoretical``, and its data.

    ``excess`` says for each comparison by how much it goes beyond equality or the bound, relative
    as the claim's tolerance is; ``tolerance``, ``seed``, ``id``, ``kind`` and ``statement`` are the
    claim's own.
    """
    claim = verdict.claim
    none = np.empty(0)
    measured, theoretical = (none, none) if verdict.values is None else verdict.values
    with atomic_write(folder / f"{claim.id}.npz") as file:
        np.savez(
            file,
            measured=measured,
            theoretical=theoretical,
            excess=excess(claim, measured, theoretical),
            tolerance=claim.tolerance,
            seed=seed,
            id=claim.id,
            kind=str(claim.kind),
            statement=claim.statement,
        )


def workers_by_default(arguments: argparse.Namespace, n_claims: int) -> int:
    """Return how many processes check the claims if nobody says: several if there is much to do."""
    if arguments.scheduler is not None or arguments.cases is not None or n_claims < MANY_CLAIMS:
        return 1
    return min(os.cpu_count() or 1, SEVERAL_WORKERS)


def check(arguments: argparse.Namespace, claims: Sequence[Claim]) -> list[Verdict]:
    """Return the verdicts, with a progress bar meanwhile."""
    verdicts = []
    with (
        progress(len(claims), "claim") as bar,
        workers_or_cluster(arguments.workers, arguments.scheduler) as executor,
    ):
        for verdict in verify(
            claims,
            cases=arguments.cases,
            seed=arguments.seed,
            profile=arguments.profile,
            executor=executor,
            keep_values=arguments.export is not None,
        ):
            if arguments.export is not None:
                write_values(Path(arguments.export), verdict, arguments.seed)
                verdict = replace(verdict, values=None)  # they are on the disk
            verdicts.append(verdict)
            bar.update()
    return verdicts


def check_folder(name: str) -> None:
    """Make the folder for the values if there is none.

    Raises
    ------
    ValueError
        If it cannot be made, or is a file.
    """
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"export must be a folder that can be made: {error}") from None


def run(arguments: argparse.Namespace) -> int:
    """Print the table of verdicts; the exit status is 1 if a claim fails."""
    check_writable(arguments.json, arguments.html)
    claims = select(all_claims(), arguments.only)
    if arguments.workers is None:
        arguments.workers = workers_by_default(arguments, len(claims))
    check_integer("workers", arguments.workers)
    if arguments.export is not None and not arguments.list:
        check_folder(arguments.export)
    width = max(shutil.get_terminal_size((110, 24)).columns, 80)
    if arguments.list:
        print(listing(claims, width))
        return 0
    start = time.perf_counter()
    verdicts = check(arguments, claims)
    took = verify_page.Run(
        arguments.seed, arguments.profile, arguments.cases, time.perf_counter() - start
    )
    rows = [result_row(verdict) for verdict in verdicts]
    print(
        table(["claim", "statement", "instances", "margin", "verdict"], rows, wrap=1, width=width)
    )
    held = sum(verdict.passed for verdict in verdicts)
    undecided = sum(verdict.undecided for verdict in verdicts)
    rest = f", {undecided} with too few instances to judge" if undecided else ""
    print(f"\n{held} of {len(verdicts)} claims hold{rest} ({took.seconds:.1f} s)")
    print(
        "margin: the worst instance's distance from the tolerance, relative; for a counterexample, "
        "by how much the clearest one breaks the bound"
    )
    if arguments.json:
        write_json(arguments.json, verdicts, took)
        print(f"results written to {arguments.json}")
    if arguments.export:
        print(f"values written to {arguments.export}")
    if arguments.html:
        with atomic_write(arguments.html, text=True) as file:
            file.writelines(verify_page.page(verdicts, took))
        print(f"page written to {arguments.html}")
    return 1 if any(verdict.failed for verdict in verdicts) else 0
