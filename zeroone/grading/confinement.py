"""What a student's process may not do. It gives up these rights itself, before it sees any code.

`confine` takes away, from the strongest to the weakest, what the system lets it take away:

- **Landlock** (Linux 5.13 and later): the process reads the standard library, NumPy and the
  system's shared libraries, and no other file: neither the assignment's checks nor the library's
  source. It creates, writes and removes none and starts no program. From Linux 6.7 on it opens no
  TCP connection, and from 6.12 on it signals no process but its own.
- **System calls** (a filter in the kernel, Linux on x86_64 and aarch64): no sockets, no further
  processes or threads, no memory that outlives the process, no signals to others, sent or arranged,
  no changes to files or to other processes' limits.
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
import errno
import os
import stat
import struct
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

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

# Numbers of <linux/seccomp.h> and <asm/unistd.h>.
PR_SET_SECCOMP, MODE_FILTER = 22, 2
# What `os.uname` calls a processor: its number in <linux/audit.h>, and its column below.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
# From here on, numbers are the same everywhere. They came with Linux 5.1 and later, and fail as if
# the kernel were older: so do those that do not exist yet.
FIRST_NEW = 424
# Opcodes of the filter: load a word, jump if equal / not less / a bit is set, return.
LOAD, IF_EQUAL, IF_NOT_LESS, IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
NUMBER, PROCESSOR, ARGUMENTS = 0, 4, 16
# Any of these in the flags of an open means that a file is to be changed or made.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# What fails with EPERM: the numbers on x86_64 and aarch64.
FORBIDDEN: dict[str, tuple[int | None, int | None]] = {
    # Processes: none is started, looked into or slowed down.
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # Sockets of any kind.
    "socket": (41, 198),
    "socketpair": (53, 199),
    # Memory and keys that outlive the process, or escape its limits.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "memfd_create": (319, 279),
    "userfaultfd": (323, 282),
    "io_setup": (206, 0),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # What is for administrators, who may be anyone in a namespace of their own.
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "modify_ldt": (154, None),
    "open_by_handle_at": (304, 265),
    # Files: nothing is made, moved, removed or changed.
    "creat": (85, None),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "truncate": (76, 45),
    "utime": (132, None),
    "utimes": (235, None),
    "utimensat": (280, 88),
    "futimesat": (261, None),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}
# Allowed if an argument is this process: its place and number.
OF_ITSELF = {"kill": (0, (62, 129)), "tgkill": (0, (234, 131)), "prlimit64": (0, (302, 261))}
# Allowed unless an argument is one of these commands: its place, the number, the commands.
COMMANDS: dict[str, tuple[int, tuple[int, int], dict[str, int]]] = {
    # Whoever owns a file gets a signal when there is something to read, and may be anybody.
    "fcntl": (
        1,
        (72, 25),
        {"SETOWN": 8, "SETSIG": 10, "SETOWN_EX": 15, "SETLEASE": 1024, "NOTIFY": 1026},
    ),
    # The same by other names, and what types into a terminal or takes it.
    "ioctl": (
        1,
        (16, 29),
        {
            "FIOASYNC": 0x5452,
            "FIOSETOWN": 0x8901,
            "SIOCSPGRP": 0x8902,
            "TIOCSCTTY": 0x540E,
            "TIOCSPGRP": 0x5410,
            "TIOCSTI": 0x5412,
            "TIOCLINUX": 0x541C,
        },
    ),
}
F_SETFL, O_ASYNC = 4, 0o20000
# Allowed for reading: the place of the flags, and the number.
OPENING = {"open": (1, (2, None)), "openat": (2, (257, 56))}

Instruction = tuple[int, int, int, int]


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


def own_folders() -> list[os.stat_result]:
    """Return the folders above this file, as far as this process can reach them."""
    found = []
    for folder in Path(__file__).resolve().parents:
        with contextlib.suppress(OSError):
            found.append(os.stat(folder))
    return found


def landlock(numpy: Path, hidden: Sequence[os.stat_result]) -> int:
    """Restrict this process by Landlock; return the version in force, 0 if there is none.

    Parameters
    ----------
    numpy : Path
        NumPy's folder.
    hidden : sequence of os.stat_result
        Folders that must not be readable as a whole, should zeroone be in one of the system's
        libraries: what `own_folders` returned before the process became another user.
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


