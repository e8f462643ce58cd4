"""Run claims one by one, in one process, until one fails: ``python kill.py ID ...``.

Exit code 1 says that the package was found wrong, by the claim whose id is printed; 0, that all
claims hold. With ``--calls FILE`` it writes which functions of the package each claim calls.
"""

import json
import os
import sys
import threading
import warnings
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

# A claim that goes on for so much longer than it should was broken, too.
SECONDS = 60.0


def failing(claim_id: str) -> str:
    """Return why a claim fails, or an empty string."""
    from zeroone.claims import all_claims
    from zeroone.claims.claim import collect, judge

    claim = next(one for one in all_claims() if one.id == claim_id)
    counts = [claim.chunk] * (claim.cases // claim.chunk)
    counts += [claim.cases % claim.chunk] if claim.cases % claim.chunk else []
    try:
        evidence = [collect(claim, 0, chunk, count) for chunk, count in enumerate(counts)]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    verdict = judge(claim, evidence)
    return "" if verdict.passed else verdict.reason


def give_up(claim_id: str) -> None:
    """End the process: a claim takes too long."""
    print(f"{claim_id}\ttoo long", flush=True)
    os._exit(1)


def calls_of_claims() -> dict[str, list[str]]:
    """Return the functions of the package that each claim calls, as ``module:function``."""
    from zeroone.claims import all_claims

    root = str(Path(sys.modules["zeroone"].__file__ or "").parent) + os.sep
    known: dict[CodeType, str] = {}
    found: dict[str, list[str]] = {}
    for claim in all_claims():
        called: set[str] = set()

        def watch(frame: FrameType, event: str, argument: Any, called: set[str] = called) -> None:
            code = frame.f_code
            if event != "call":
                return
            if code not in known:
                inside = code.co_filename.startswith(root)
                name = code.co_qualname.replace(".<locals>", "")
                module = code.co_filename.removeprefix(root).replace(os.sep, "/")
                known[code] = f"{module}:{name}" if inside else ""
            called.add(known[code])

        sys.setprofile(watch)
        try:
            failing(claim.id)
        finally:
            sys.setprofile(None)
        found[claim.id] = sorted(called - {""})
    return found


def main() -> int:
    """Run what the command line asks for."""
    warnings.simplefilter("ignore")
    if sys.argv[1] == "--calls":
        Path(sys.argv[2]).write_text(json.dumps(calls_of_claims()), encoding="utf-8")
        return 0
    for claim_id in sys.argv[1:]:
        timer = threading.Timer(SECONDS, give_up, [claim_id])
        timer.daemon = True
        timer.start()
        reason = failing(claim_id)
        timer.cancel()
        if reason:
            print(f"{claim_id}\t{reason}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
