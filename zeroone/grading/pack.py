"""An autograder for Gradescope: one zip file with an assignment and all that grades it.

===================== =======================================================================
``setup.sh``          installs Python 3.11 or later and zeroone, once
``run_autograder``    grades a submission, and writes results whatever happens
``package/``          zeroone itself, ready for ``pip install``
``assignment/``       handout, starter, checks
``settings.toml``     the instructor's settings
===================== =======================================================================

On Gradescope the grader is root and the student's program is not (`confinement`). The scripts take
the right to read the checks, zeroone's source and the results away from everyone but root.

The same contents give the same bytes. Both scripts take the folder of the autograder from the
environment variable ``AUTOGRADER_ROOT`` (``/autograder`` if it is not set) and the interpreter from
``AUTOGRADER_PYTHON``, so that an autograder can be tried at home.
"""

import json
import shlex
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import zeroone
from zeroone.grading.assignment import CHECKS, HANDOUT, STARTER, Assignment
from zeroone.grading.report import failure_as_json
from zeroone.grading.settings import parse
from zeroone.support.files import atomic_write

# What package indexes know zeroone as: there, "zeroone" is another project.
DISTRIBUTION, EXTRA = "zeroone-nets", "classroom"
# The earliest time that a zip file can hold.
TIME = (1980, 1, 1, 0, 0, 0)
SKIPPED = ("__pycache__",)

SETUP = """\
#!/usr/bin/env bash
# Install what the autograder needs. Gradescope runs this once, as root, when it builds the image.
set -euo pipefail
umask 022
root="${AUTOGRADER_ROOT:-/autograder}"

# Print the name of a Python that is recent enough and can make an environment.
find_python() {
    for name in "${AUTOGRADER_PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \\
            >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    return 1
}

if ! find_python >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y python3 python3-venv
    find_python >/dev/null || apt-get install -y python3.12 python3.12-venv ||
        apt-get install -y python3.11 python3.11-venv
fi
"$(find_python)" -m venv "$root/environment"
python="$root/environment/bin/python"
"$python" -m pip install --no-cache-dir "$root/source/package[EXTRA]"

# A student's program runs as another user, who needs Python and NumPy, and nothing of this:
chmod -R go= "$root/source"
where='import importlib.util as u, os; print(os.path.dirname(u.find_spec("zeroone").origin))'
chmod -R go= "$("$python" -I -c "$where")"
"""

RUN = """\
#!/usr/bin/env bash
# Grade the submission. Gradescope runs this for each one; results/results.json is what it shows.
root="${AUTOGRADER_ROOT:-/autograder}"
python="${AUTOGRADER_PYTHON:-$root/environment/bin/python}"
export OMP_NUM_THREADS=1 PYTHONPATH= MPLBACKEND=agg
mkdir -p "$root/results" "$root/submission"
chmod go= "$root/source" "$root/results"
results="$root/results/results.json"
rm -rf "$results"

metadata=()
if [ -f "$root/submission_metadata.json" ]; then
    metadata=(--metadata "$root/submission_metadata.json")
fi
cd "$root/source" || exit 1
"$python" -m zeroone grade assignment/ASSIGNMENT "$root/submission" --settings settings.toml \\
    ${metadata[@]+"${metadata[@]}"} --json "$results"

# The autograder could not start, or was ended from outside.
if [ ! -s "$results" ]; then
    rm -rf "$results"
    cp failure.json "$results"
fi
"""


def requirements() -> dict[str, Any]:
    """Return the version of Python, the dependencies and those of the extra ``classroom``.

    They are those of the checkout's ``pyproject.toml`` or, where zeroone is installed, those of the
    installation.

    Raises
    ------
    ValueError
        If neither says so.
    """
    checkout = Path(zeroone.__file__).resolve().parents[1] / "pyproject.toml"
    if checkout.is_file():
        project = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]
        return {
            "python": project["requires-python"],
            "dependencies": project["dependencies"],
            "classroom": project.get("optional-dependencies", {}).get(EXTRA, ["hypothesis>=6.100"]),
        }
    try:
        installed = metadata.metadata(DISTRIBUTION)
        required = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        raise ValueError(
            "zeroone must be installed or a checkout for its autograder to be packed"
        ) from None
    marked = [line.partition(";") for line in required]
    return {
        "python": installed["Requires-Python"],
        "dependencies": [name.strip() for name, _, mark in marked if not mark],
        "classroom": [
            name.strip()
            for name, _, mark in marked
            if mark.replace('"', "'").strip() == f"extra == '{EXTRA}'"
        ],
    }


def pyproject() -> str:
    """Return a ``pyproject.toml`` with what an installation needs."""
    needed = requirements()
    return (
        '[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n\n'
        f'[project]\nname = "{DISTRIBUTION}"\nversion = "{zeroone.__version__}"\n'
        f"requires-python = {json.dumps(needed['python'])}\n"
        f"dependencies = {json.dumps(needed['dependencies'])}\n\n"
        f"[project.optional-dependencies]\n{EXTRA} = {json.dumps(needed['classroom'])}\n\n"
        '[project.scripts]\nzeroone = "zeroone.cli:main"\n\n'
        '[tool.setuptools.packages.find]\ninclude = ["zeroone*"]\n\n'
        '[tool.setuptools.package-data]\n"*" = ["*"]\n'
    )


def package_files() -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of zeroone's own files."""
    folder = Path(zeroone.__file__).resolve().parent
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not set(parts) & set(SKIPPED) and not parts[-1].startswith("."):
            yield "/".join(("package", "zeroone", *parts)), path.read_bytes()


def files(assignment: Assignment, settings: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of all files of an autograder."""
    yield "setup.sh", SETUP.replace("EXTRA", EXTRA).encode()
    yield "run_autograder", RUN.replace("ASSIGNMENT", shlex.quote(assignment.name)).encode()
    yield "settings.toml", settings.encode()
    yield "failure.json", (json.dumps(failure_as_json(), indent=1) + "\n").encode()
    for name in (HANDOUT, STARTER, CHECKS):
        path = assignment.folder / name
        if path.is_file():
            yield f"assignment/{assignment.name}/{name}", path.read_bytes()
    yield "package/pyproject.toml", pyproject().encode()
    yield from package_files()


def pack(path: str | Path, assignment: Assignment, settings: str = "") -> None:
    """Write an autograder, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The zip file to write.
    assignment : Assignment
    settings : str, default ""
        The text of a settings file, see `zeroone.grading.settings`.

    Raises
    ------
    ValueError
        If the settings are wrong or do not fit the assignment, or the file cannot be written.
    """
    parse(settings).apply(assignment.tasks)
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files(assignment, settings):
            entry = zipfile.ZipInfo(name, TIME)
            entry.create_system = 3  # Unix: the permissions count
            executable = name in ("setup.sh", "run_autograder")
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
