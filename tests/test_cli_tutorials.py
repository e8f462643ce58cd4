"""The command tutorials: which notebooks it writes, what is in them, and what it leaves alone."""

import asyncio
import base64
import hashlib
import io
import json
import os
import re
import signal
import sys
import types
from functools import partial
from pathlib import Path

import pytest
import terminal

from zeroone import cli
from zeroone.commands import tutorials
from zeroone.support import notebooks

FIRST = """# %% [markdown]
# # 1. First
#
# Text with $x^2$.

# %%
import os

import matplotlib.pyplot as plt

print("one")
print(os.getcwd(), object(), os.path.expanduser("~"))

# %%
plt.plot([1, 2], color="#d55e00")
plt.show()
"""
SECOND = '''# %% [markdown]
# # 2. Second

# %%
x = 2


def double(y):
    """Return y twice."""
    return 2 * y


# %%
print(double(x))
'''
FAILING = """# %% [markdown]
# # 3. Third

# %%
assert 1 + 1 == 3, "no sum"
"""


@pytest.fixture(autouse=True)
def command(monkeypatch):
    """Make the command known to the command line."""
    others = tuple(each for each in cli.COMMANDS if each is not tutorials)
    monkeypatch.setattr(cli, "COMMANDS", (*others, tutorials))


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """Write two small tutorials, and let the command find them in place of its own."""
    folder = tmp_path / "pages"
    folder.mkdir()
    for name, source in (("01_first", FIRST), ("02_second", SECOND)):
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    (folder / "helper.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(tutorials, "material_folder", lambda name: folder)
    return folder


@pytest.fixture
def tools():
    for name in notebooks.TOOLS:
        pytest.importorskip(name)


run = partial(terminal.run, "tutorials")
succeed = partial(terminal.succeed, "tutorials")
refused = partial(terminal.refused, "tutorials")


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def sources(path):
    return [(cell["cell_type"], "".join(cell["source"])) for cell in read(path)["cells"]]


# ------------------------------------------------------------------------- what needs no notebooks


def test_list_of_the_tutorials_that_come_with_the_package():
    out = succeed("--list")
    assert re.search(r"^00_notation +0\. Notation$", out, re.MULTILINE)
    names = [line.split()[0] for line in out.splitlines()[2:]]
    assert names == sorted(names)
    assert len(names) >= 6


def test_list_of_some(pages):
    assert succeed("--list", "02_second").splitlines()[2:] == ["02_second  2. Second"]
    assert succeed("--list", "2", "01").splitlines()[2:] == [
        "01_first   1. First",
        "02_second  2. Second",
    ]


def test_a_name_that_does_not_exist_is_refused(pages, tmp_path):
    message = refused("--to", tmp_path / "out", "3")
    assert "01_first, 02_second" in message
    assert "'3'" in message
    assert not (tmp_path / "out").exists()


def test_a_folder_is_asked_for(pages):
    assert "--to FOLDER" in refused()


def test_a_file_in_place_of_the_folder_is_refused(pages, tmp_path):
    path = tmp_path / "file"
    path.write_text("mine", encoding="utf-8")
    assert "is a file" in refused("--to", path)
    assert "not a folder" in refused("--to", path / "inside")
    assert path.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions bind others only")
def test_a_folder_that_is_not_writable_is_refused(pages, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    assert "not a folder to write to" in refused("--to", folder)
    assert "not a folder to write to" in refused("--to", folder / "inside")


def marked(name, cells, recorded=None):
    """Return a notebook's file as the command would mark it, with a hash computed here."""
    content = [{"cell_type": kind, "source": [text]} for kind, text in cells]
    mark = hashlib.sha256(json.dumps(recorded or cells).encode()).hexdigest()
    metadata = {"zeroone": {"name": name, "cells": mark}}
    return json.dumps({"cells": content, "metadata": metadata, "nbformat": 4})


CELLS = [("markdown", "# 1. First"), ("code", "x = 1")]


@pytest.mark.parametrize(
    "content",
    [
        "not a notebook",
        "[]",
        "{}",
        '{"metadata": {}, "cells": []}',
        marked("02_second", CELLS),
        marked("01_first", [*CELLS, ("code", "my_own = 2")], recorded=CELLS),
        marked("01_first", [CELLS[0], ("code", "x = 1  # mine")], recorded=CELLS),
    ],
)
def test_other_files_and_changed_notebooks_are_not_overwritten(pages, tmp_path, content):
    path = tmp_path / "01_first.ipynb"
    path.write_text(content, encoding="utf-8")
    assert "move it away" in refused("--to", tmp_path)
    assert path.read_text(encoding="utf-8") == content
    assert not (tmp_path / "02_second.ipynb").exists()


def test_a_folder_of_the_name_of_a_notebook_is_refused(pages, tmp_path):
    (tmp_path / "01_first.ipynb").mkdir()
    assert "is a folder" in refused("--to", tmp_path)


def test_an_unchanged_notebook_is_known_whatever_its_outputs(tmp_path):
    path = tmp_path / "01_first.ipynb"
    path.write_text(marked("01_first", CELLS), encoding="utf-8")
    assert notebooks.is_unchanged(path, "01_first")
    assert not notebooks.is_unchanged(path, "02_second")
    content = read(path)
    content["cells"][1] |= {"outputs": [{"output_type": "stream"}], "execution_count": 7}
    content["cells"][1]["source"] = ["x", " = 1"]
    path.write_text(json.dumps(content), encoding="utf-8")
    assert notebooks.is_unchanged(path, "01_first")
    assert not notebooks.is_unchanged(tmp_path / "missing.ipynb", "01_first")


@pytest.mark.parametrize("missing", ["jupytext", "nbclient", "ipykernel"])
def test_what_is_missing_is_named_with_the_extra(pages, tmp_path, monkeypatch, missing):
    for name in notebooks.TOOLS:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, missing, None)
    message = refused("--to", tmp_path / "out")
    assert missing in message
    assert "pip install 'zeroone-nets[notebooks]'" in message
    assert not (tmp_path / "out").exists()


class Kernel:
    """Stands for a kernel and its client, of which only the interplay with Ctrl-C matters."""

    def __init__(self, interrupted_in_a_cell):
        self.in_a_cell = interrupted_in_a_cell
        self.killed = False
        self.provisioner = types.SimpleNamespace(process=self)

    def kill(self):
        self.killed = True

    async def async_execute(self):
        if self.in_a_cell:
            self.on_cell_start(cell=None, cell_index=0)
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        if not self.in_a_cell:
            self.on_cell_start(cell=None, cell_index=0)
        while not self.killed:
            await asyncio.sleep(0.01)
        raise RuntimeError("the kernel is dead")


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to itself")
@pytest.mark.parametrize("in_a_cell", [True, False])
def test_ctrl_c_ends_the_kernel_and_is_an_interrupt(in_a_cell):
    kernel = Kernel(in_a_cell)
    # What a shell starts in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            notebooks.wait_for(kernel, kernel)
    finally:
        signal.signal(signal.SIGINT, before)
    assert kernel.killed == in_a_cell


# ---------------------------------------------------------------------------------- whole notebooks


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write the notebooks of both small tutorials once, with MPLBACKEND and a plot style set."""
    for name in notebooks.TOOLS:
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("written")
    (folder / "01_first.py").write_text(FIRST, encoding="utf-8")
    (folder / "02_second.py").write_text(SECOND, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "COMMANDS", (tutorials,))
        patch.setattr(tutorials, "material_folder", lambda name: folder)
        patch.setenv("MPLBACKEND", "Agg")
        out = succeed("--to", folder / "new" / "notebooks")
    return folder / "new" / "notebooks", out


def test_each_tutorial_becomes_a_notebook(written):
    folder, out = written
    names = ["01_first.ipynb", "02_second.ipynb"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert out.splitlines() == [f"written to {folder / name}" for name in names]
    assert sources(folder / "01_first.ipynb") == [
        ("markdown", "# 1. First\n\nText with $x^2$."),
        (
            "code",
            'import os\n\nimport matplotlib.pyplot as plt\n\nprint("one")\n'
            'print(os.getcwd(), object(), os.path.expanduser("~"))',
        ),
        ("code", 'plt.plot([1, 2], color="#d55e00")\nplt.show()'),
    ]
    kinds, texts = zip(*sources(folder / "02_second.ipynb"), strict=True)
    assert kinds == ("markdown", "code", "code")
    assert texts[1].startswith("x = 2\n\n\ndef double(y):\n")
    assert texts[1].endswith("    return 2 * y")


def test_notebooks_are_executed_with_text_and_pictures(written):
    folder, _ = written
    _, printed, drawn = read(folder / "01_first.ipynb")["cells"]
    assert (printed["execution_count"], drawn["execution_count"]) == (1, 2)
    (output,) = printed["outputs"]
    assert output["name"] == "stdout"
    assert "".join(output["text"]).startswith("one\n")
    (output,) = drawn["outputs"]
    picture = base64.b64decode(output["data"]["image/png"])
    assert picture.startswith(b"\x89PNG\r\n")
    assert picture[25] == 3  # a palette
    assert b"Software" not in picture
    (output,) = read(folder / "02_second.ipynb")["cells"][2]["outputs"]
    assert "".join(output["text"]) == "4\n"


def test_pictures_keep_their_colours(written):
    image = pytest.importorskip("PIL.Image")
    folder, _ = written
    data = read(folder / "01_first.ipynb")["cells"][2]["outputs"][0]["data"]["image/png"]
    pixels = image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
    colours = {colour for _, colour in pixels.getcolors(256)}
    assert (255, 255, 255) in colours
    line = (0xD5, 0x5E, 0x00)
    nearest = min(max(abs(a - b) for a, b in zip(line, colour, strict=True)) for colour in colours)
    assert nearest <= 8


def test_nothing_of_the_machine_is_in_them(written):
    folder, _ = written
    for path in folder.iterdir():
        content = read(path)
        assert content["metadata"] == {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "zeroone": {
                "name": path.stem,
                "cells": hashlib.sha256(json.dumps(sources(path)).encode()).hexdigest(),
            },
        }
        for number, cell in enumerate(content["cells"]):
            assert cell["id"] == f"cell-{number:02d}"
            assert cell["metadata"] == {}
    text = "".join(read(folder / "01_first.ipynb")["cells"][1]["outputs"][0]["text"])
    assert str(Path.home()) not in text or str(Path.home()) == "/"
    assert re.search(r"<object object at 0x\.\.\.>", text)
    assert "/tmp" not in text


def test_a_second_time_gives_the_same_and_overwrites_only_its_own(
    pages, tmp_path, written, monkeypatch
):
    folder = tmp_path / "out"
    folder.mkdir()
    mine = folder / "mine.ipynb"
    mine.write_text("mine", encoding="utf-8")
    # An older one, of which only the outputs were changed.
    older = read(written[0] / "01_first.ipynb")
    older["cells"][1]["outputs"] = []
    (folder / "01_first.ipynb").write_text(json.dumps(older), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert succeed("--to", "out", "1") == f"written to {Path('out', '01_first.ipynb')}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["01_first.ipynb", "mine.ipynb"]
    assert mine.read_text(encoding="utf-8") == "mine"
    expected = (written[0] / "01_first.ipynb").read_bytes()
    assert (folder / "01_first.ipynb").read_bytes() == expected


def test_a_page_that_fails_is_named_and_the_others_are_written(pages, tmp_path, tools):
    (pages / "00_third.py").write_text(FAILING, encoding="utf-8")
    status, out, err = run("--to", tmp_path / "out", "0", "2")
    assert status == 1
    assert err == "zeroone: 00_third failed: AssertionError: no sum\n"
    assert out == f"written to {tmp_path / 'out' / '02_second.ipynb'}\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["02_second.ipynb"]


def test_a_kernel_that_ends_is_an_error_and_not_a_hang(pages, tmp_path, tools):
    (pages / "01_first.py").write_text(
        "# %% [markdown]\n# # 1. First\n\n# %%\nimport os\n\nos._exit(3)\n", encoding="utf-8"
    )
    status, out, err = run("--to", tmp_path / "out", "1")
    assert (status, out) == (1, "")
    assert err == "zeroone: 01_first failed: the kernel ended before the notebook did\n"


def test_what_is_printed_in_pieces_is_joined(tools):
    from nbformat.v4 import new_output

    outputs = [
        new_output("stream", name="stdout", text="a\n"),
        new_output("stream", name="stdout", text="b\n"),
        new_output("stream", name="stderr", text="c\n"),
        new_output("display_data", data={"text/plain": "d"}),
        new_output("stream", name="stdout", text="e\n"),
    ]
    joined = notebooks.join_streams(outputs)
    assert [output.get("text") for output in joined] == ["a\nb\n", "c\n", None, "e\n"]


def test_names_of_folders_and_addresses_are_taken_out():
    text = notebooks.without_places("/a/b/c and /a/d at 0x7f3b2c1d, 0xff", ["/a/b", "/a"])
    assert text == ".../c and .../d at 0x..., 0xff"
