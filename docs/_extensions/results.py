"""The claims, and what `zeroone verify` last found of each.

The file of results is the one that the environment variable ``ZEROONE_CLAIMS`` names, as written by
``zeroone verify --json``. Without it the site's build runs the command itself, once for each state
of the package: it takes the time of all claims, half a minute to two.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from zeroone.claims.lemmas import RESULTS
from zeroone.claims.registry import CLAIMS

ROOT = Path(__file__).resolve().parents[2]
OWN_FILE = ROOT / "docs" / "_build" / "claims.json"
IDS = tuple(claim.id for claim in CLAIMS)
LABELS = tuple(result.label for result in RESULTS)


def verify(target: Path) -> None:
    """Write the results of all claims, unless they are newer than the whole package."""
    newest = max(path.stat().st_mtime for path in (ROOT / "zeroone").rglob("*.py"))
    if target.is_file() and target.stat().st_mtime > newest:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "zeroone", "verify", "--json", str(target)]
    command += ["--workers", str(min(os.cpu_count() or 1, 4))]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # A claim that fails is a row of the table as well: status 1 is no reason to stop.
    done = subprocess.run(
        command, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": path}, check=False
    )
    if done.returncode > 1 or not target.is_file():
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}")


def file_of_results() -> Path:
    """Return the file of results; it is there after `prepare`."""
    given = os.environ.get("ZEROONE_CLAIMS")
    return Path(given) if given else OWN_FILE


def prepare() -> None:
    """Make the file of results if none is given.

    Raises
    ------
    RuntimeError
        If one is given and is not there, or `zeroone verify` could not run.
    """
    if not os.environ.get("ZEROONE_CLAIMS"):
        verify(OWN_FILE)
    elif not file_of_results().is_file():
        raise RuntimeError(f"ZEROONE_CLAIMS must name a file, but there is no {file_of_results()}")


@cache
def last_results() -> dict[str, Any]:
    """Return the results, with the day on which they were found as ``date``."""
    file = file_of_results()
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    day = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    return {**found, "date": f"{day:%d %B %Y}".lstrip("0")}


def claims_named(text: str) -> list[str]:
    """Return the ids that are meant by an id, a pattern such as ``prox.*``, or a label."""
    for result in RESULTS:
        if result.label == text:
            return [one for one in IDS if result.has(one)]
    if "." not in text:
        return []
    return [one for one in IDS if fnmatchcase(one, text)]
