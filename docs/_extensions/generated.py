"""Pages that are made, not written: they change only where their content does.

Sphinx reads a page again if its file is newer, so that what stays the same is left alone. A page
that is not made any more is removed.
"""

from pathlib import Path


class Folder:
    """A folder of made pages: ``write`` them, then ``prune`` what is left of earlier ones.

    Parameters
    ----------
    path : Path
        It is made if there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kept: set[Path] = set()

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file, unless it is there with the same content."""
        data = content.encode() if isinstance(content, str) else content
        target = self.path / name
        self.kept.add(target)
        if not target.is_file() or target.read_bytes() != data:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)

    def prune(self) -> None:
        """Remove the files that were not written."""
        for file in self.path.rglob("*"):
            if file.is_file() and file not in self.kept:
                file.unlink()