def instructions(processor: str, process: int, *, read_only: bool) -> Iterator[Instruction]:
    """Yield the filter's instructions: opcode, jump if true, jump if false, operand.

    Parameters
    ----------
    processor : str
        A key of `PROCESSORS`.
    process : int
        The number of the process that it is for.
    read_only : bool
        Whether files may be opened for reading only.
    """
    audit, column = PROCESSORS[processor]
    refuse = (RETURN, 0, 0, FAIL | errno.EPERM)
    yield (LOAD, 0, 0, PROCESSOR)
    yield (IF_EQUAL, 1, 0, audit)
    yield refuse
    yield (LOAD, 0, 0, NUMBER)
    yield (IF_NOT_LESS, 0, 1, FIRST_NEW)
    yield (RETURN, 0, 0, FAIL | errno.ENOSYS)
    for numbers in FORBIDDEN.values():
        if (number := numbers[column]) is not None:
            yield (IF_EQUAL, 0, 1, number)
            yield refuse
    for place, numbers in OF_ITSELF.values():
        yield (IF_EQUAL, 0, 5, numbers[column])
        yield (LOAD, 0, 0, ARGUMENTS + 8 * place)
        yield (IF_EQUAL, 2, 0, process)
        yield (IF_EQUAL, 1, 0, 0)
        yield refuse
        yield (RETURN, 0, 0, ALLOW)
    for name, (place, both, commands) in COMMANDS.items():
        flags = (
            (IF_EQUAL, 0, 3, F_SETFL),
            (LOAD, 0, 0, ARGUMENTS + 8 * 2),
            (IF_SET, 0, 1, O_ASYNC),
            refuse,
        )
        last = flags if name == "fcntl" else ()
        yield (IF_EQUAL, 0, 2 + 2 * len(commands) + len(last), both[column])
        yield (LOAD, 0, 0, ARGUMENTS + 8 * place)
        for command in commands.values():
            yield (IF_EQUAL, 0, 1, command)
            yield refuse
        yield from last
        yield (RETURN, 0, 0, ALLOW)
    for place, numbers in OPENING.values() if read_only else ():
        if (number := numbers[column]) is not None:
            yield (IF_EQUAL, 0, 4, number)
            yield (LOAD, 0, 0, ARGUMENTS + 8 * place)
            yield (IF_SET, 0, 1, WRITING)
            yield refuse
            yield (RETURN, 0, 0, ALLOW)
    yield (RETURN, 0, 0, ALLOW)


class Program(ctypes.Structure):
    """The filter as the kernel takes it: how many instructions, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def forbid_calls(*, read_only: bool) -> bool:
    """Put this process under the filter; return whether the system has done so.

    Parameters
    ----------
    read_only : bool
        See `instructions`.
    """
    processor = os.uname().machine if sys.platform.startswith("linux") else ""
    # A Python of 32 bits on a processor of 64 makes calls by other numbers.
    if processor not in PROCESSORS or sys.maxsize < 2**32:
        return False
    lines = [
        struct.pack("=HBBI", *line)
        for line in instructions(processor, os.getpid(), read_only=read_only)
    ]
    program = Program(len(lines), b"".join(lines))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    zero = ctypes.c_ulong(0)
    prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero)
    mode = ctypes.c_ulong(MODE_FILTER)
    return int(prctl(PR_SET_SECCOMP, mode, ctypes.byref(program), zero, zero)) == 0


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
    hidden = own_folders()
    if "user" in layers and was_root:
        reads_any = become_nobody((Path(os.__file__), numpy))
    version = landlock(numpy.parent, hidden) if "landlock" in layers else 0
    limited = "limits" in layers and limit_resources(memory, seconds, alone=not is_root())
    # Landlock lets /dev/null be written to, and nothing else.
    calls = "calls" in layers and forbid_calls(read_only=not version)
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
        "limits and priorities of the user's other processes can be changed": (
            not calls and not other_user
        ),
        "the modes and times of the user's files can be changed": not calls and not other_user,
        "memory, processor time and files are not limited": not limited,
        "shared memory is not limited, and stays": limited and not calls,
        "further processes can be started": not calls and (is_root() or not limited),
    }
    return [words for words, is_possible in possible.items() if is_possible]
