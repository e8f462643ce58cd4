"""Where tutorials, assignments and figure scripts are, in a checkout and once installed."""

from importlib import metadata
from pathlib import Path

import zeroone


def material_folder(name: str) -> Path:
    """Return the folder of the teaching material called `name`.

    In a checkout it stands beside the package. An installation puts it into
    ``share/zeroone/NAME`` of the environment; the distribution's own list of files says where that
    is.

    Parameters
    ----------
    name : {"tutorials", "figures"}

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If there is no such folder: the package was copied without its material.
    """
    root = Path(zeroone.__file__).resolve().parents[1]
    if (root / "pyproject.toml").is_file() and (root / name).is_dir():
        return root / name
    try:
        files = metadata.distribution("zeroone").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        for parent in Path(file.locate()).resolve().parents:
            if parent.parts[-3:] == ("share", "zeroone", name):
                return parent
    raise ValueError(f"name must be a folder of teaching material, but there is no {name} here")
