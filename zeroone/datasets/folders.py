"""Find the files of a data set in the user's folders, or say what to download."""

import os
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT_VARIABLE = "ZEROONE_DATA"
Folder = str | os.PathLike[str]


@dataclass(frozen=True)
class Source:
    """What the files of a data set are called and where they come from.

    Attributes
    ----------
    title : str
        The name of the data set, for messages.
    subfolders : tuple of str
        Under which names its folder may lie in a folder of data sets.
    files : tuple of tuples of str
        Its files, each with the names that it may have.
    download : str
        What to download and where from, for messages.
    archive : str
        The name of the archive which holds the files, if they are published in one.
    pickles : tuple of str
        Files that betray a pickled version of the data set, which is never opened.
    not_in : tuple of str
        Names of folders that hold another data set under the same file names.
    """

    title: str
    subfolders: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    download: str
    archive: str = ""
    pickles: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()


def data_folder(folder: Folder | None) -> Path:
    """Return `folder` or, if it is None, the one that the environment variable names.

    Raises
    ------
    ValueError
        If there is neither, or it is not a folder.
    """
    if folder is None:
        folder = os.environ.get(ENVIRONMENT_VARIABLE)
        if not folder:
            raise ValueError(
                f"folder is None and the environment variable {ENVIRONMENT_VARIABLE} is not set: "
                "one of them must name the folder that holds the data"
            )
        named_by = f"the environment variable {ENVIRONMENT_VARIABLE}"
    else:
        named_by = "folder"
    if not isinstance(folder, str | os.PathLike):
        raise ValueError(f"folder must be a path, but is {folder!r}")
    path = Path(folder).expanduser()
    if not path.is_dir():
        raise ValueError(f"{named_by} must name an existing folder, but is {str(folder)!r}")
    return path


def find_files(source: Source, folder: Folder | None) -> list[Path]:
    """Return the path of each of the source's files.

    They may lie in the folder itself or in one of the source's subfolders of it; a subfolder, which
    says by its name what it holds, goes first.

    Raises
    ------
    ValueError
        If there is no folder, or a file is missing; the message says which and where it is from.
    """
    root = data_folder(folder)
    places = [root / name for name in source.subfolders] + [root]
    incomplete: list[tuple[Path, list[str]]] = []
    for place in places:
        found = [_first_file(place, names) for names in source.files]
        complete = [path for path in found if path is not None]
        if len(complete) == len(found):
            _refuse_other_data_set(source, place)
            return complete
        if complete:
            pairs = zip(found, source.files, strict=True)
            incomplete.append((place, [names[0] for path, names in pairs if path is None]))
    if incomplete:
        place, missing = incomplete[0]
        raise ValueError(f"{place} lacks {', '.join(missing)}. {source.download}")
    for place in places:
        for name in source.pickles:
            if (place / name).is_file():
                raise ValueError(
                    f"{place / name} belongs to the Python version of {source.title}, which is a "
                    "pickle; opening a pickle can run any program, so that it is not read. "
                    f"{source.download}"
                )
    if source.archive and (root / source.archive).is_file():
        raise ValueError(f"{root / source.archive} is still packed: unpack it (tar -xzf) first")
    expected = ", ".join(names[0] for names in source.files)
    raise ValueError(
        f"{source.title} is neither in {root} nor in a folder {', '.join(source.subfolders)} in "
        f"it: expected the files {expected}. {source.download}"
    )


def _first_file(place: Path, names: tuple[str, ...]) -> Path | None:
    """Return the first of the names that is a file in the folder."""
    return next((place / name for name in names if (place / name).is_file()), None)


def _refuse_other_data_set(source: Source, place: Path) -> None:
    """Refuse a folder whose name says that it holds another data set with the same file names."""
    path = place.absolute()
    name = path.parent.name if path.name == "raw" else path.name
    if name.lower() in source.not_in:
        raise ValueError(
            f"{place} holds files with the names of {source.title}'s, but is called {name!r}: "
            f"expected a folder of {source.title}. {source.download}"
        )
