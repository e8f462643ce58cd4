"""A folder of submissions: which there are, whose they are, and which of them are the same.

A submission is a Python file or a notebook, or a folder with one in it (`grader.find_submission`),
named after a student. Names are chosen by students: they may hold anything that a file system
takes, and are made harmless here. Links are not followed, since they could lead anywhere.
"""

import hashlib
import io
import os
import re
import stat
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zeroone.grading.compare import clean
from zeroone.grading.grader import ENDINGS, find_submission, missing, read_source
from zeroone.grading.settings import Settings

MOST_LETTERS = 80
# Names of pages that stay as they are. Others get a number that makes them different from all.
PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
NUMBERED = re.compile(r".*-[0-9a-f]{10}")
# What Windows keeps for its devices, and what the summary is called.
TAKEN_NAMES = re.compile(r"(index|con|prn|aux|nul|com\d|lpt\d)(\..*)?")
LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
# What stands for them is the text of no other token.
MARKS = {tokenize.INDENT: b"\1", tokenize.DEDENT: b"\2", tokenize.NEWLINE: b"\n"}


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Parameters
    ----------
    entry : str
        The name in the folder, as the system has it.
    student : str
        The name without its ending, on one line and without control characters.
    page : str
        Name of the student's files in the output, without an ending.
    file : str
        Name of the file to grade; empty if there is none.
    source : bytes
        What that file holds.
    problem : str or None
        Why there is nothing to grade.
    """

    entry: str
    student: str
    page: str
    file: str = ""
    source: bytes = b""
    problem: str | None = None


def one_line(text: str) -> str:
    """Return text on one line, every control character spelled out."""
    return clean(text, 200).replace("\n", "\\n").replace("\t", "\\t")


def page_name(entry: str, student: str) -> str:
    """Return a file name for a student: of few kinds of letters, and nobody else's.

    Names of small letters, digits, dots and the like stay; all others get ten digits that belong
    to the name as the system has it. So no two are the same even where large and small letters are.
    """
    plain = student if len(student) <= MOST_LETTERS else ""
    refused = NUMBERED.fullmatch(plain) or TAKEN_NAMES.fullmatch(plain) or plain.endswith(".")
    if PLAIN_NAME.fullmatch(plain) and not refused:
        return plain
    number = hashlib.sha256(os.fsencode(entry)).hexdigest()[:10]
    letters = re.sub(r"[^A-Za-z0-9_-]+", "_", student)[:MOST_LETTERS].strip("_-")
    return f"{letters or 'student'}-{number}"


def submissions(
    folder: Path, settings: Settings, assignment: str
) -> tuple[list[Submission], list[str]]:
    """Return the submissions in a folder by name, and the names of what is left out.

    Left out are hidden files, files that are no program, and the folders that systems add to
    archives. Everything else is a submission, if perhaps one with nothing to grade.

    Raises
    ------
    ValueError
        If the folder cannot be read, or holds no submission.
    """
    found: list[Submission] = []
    others: list[str] = []
    taken: set[str] = set()
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise ValueError(f"submissions cannot be read from {folder}: {error.strerror}") from None
    for entry in entries:
        mode = entry.stat(follow_symlinks=False).st_mode
        is_folder, is_link = stat.S_ISDIR(mode), stat.S_ISLNK(mode)
        is_program = entry.name.endswith(ENDINGS)
        if entry.name.startswith((".", "__")) or not (is_folder or is_link or is_program):
            others.append(one_line(entry.name))
            continue
        student = Path(entry.name).stem if is_program and not is_folder else entry.name
        page = page_name(entry.name, student)
        if page in taken:  # a folder and a file of one name, or two kinds of files
            page = page_name(entry.name, student + "/")
        taken.add(page)
        found.append(read(Path(entry.path), one_line(student), page, settings, assignment))
    if not found:
        raise ValueError(
            f"submissions must be Python files, notebooks or folders in {folder}, but there is none"
        )
    return found, others


def read(path: Path, student: str, page: str, settings: Settings, assignment: str) -> Submission:
    """Return a submission, or why there is nothing to grade."""
    entry = path.name
    if path.is_symlink():
        return Submission(entry, student, page, problem="it is a link, which is not followed")
    if not (path.is_dir() or path.is_file()):
        return Submission(entry, student, page, problem="it is not an ordinary file")
    try:
        file = find_submission(path, settings, assignment)
        if file is None:
            raise ValueError(f"no submission found: {missing(path, settings)}")
        return Submission(entry, student, page, one_line(file.name), read_source(file))
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
    except ValueError as error:
        problem = str(error)
    return Submission(entry, student, page, problem=problem)


def normal_form(source: bytes) -> str | None:
    """Return a number that is the same for programs that differ in layout alone.

    That is in comments, docstrings (all strings that are statements), blank lines, spaces, and how
    far blocks are indented.

    Returns
    -------
    str or None
        None if the file is not Python's; empty if there is nothing in it but layout.
    """
    try:
        kept = list(significant(list(tokenize.tokenize(io.BytesIO(source).readline))))
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        return None
    if not kept:
        return ""
    return hashlib.sha256(b"\0".join(kept)).hexdigest()


def significant(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[bytes]:
    """Yield what is left of a program without its layout."""
    kept = [token for token in tokens if token.type not in LAYOUT]
    starts = (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    skip_newline = False
    for place, token in enumerate(kept):
        before = kept[place - 1].type if place else tokenize.NEWLINE
        after = kept[place + 1].type if place + 1 < len(kept) else tokenize.NEWLINE
        if token.type == tokenize.STRING and before in starts and after == tokenize.NEWLINE:
            skip_newline = True
        elif skip_newline and token.type == tokenize.NEWLINE:
            skip_newline = False
        else:
            yield MARKS.get(token.type) or token.string.encode("utf-8", "surrogatepass")
