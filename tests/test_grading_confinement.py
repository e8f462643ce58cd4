"""Submissions that reach for what is not theirs: files, processes, memory, the network."""

import json
import os
import re
import subprocess
import sys
import time
from errno import ENOSYS, EPERM
from pathlib import Path

import pytest
from grading_toy import (
    CALLS,
    LINUX,
    SECRET,
    STRONG,
    TOOLS,
    WEAK,
    failure_of,
    honest_task,
    hostile_task,
    run,
    source_of,
    write_assignment,
)

import zeroone
from zeroone.grading import confinement

pytest.importorskip("hypothesis")

SPY = """
    found = []
    text = 'zeroone'
    def look(value):
        if isinstance(value, (bytes, bytearray)):
            value = value.decode('latin-1')
        found.append(repr(value)[:5000])
    for thing in gc.get_objects():
        if isinstance(thing, np.ndarray):
            look(thing)
    caller = sys._getframe()
    while caller is not None:
        look(caller.f_locals)
        caller = caller.f_back
    for module in list(sys.modules.values()):
        for name, value in list(vars(module).items()):
            if isinstance(value, (float, str, bytes, np.ndarray)):
                look(value)
    look(dict(os.environ)); look(sys.argv)
    for path in ('/proc/%d/mem', '/proc/%d/environ', '/proc/%d/cmdline', '/proc/%d/maps'):
        for process in (os.getppid(), 'GRADER'):
            try:
                with open(path.replace('%d', str(process)), 'rb') as file:
                    look(file.read(1 << 20))
            except OSError as error:
                found.append(path + type(error).__name__)
    print('SPIED', len(found), len(''.join(found)))
    print('KNOWN' if 'SE' + 'CRET-TOKEN' in ''.join(found) else 'NOT KNOWN')
    print('ANSWER' if '31.41' + '59' in ''.join(found) else 'NO ANSWER')
    return x
"""


@pytest.mark.parametrize("layers", [STRONG, WEAK], ids=["strong", "weak"])
def test_no_right_answer_is_in_reach(tmp_path, monkeypatch, layers):
    """A program looks at arrays, frames, modules, its environment and the memory of the grader."""
    monkeypatch.setenv("GRADER_PASSWORD", "SECRET-TOKEN")
    body = SPY.replace("'GRADER'", str(os.getpid()))
    if layers == WEAK and os.name == "posix" and os.geteuid() == 0:
        # Root may read everything.
        body = body.replace("for process in", "for process in () and")
    source = TOOLS + source_of({"spies": body})
    grade = run(tmp_path, source, [hostile_task("spies"), honest_task()], layers=layers)
    assert grade.score == 1
    assert "SPIED" in grade.printed
    assert "NO ANSWER" in grade.printed
    assert "ANSWER" not in grade.printed.replace("NO ANSWER", "")
    assert "KNOWN" not in grade.printed.replace("NOT KNOWN", "")
    assert str(SECRET) in failure_of(grade, "spies").expected


FILES = """
for path, text in {targets!r}.items():
    for mode in ('w', 'a', 'r+'):
        try:
            with open(path, mode) as file:
                file.write(text)
        except OSError as error:
            print('REFUSED', type(error).__name__)
    for make in (os.remove, os.mkdir, lambda path: os.symlink('/etc/passwd', path),
                 lambda path: os.rename(path, path + '.old'), lambda path: os.chmod(path, 0)):
        try:
            make(path)
            print('DONE', path)
        except OSError as error:
            print('REFUSED', type(error).__name__)
"""


@pytest.mark.skipif(not LINUX, reason="Landlock or another user")
@pytest.mark.parametrize("layers", [STRONG, CALLS], ids=["strong", "calls"])
def test_files_cannot_be_written_moved_or_removed(tmp_path, layers):
    assignment = write_assignment(tmp_path / "toy")
    forged = json.dumps({"score": 5.0})
    results = tmp_path / "results.json"
    results.write_text("before")
    paths = [results, assignment / "checks.py", tmp_path / "new", Path("results.json")]
    body = FILES.format(targets={str(path): forged for path in paths})
    before = (assignment / "checks.py").read_text()
    source = TOOLS + source_of({"writes": body + "return x"})
    grade = run(tmp_path, source, [hostile_task("writes")], layers=layers)
    assert "REFUSED" in grade.printed
    if "files that the user may write can be changed and removed" in grade.not_in_force:
        pytest.skip(f"this system does not prevent it: {grade.not_in_force}")
    assert "DONE" not in grade.printed
    assert (assignment / "checks.py").read_text() == before
    assert results.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "student.py", "toy"]


