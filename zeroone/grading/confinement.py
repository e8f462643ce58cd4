"""What a student's process may not do. It gives up these rights itself, before it sees any code.

`confine` takes away, from the strongest to the weakest, what the system lets it take away:

- **Landlock** (Linux 5.13 and later): the process reads the standard library, NumPy and the
  system's shared libraries, and no other file: neither the assignment's checks nor the library's
  source. It creates, writes and removes none and starts no program. From Linux 6.7 on it opens no
  TCP connection, and from 6.12 on it signals no process but its own.
- **System calls** (`system_calls`, Linux on x86_64 and aarch64): no sockets, no further processes
  or threads, no memory that outlives the process, no signals to others, no changes to files.
- **Another user**: if the grader runs as root, the process becomes `nobody`, without privileges.
  Where `nobody` may not read Python's own files, or root may not become `nobody`, one privilege is
  kept: to read files.
- **Resource limits**: memory, processor time, open files; files cannot get content; unless the
  process is still root, no second process or thread can be started.

On Windows none of the four exists, and on macOS only the last two. `confine` returns what is *not*
in force, and the grader says so in its report.

It runs in the student's process, where it is imported by itself.
"""

import contextlib
import ctypes
import os
import stat
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__:
    from zeroone.grading import system_calls
else:
    import system_calls

# Numbers of <linux/prctl.h>, <linux/capability.h> and the system calls of Landlock, which are the
# same on every architecture.
PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 1, 3, 4, 8
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
CAPABILITY_VERSION, CAP_DAC_READ_SEARCH = 0x20080522, 2
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
RULE_PATH_BENEATH = 1
WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
# Rights that each version of Landlock knows: of files (all bits up to this one), TCP, scopes.
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
TCP_SINCE, SCOPES_SINCE = 4, 6
NOBODY = 65534
LAYERS = ("landlock", "calls", "user", "limits")


class PathBeneath(ctypes.Structure):
    """A rule of Landlock: what is allowed at and below an open path."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class Ruleset(ctypes.Structure):
    """What a ruleset of Landlock forbids unless a rule allows it."""

    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


def system() -> ctypes.CDLL:
    """Return the C library."""
    return ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int = 0) -> int:
    """Call prctl; -1 if that fails or is not there."""
    if not sys.platform.startswith("linux"):
        return -1
    zero = ctypes.c_ulong(0)
    return int(system().prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def entries(folder: Path, *, without: tuple[str, ...]) -> Iterator[Path]:
    """Yield what a folder holds, except for names that begin in one of some ways."""
    with contextlib.suppress(OSError):
        yield from (path for path in folder.iterdir() if not path.name.startswith(without))


def readable(numpy: Path) -> Iterator[Path]:
    """Yield the files and folders that a student's process may read.

    Parameters
    ----------
    numpy : Path
        NumPy's folder. Beside it stands the folder of its shared libraries, and perhaps zeroone,
        which is why single folders are named everywhere.
    """
    yield numpy
    yield numpy.parent / "numpy.libs"
    paths = sysconfig.get_paths()
    for folder in {Path(paths[name]) for name in ("stdlib", "platstdlib")}:
        yield from entries(folder, without=("site-packages", "dist-packages"))
    libraries = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
    for name in {*libraries, os.path.join(sys.base_prefix, "lib")}:
        yield from entries(Path(name), without=("python", "pypy"))
    for name in ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom"):
        yield Path(name)


def landlock(numpy: Path) -> int:
    """Restrict this process by Landlock; return the version in force, 0 if there is none.

    Parameters
    ----------
    numpy : Path
        NumPy's folder.
    """
    if not sys.platform.startswith("linux"):
        return 0
    library = system()
    version = int(library.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    if version < 1:
        return 0
    rules = Ruleset(
        files=(1 << FILE_RIGHTS[min(version, max(FILE_RIGHTS))]) - 1,
        network=3 if version >= TCP_SINCE else 0,
        scopes=3 if version >= SCOPES_SINCE else 0,
    )
    size = 8 * (1 + (version >= TCP_SINCE) + (version >= SCOPES_SINCE))
    ruleset = library.syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return 0
    # Should zeroone be in a folder of the system's libraries, that folder is not readable.
    hidden = [os.stat(folder) for folder in Path(__file__).resolve().parents]
    for path in readable(numpy):
        with contextlib.suppress(OSError):
            status = os.stat(path)
            if not any(os.path.samestat(status, one) for one in hidden):
                is_folder = stat.S_ISDIR(status.st_mode)
                allow(library, ruleset, path, READ_FILE | (READ_DIR if is_folder else 0))
    # An import lists the folders of sys.path.
    for listed in sys.path:
        allow(library, ruleset, Path(listed), READ_DIR)
    allow(library, ruleset, Path(os.devnull), READ_FILE | WRITE_FILE)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    restricted = library.syscall(RESTRICT_SELF, ruleset, 0) == 0
    os.close(ruleset)
    return version if restricted else 0


def allow(library: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    """Add a rule to a ruleset of Landlock, if the path exists."""
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = PathBeneath(allowed=rights, parent=parent)
    library.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    os.close(parent)


def keep_capabilities(kept: int) -> None:
    """Give up every privilege (Linux capability) that is not a bit of `kept`."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    system().capset(header, data)


