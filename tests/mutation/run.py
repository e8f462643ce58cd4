"""Make mutants of the formulas, and see which of them `zeroone verify`, and the tests, notice.

    python tests/mutation/run.py --results mutants.jsonl --every 5 --workers 2
    python tests/mutation/run.py --results mutants.jsonl --every 5 --workers 2 --tests
    python tests/mutation/run.py --results mutants.jsonl --table docs/mutation.md

The first command checks every fifth mutant by the claims that call the mutated function (the others
cannot notice it), and stops at the first that fails. The second gives the test files that import
the module to those that no claim noticed. Results are appended line by line: interrupted, a command
goes on where it was. The third writes the table. ``equivalent.txt`` beside this file lists mutants
that change no result, with the reason.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

from mutants import MODULES, PACKAGE, Mutant, all_mutants
from tqdm import tqdm

HERE = Path(__file__).parent
ROOT = PACKAGE.parent
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
# What a broken loop may take before it counts as noticed.
MOST_SECONDS = 600.0


class Copy:
    """A copy of the package in a folder of its own, in which one mutant after the other lives."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mutant-"))
        shutil.copytree(PACKAGE, self.folder / "zeroone")
        for name in ("tests", "docs", "tutorials", "figures"):
            (self.folder / name).symlink_to(ROOT / name)
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "CITATION.cff"):
            shutil.copy(ROOT / name, self.folder / name)

    def put(self, mutant: Mutant | None, module: str) -> None:
        """Write a module with a mutant in it, or as it was."""
        text = (PACKAGE / module).read_text(encoding="utf-8")
        changed = text if mutant is None else mutant.applied(text)
        (self.folder / "zeroone" / module).write_text(changed, encoding="utf-8")

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command on the copy; return its exit code and what it printed."""
        environment = {**ENVIRONMENT, "PYTHONPATH": str(self.folder)}
        try:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 1, "too long"
        return done.returncode, done.stdout + done.stderr


def claims_that_call(mutant: Mutant, calls: dict[str, list[str]]) -> list[str]:
    """Return the claims that call the mutated function, the ones with fewest calls first."""
    wanted = f"{mutant.module}:{mutant.function}"
    found = {
        claim_id: len(called)
        for claim_id, called in calls.items()
        if any(each == wanted or each.startswith(wanted + ".") for each in called)
    }
    return sorted(found, key=lambda claim_id: found[claim_id])


def judged_by_claims(mutant: Mutant, copy: Copy, calls: dict[str, list[str]]) -> dict[str, Any]:
    """Return what the claims say of a mutant."""
    claims = claims_that_call(mutant, calls)
    copy.put(mutant, mutant.module)
    code, output = copy.run(str(HERE / "kill.py"), *claims) if claims else (0, "")
    copy.put(None, mutant.module)
    by = output.strip().splitlines()[-1].split("\t")[0] if code and output.strip() else ""
    return {"name": mutant.name, "verify": bool(code), "by": by, "claims": len(claims)}


def test_files(module: str) -> list[str]:
    """Return the test files that import a module, or anything of its package."""
    stem = module.removesuffix(".py").replace("/", ".")
    package = stem.rpartition(".")[0]
    words = (f"zeroone.{stem}", f"from zeroone.{package} import" if package else f"import {stem}")
    return sorted(
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").glob("test_*.py")
        if any(word in path.read_text(encoding="utf-8") for word in words)
        and not path.name.startswith("test_cli")
    )


def judged_by_tests(mutant: Mutant, copy: Copy) -> dict[str, Any]:
    """Return what the tests say of a mutant."""
    files = test_files(mutant.module)
    copy.put(mutant, mutant.module)
    options = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header")
    code, output = copy.run("-m", "pytest", *options, "-o", "addopts=", *files)
    copy.put(None, mutant.module)
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return {"name": mutant.name, "tests": bool(code), "by test": failed[0] if failed else ""}


def read_results(path: Path) -> dict[str, dict[str, Any]]:
    """Return the results so far, by the name of the mutant."""
    found: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            found.setdefault(entry["name"], {}).update(entry)
    return found


def equivalent_mutants() -> dict[str, str]:
    """Return the reasons why mutants change no result, by ``module function: before -> after``."""
    found = {}
    for line in (HERE / "equivalent.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, reason = line.partition(" | ")
            found[key.strip()] = reason.strip()
    return found


def key(mutant: Mutant) -> str:
    """Return what the list of equivalent mutants calls a mutant."""
    return f"{mutant.module} {mutant.function}: {mutant.before} -> {mutant.after}"


def table(mutants: list[Mutant], results: dict[str, dict[str, Any]]) -> str:
    """Return the table of results, and the mutants that are left, as a page."""
    reasons = equivalent_mutants()
    rows: dict[str, Counter[str]] = {module: Counter() for module in MODULES}
    missed: list[str] = []
    for mutant in mutants:
        result, row = results.get(mutant.name), rows[mutant.module]
        if result is None:
            continue
        if not result["verify"] and key(mutant) in reasons:
            row["equivalent"] += 1
            continue
        row["mutants"] += 1
        row["verify"] += result["verify"]
        row["both"] += result["verify"] or result.get("tests", False)
        if not result["verify"]:
            noticed = {True: "noticed by a test", False: "noticed by nothing"}
            what = noticed.get(result.get("tests"), "not given to the tests")  # type: ignore[arg-type]
            missed.append(f"* `{key(mutant)}`, line {mutant.line}: {what}")
    total = sum(rows.values(), Counter())
    lines = ["| module | mutants | noticed by `verify` | by `verify` or a test | equivalent |"]
    lines.append("|---|---|---|---|---|")
    for name, row in [*rows.items(), ("**all**", total)]:
        if row["mutants"] + row["equivalent"]:
            count = max(row["mutants"], 1)
            lines.append(
                f"| {name} | {row['mutants']} | {row['verify']} ({row['verify'] / count:.1%}) "
                f"| {row['both']} ({row['both'] / count:.1%}) | {row['equivalent']} |"
            )
    return "\n".join(lines) + "\n\nNot noticed by `verify`:\n\n" + "\n".join(missed) + "\n"


def work(jobs: list[Mutant], judge: Any, path: Path, workers: int) -> None:
    """Judge mutants side by side and append what is found."""
    copies: Queue[Copy] = Queue()
    for _ in range(workers):
        copies.put(Copy())

    def one(mutant: Mutant) -> dict[str, Any]:
        copy = copies.get()
        try:
            return judge(mutant, copy)
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(workers) as pool, path.open("a", encoding="utf-8") as file:
        for result in tqdm(pool.map(one, jobs), total=len(jobs), unit="mutant", disable=None):
            file.write(json.dumps(result) + "\n")
            file.flush()
    while not copies.empty():
        shutil.rmtree(copies.get().folder)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, metavar="FILE.jsonl")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th mutant only")
    parser.add_argument("--only", default="", metavar="MODULE", help="part of the modules' paths")
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    parser.add_argument("--tests", action="store_true", help="tests for what no claim noticed")
    parser.add_argument("--again", action="store_true", help="what no claim noticed, once more")
    parser.add_argument("--table", type=Path, metavar="FILE.md", help="write the table and stop")
    options = parser.parse_args()
    mutants = [one for one in list(all_mutants())[:: options.every] if options.only in one.module]
    results = read_results(options.results)
    if options.table:
        page = options.table.read_text(encoding="utf-8")
        head, _, _ = page.partition("| module |")
        options.table.write_text(head + table(mutants, results), encoding="utf-8")
        return
    reasons = equivalent_mutants()
    if options.tests:
        jobs = [
            one
            for one in mutants
            if not results.get(one.name, {"verify": True})["verify"]
            and "tests" not in results[one.name]
            and key(one) not in reasons
        ]
        work(jobs, judged_by_tests, options.results, options.workers)
    else:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "calls.json"
            environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
            command = [sys.executable, str(HERE / "kill.py"), "--calls", str(file)]
            subprocess.run(command, env=environment, check=True)
            calls = json.loads(file.read_text(encoding="utf-8"))

        def judge(mutant: Mutant, copy: Copy) -> dict[str, Any]:
            return judged_by_claims(mutant, copy, calls)

        jobs = [
            one
            for one in mutants
            if one.name not in results
            or (options.again and not results[one.name]["verify"] and key(one) not in reasons)
        ]
        work(jobs, judge, options.results, options.workers)
    print(table(mutants, read_results(options.results)))


if __name__ == "__main__":
    main()