def test_source_and_checks_cannot_be_read(tmp_path):
    assignment = write_assignment(tmp_path / "toy")
    root = Path(zeroone.__file__).parent
    body = f"""
for path in {[str(assignment / "checks.py"), str(root / "prox.py"), "/etc/passwd"]!r}:
    try:
        open(path).read()
        print('READ', path)
    except OSError as error:
        print('REFUSED', type(error).__name__)
return x
"""
    grade = run(tmp_path, TOOLS + source_of({"reads": body}), [hostile_task("reads")])
    if grade.not_in_force:
        assert any("can be read" in one for one in grade.not_in_force)
    else:
        assert "READ" not in grade.printed
        assert grade.printed.count("REFUSED") >= 3


DAEMON = """
    print('PARENT', os.getpid())
    sys.stdout.flush()
    try:
        child = os.fork()
    except OSError as error:
        print('REFUSED', type(error).__name__)
        return x
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            print('DAEMON', os.getpid())
            sys.stdout.flush()
            os.setsid()
            for n in (1, 2, 3, 15):
                signal.signal(n, signal.SIG_IGN)
            while True:
                time.sleep(0.01)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.2)
    return x
"""


@pytest.mark.skipif(not LINUX, reason="needs /proc")
@pytest.mark.parametrize("layers", [STRONG, WEAK], ids=["strong", "weak"])
def test_no_process_outlives_its_grade(tmp_path, layers):
    source = TOOLS + source_of({"forks": DAEMON})
    grade = run(tmp_path, source, [hostile_task("forks"), honest_task()], layers=layers)
    assert grade.score == 1
    started = [int(number) for number in re.findall(r"(?:PARENT|DAEMON) (\d+)", grade.printed)]
    assert len(started) >= 1
    assert ("DAEMON" in grade.printed) or ("REFUSED" in grade.printed)
    for number in started:
        assert not Path(f"/proc/{number}").exists() or "zombie" in (
            Path(f"/proc/{number}/status").read_text()
        )


@pytest.mark.skipif(not LINUX, reason="needs Landlock or another user")
def test_the_network_is_out_of_reach(tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        body = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 1)\nreturn x"
        grade = run(tmp_path, source_of({"calls_home": body}), [hostile_task("calls_home")])
    if "the network can be reached" not in grade.not_in_force:
        assert "PermissionError" in grade.results[0].failure.reason


KILLS_GRADER = """
import os
with open(f'/proc/{os.getppid()}/stat') as file:
    grader = int(file.read().rpartition(')')[2].split()[1])
os.kill(grader, 9)
"""
# The same through the owner of a pipe, who gets a signal of one's choice when it is written to.
OWNS_A_PIPE = KILLS_GRADER.replace(
    "os.kill(grader, 9)",
    "import fcntl\nreading, writing = os.pipe()\nfcntl.fcntl(reading, fcntl.F_SETOWN, grader)\n"
    "fcntl.fcntl(reading, fcntl.F_SETSIG, 9)\n"
    "fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)\nos.write(writing, b'x')",
)


