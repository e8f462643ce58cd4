"""Which system calls a student's process may not make (seccomp, on Linux).

Landlock guards files, but not UDP, shared memory that stays when its owner has gone, or the
priorities and limits of other processes; older versions guard neither signals nor TCP. A filter in
the kernel looks at the number of every system call. What is in `FORBIDDEN` fails with EPERM. The
numbers from 424 on, which came with Linux 5.1 and later and are the same everywhere, fail as if
the kernel were older: so do those that do not exist yet.

Numbers are those of <asm/unistd.h>. On a processor that is not in `PROCESSORS` there is no filter.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Iterator

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, MODE_FILTER = 22, 38, 2
# What `os.uname` calls a processor: its number in <linux/audit.h>, and its column below.
PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
FIRST_NEW = 424
# Opcodes of the filter: load a word, jump if equal / not less / a bit is set, return.
LOAD, IF_EQUAL, IF_NOT_LESS, IF_SET, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
NUMBER, PROCESSOR, ARGUMENTS = 0, 4, 16
# Any of these in the flags of an open means that a file is to be changed or made.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

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
# Allowed for reading: the place of the flags, and the number.
OPENING = {"open": (1, (2, None)), "openat": (2, (257, 56))}

Instruction = tuple[int, int, int, int]


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


def forbid(*, read_only: bool) -> bool:
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