def is_root() -> bool:
    """Return whether this process is root, to whom few limits apply."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def become_nobody(needed: Iterable[Path]) -> bool:
    """Go on as the user `nobody`, if the system lets root do so, and without root's privileges.

    Parameters
    ----------
    needed : paths
        Files that the process must still be able to read.

    Returns
    -------
    bool
        Whether the privilege to read any file is kept.
    """
    prctl(PR_SET_KEEPCAPS, 1)
    try:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    except (OSError, AttributeError):
        pass  # in some containers root cannot
    needs_privilege = is_root() or not all(map(can_read, needed))
    if sys.platform.startswith("linux"):
        keep_capabilities(1 << CAP_DAC_READ_SEARCH if needs_privilege else 0)
    return needs_privilege


def can_read(path: Path) -> bool:
    """Return whether a file can be opened."""
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def limit_resources(memory: int, seconds: int, *, alone: bool) -> bool:
    """Set the limits on resources; return False where the system has none.

    Parameters
    ----------
    memory : int
        Bytes of address space.
    seconds : int
        Processor time.
    alone : bool
        Forbid further processes and threads.
    """
    try:
        import resource
    except ImportError:
        return False
    limits = {
        "AS": memory,
        "CPU": seconds,  # then SIGXCPU, and a second later SIGKILL
        "FSIZE": 0,
        "NOFILE": 64,
        "CORE": 0,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        **({"NPROC": 0} if alone else {}),
    }
    for name, most in limits.items():
        # Some systems lack a kind, or refuse a value below what is in use.
        with contextlib.suppress(AttributeError, ValueError, OSError):
            hard = most + 1 if name == "CPU" else most
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, hard))
    return True


def confine(layers: Iterable[str], memory: int, seconds: int, numpy: Path) -> list[str]:
    """Give up rights; return in words what could not be given up.

    Parameters
    ----------
    layers : names in `LAYERS`
        What to give up.
    memory, seconds : int
        As in `limit_resources`.
    numpy : Path
        NumPy's ``__init__.py``.

    Returns
    -------
    list of str
        Empty if all is in force.
    """
    layers = set(layers)
    was_root = reads_any = is_root()
    if "user" in layers and was_root:
        reads_any = become_nobody((Path(os.__file__), numpy))
    version = landlock(numpy.parent) if "landlock" in layers else 0
    limited = "limits" in layers and limit_resources(memory, seconds, alone=not is_root())
    # Landlock lets /dev/null be written to, and nothing else.
    calls = "calls" in layers and system_calls.forbid(read_only=not version)
    other_user = was_root and not is_root()
    possible = {
        "any file can be read": not version and reads_any,
        "files that the user may read can be read": not version and not reads_any,
        "files that the user may write can be changed and removed": not (version or calls),
        "the network can be reached": version < TCP_SINCE and not calls,
        "the network can be reached, except by TCP": version >= TCP_SINCE and not calls,
        "processes of the same user can be signalled, the grader's among them": (
            version < SCOPES_SINCE and not calls and not other_user
        ),
        "memory, processor time and files are not limited": not limited,
        "shared memory is not limited, and stays": limited and not calls,
        "further processes can be started": not calls and (is_root() or not limited),
    }
    return [words for words, is_possible in possible.items() if is_possible]