@pytest.mark.skipif(not LINUX, reason="needs /proc")
@pytest.mark.parametrize("layers", [STRONG, CALLS, WEAK], ids=["strong", "calls", "weak"])
@pytest.mark.parametrize("source", [KILLS_GRADER, OWNS_A_PIPE], ids=["signal", "owner"])
def test_a_grader_that_is_killed_leaves_no_results(tmp_path, layers, source):
    """Confined, the program cannot kill it; where it can, there is no grade but no forged one."""
    assignment = write_assignment(tmp_path / "toy")
    (tmp_path / "student.py").write_text(source)
    (tmp_path / "settings.toml").write_text(f"limits.layers = {list(layers)}")
    program = (
        "import sys\nfrom zeroone.grading import grade, load, load_settings, report\n"
        "folder = sys.argv[1]\n"
        "done = grade(load(folder + '/toy'), folder + '/student.py',"
        " load_settings(folder + '/settings.toml'))\n"
        "report.write_json(folder + '/results.json', report.as_json(done))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=100,
    )
    results = tmp_path / "results.json"
    if layers != WEAK and done.returncode == 0:
        told = json.loads(results.read_text())
        assert told["score"] == 0
        assert "Error" in told["output"]
    else:
        assert done.returncode == -9
        assert not results.exists()
    # Nothing of it is left, whoever died.
    deadline = time.monotonic() + 10
    while left := processes_below(str(tmp_path)):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
    assert assignment.exists()


def processes_below(marker: str) -> list[str]:
    """Return the commands of the processes that name the marker."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode("utf-8", errors="replace")
        except OSError:
            continue
        if marker in command:
            found.append(command)
    return found


REFUSABLE = """
LIBC = ctypes.CDLL(None, use_errno=True)

