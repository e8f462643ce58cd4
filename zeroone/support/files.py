"""Write a file whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str], *, text: bool = False) -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` and rename it to `path` once all was written.

    A reader sees the old file or the whole new one; an error in the block leaves the old one there
    and removes the temporary one.

    Parameters
    ----------
    path : path-like
        The file to write. Its folder must exist.
    text : bool, default False
        Open for text (UTF-8, newlines kept as written) instead of bytes.

    Yields
    ------
    file object
        Open for writing.

    Raises
    ------
    ValueError
        If the folder does not exist, or `path` is a folder or a device.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise ValueError(f"cannot write {target}: the folder {target.parent} does not exist")
    if target.is_dir():
        raise ValueError(f"cannot write {target}: it is a folder")
    if target.exists() and not target.is_file():
        # To rename to /dev/null would be to replace it.
        raise ValueError(f"cannot write {target}: it is not a regular file")
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
    try:
        options: dict[str, Any] = {"encoding": "utf-8", "newline": ""} if text else {}
        with os.fdopen(descriptor, "w" if text else "wb", **options) as file:
            yield file
        # mkstemp makes the file private; give it the mode that an ordinary open would have.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
