"""Where tutorials, assignments, figure scripts and the theory are, in a checkout or installed."""

from importlib import metadata
from pathlib import Path

import zeroone

# What pip calls the package; Python calls it `zeroone`.
DISTRIBUTION = "zeroone-nets"


def material_folder(name: str) -> Path:
    """Return the folder of the teaching material called `name`.

    In a checkout it stands beside the package. An installation puts it into
    ``share/zeroone/NAME`` of the environment; the distribution's own list of files says where that
    is.

    Parameters
    ----------
    name : {"tutorials", "figures", "docs"}
        ``docs`` holds ``theory.md``, to which the docstrings refer.

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
    # There may be two of the name: a build in a checkout leaves its own metadata, without files.
    for distribution in metadata.distributions(name=DISTRIBUTION):
        for file in distribution.files or []:
            for parent in Path(file.locate()).resolve().parents:
                if parent.parts[-3:] == ("share", "zeroone", name) and parent.is_dir():
                    return parent
    raise ValueError(f"name must be a folder of teaching material, but there is no {name} here")