def demand(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
"""
# What no function needs: it would harm others, or stay when the process has gone.
REACHES = {
    "keeps_memory": "demand(LIBC.shmget(0, 1 << 20, 0o1600))",
    "keeps_messages": "demand(LIBC.msgget(0, 0o1600))",
    "keeps_semaphores": "demand(LIBC.semget(0, 1, 0o1600))",
    "makes_memory_files": "os.memfd_create('left')",
    "sends_datagrams": "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "opens_unix_sockets": "import socket; socket.socket(socket.AF_UNIX)",
    "limits_its_parent": "import resource\n"
    "resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (4096, 4096))",
    "slows_its_parent": "os.setpriority(os.PRIO_PROCESS, os.getppid(), 1)",
    "binds_its_parent": "os.sched_setaffinity(os.getppid(), os.sched_getaffinity(0))",
    "signals_its_parent": "os.kill(os.getppid(), 0)",
    "signals_everybody": "os.kill(-1, 0)",
    "signals_by_owning": "import fcntl; fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, os.getppid())",
    "signals_by_owning_more": "import fcntl\n"
    "fcntl.fcntl(os.pipe()[0], 15, struct.pack('ii', 1, os.getppid()))",
    "chooses_its_signal": "import fcntl; fcntl.fcntl(os.pipe()[0], fcntl.F_SETSIG, 9)",
    "waits_for_signals": "import fcntl; fcntl.fcntl(os.pipe()[0], fcntl.F_SETFL, os.O_ASYNC)",
    "waits_by_ioctl": "import fcntl; fcntl.ioctl(os.pipe()[0], 0x5452, struct.pack('i', 1))",
    "leases_files": "import fcntl; fcntl.fcntl(os.pipe()[0], fcntl.F_SETLEASE, fcntl.F_RDLCK)",
    "types_into_terminals": "import fcntl; fcntl.ioctl(os.pipe()[0], 0x5412, b'x')",
    "traces_its_parent": "demand(LIBC.ptrace(16, os.getppid(), None, None))",
    "reads_its_parent": "demand(LIBC.process_vm_readv(os.getppid(), None, 0, None, 0, 0))",
    "forks": "if os.fork() == 0: os._exit(0)",
    "starts_threads": "import threading; threading.Thread(target=print).start()",
    "starts_programs": "os.posix_spawn('/bin/true', ['true'], {})",
    "leaves_files": "open('left', 'w')",
    "leaves_folders": "os.mkdir('left')",
    "leaves_links": "os.symlink('/etc/passwd', 'left')",
    "leaves_pipes": "os.mkfifo('left')",
    "removes_its_folder": "os.rmdir(os.getcwd())",
    "moves_its_folder": "os.rename(os.getcwd(), os.getcwd() + 'moved')",
    "opens_its_folder": "os.chmod(os.getcwd(), 0o777)",
    "rules_a_namespace": "demand(LIBC.unshare(0x10000000))",
}


@pytest.fixture(scope="module", params=[STRONG, CALLS], ids=["strong", "calls"])
def reaching(request, tmp_path_factory):
    """Return the grade of one submission with all of `REACHES`."""
    source = TOOLS + REFUSABLE + source_of({n: body + "\nreturn x" for n, body in REACHES.items()})
    tasks = [*map(hostile_task, REACHES), honest_task()]
    folder = tmp_path_factory.mktemp("reaching")
    return run(folder, source, tasks, layers=request.param, shrink_seconds=1e-3)


@pytest.mark.skipif(not LINUX, reason="system calls of Linux")
@pytest.mark.parametrize("name", REACHES)
def test_what_no_function_needs_is_refused(reaching, name):
    if "shared memory is not limited, and stays" in reaching.not_in_force:
        pytest.skip("no filter of system calls here")
    reason = failure_of(reaching, name).reason
    assert re.search("PermissionError|can't start new thread", reason), reason
    assert failure_of(reaching, "honest") is None


@pytest.mark.skipif(not LINUX, reason="names Linux's means")
@pytest.mark.parametrize(
    ("layers", "possible"),
    [
        ((), {"can be read", "further processes can be started"}),
        (CALLS, {"can be read"}),
        (
            ("landlock", "limits"),
            {
                "shared memory is not limited, and stays",
                "limits and priorities of the user's other processes can be changed",
                "the modes and times of the user's files can be changed",
            },
        ),
    ],
    ids=["nothing", "calls", "landlock"],
)
def test_what_is_not_prevented_is_said(tmp_path, layers, possible):
    grade = run(tmp_path, source_of({}), [honest_task()], layers=layers)
    assert grade.score == 1
    said = [re.sub("^.* can be read$", "can be read", one) for one in grade.not_in_force]
    assert possible <= set(said)
    if layers == CALLS and "the network can be reached" not in said:
        assert set(said) == possible


@pytest.mark.skipif(not LINUX, reason="Landlock")
def test_zeroone_among_the_systems_libraries_cannot_be_read(tmp_path):
    ours, theirs = tmp_path / "lib" / "course", tmp_path / "lib" / "theirs"
    for folder in (ours, theirs):
        folder.mkdir(parents=True)
        source = Path(zeroone.__file__).parent / "grading" / "confinement.py"
        (folder / "confinement.py").write_text(source.read_text())
    program = (
        "import pathlib, sys\nimport numpy\n"
        f"sys.path.insert(0, {str(ours)!r})\nsys.base_prefix = {str(tmp_path)!r}\n"
        "import confinement\n"
        "hidden = confinement.own_folders()\n"
        "version = confinement.landlock(pathlib.Path(numpy.__file__).parent, hidden)\n"
        f"for folder in {[str(theirs), str(ours)]!r}:\n"
        "    try:\n        print(version, len(open(folder + '/confinement.py').read()) > 0)\n"
        "    except OSError as error:\n        print(version, type(error).__name__)\n"
    )
    told = subprocess.check_output([sys.executable, "-c", program], text=True).splitlines()
    if told[0].startswith("0 "):
        pytest.skip("no Landlock here")
    assert told[0].endswith("True")
    assert told[1].endswith("PermissionError")


@pytest.mark.skipif(not LINUX or os.geteuid() != 0, reason="needs root")
def test_root_gives_up_its_privileges_where_it_cannot_become_another():
    program = (
        "import os\nfrom zeroone.grading import confinement\n"
        "def refuse(*args): raise PermissionError\n"
        "os.setgroups = os.setresgid = os.setresuid = refuse\n"
        "confinement.become_nobody([])\n"
        "print(os.geteuid(), open('/proc/self/status').read())"
    )
    told = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert told.startswith("0 ")
    for kind in ("Eff", "Prm", "Inh"):
        held = int(re.search(rf"Cap{kind}:\s*(\w+)", told).group(1), 16)
        assert held & ~(1 << 2) == 0  # CAP_DAC_READ_SEARCH


def verdict(processor, number, arguments=(0, 0, 0), *, audit=None, read_only=False, process=77):
    """Run the filter as the kernel does, and return what it says: 0 for allowed, or an error."""
    words = {confinement.NUMBER: number, confinement.PROCESSOR: audit}
    if audit is None:
        words[confinement.PROCESSOR] = {"x86_64": 62, "aarch64": 183}[processor] | 0xC0000000
    words |= {16 + 8 * i: argument % 2**32 for i, argument in enumerate(arguments)}
    program = list(confinement.instructions(processor, process, read_only=read_only))
    at = loaded = 0
    while True:
        code, if_true, if_false, operand = program[at]
        if code == 0x06:
            return 0 if operand == 0x7FFF0000 else operand - 0x50000
        if code == 0x20:
            loaded, jump = words[operand], 0
        else:
            holds = {
                0x15: loaded == operand,
                0x35: loaded >= operand,
                0x45: loaded & operand != 0,
            }
            jump = if_true if holds[code] else if_false
        at += 1 + jump


@pytest.mark.parametrize(
    ("processor", "ordinary", "kill", "openat"),
    [
        # read, write, close, mmap, brk, futex, exit_group, getrandom, getpid, ioctl
        ("x86_64", (0, 1, 3, 9, 12, 202, 231, 318, 39, 16), 62, 257),
        ("aarch64", (63, 64, 57, 222, 214, 98, 94, 278, 172, 29), 129, 56),
    ],
)
def test_the_filter_refuses_what_it_names(processor, ordinary, kill, openat):
    column = list(confinement.PROCESSORS).index(processor)
    named = [numbers[column] for numbers in confinement.FORBIDDEN.values()]
    named = [number for number in named if number is not None]
    assert len(named) == len(set(named)) > 50
    assert {verdict(processor, number) for number in named} == {EPERM}
    assert {verdict(processor, number) for number in (*ordinary, openat)} == {0}
    # What is new, what does not exist yet, and the numbers of x32; another processor's calls.
    assert {verdict(processor, number) for number in (424, 435, 10_000, 2**30 + 1)} == {ENOSYS}
    assert verdict(processor, ordinary[0], audit=0x40000003) == EPERM
    assert verdict(processor, kill, (77, 9, 0)) == verdict(processor, kill, (0, 9, 0)) == 0
    assert verdict(processor, kill, (76, 9, 0)) == verdict(processor, kill, (-1, 9, 0)) == EPERM
    for flags, answer in ((os.O_RDONLY, 0), (os.O_WRONLY, EPERM), (os.O_CREAT, EPERM)):
        assert verdict(processor, openat, (0, 0, flags), read_only=True) == answer
        assert verdict(processor, openat, (0, 0, flags)) == 0


@pytest.mark.parametrize(("processor", "fcntl", "ioctl"), [("x86_64", 72, 16), ("aarch64", 25, 29)])
def test_the_filter_lets_no_signal_be_arranged(processor, fcntl, ioctl):
    for command in (8, 10, 15, 1024, 1026, 8 + 2**32):
        assert verdict(processor, fcntl, (5, command, 77)) == EPERM
    for flags, answer in ((0, 0), (os.O_NONBLOCK, 0), (0x2000, EPERM), (0x2000 | 2**32, EPERM)):
        assert verdict(processor, fcntl, (5, 4, flags)) == answer
    # F_DUPFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC; FIONBIO, FIOCLEX, TCGETS
    assert {verdict(processor, fcntl, (5, one, 0x2000)) for one in (0, 2, 3, 1030)} == {0}
    assert {verdict(processor, ioctl, (5, one, 4)) for one in (0x5421, 0x5451, 0x5401, 4)} == {0}
    for command in (0x5452, 0x8901, 0x8902, 0x540E, 0x5410, 0x5412, 0x541C):
        assert verdict(processor, ioctl, (5, command, 77)) == EPERM


@pytest.mark.parametrize(
    ("column", "header"),
    [
        (0, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        (1, "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_the_numbers_are_those_of_the_kernel(column, header):
    if not os.path.exists(header):
        pytest.skip("no headers of the kernel")
    text = Path(header).read_text()
    numbers = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    special = (confinement.OF_ITSELF | confinement.OPENING).items()
    table = confinement.FORBIDDEN | {name: numbers for name, (_, numbers) in special}
    table |= {name: numbers for name, (_, numbers, _) in confinement.COMMANDS.items()}
    for name, pair in table.items():
        if pair[column] is not None:
            assert int(numbers[name]) == pair[column], name
        else:
            assert name not in numbers, name
