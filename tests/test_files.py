"""atomic_write: a file is there whole, or as it was."""

import os
import stat

import pytest

from zeroone.support.files import atomic_write


def test_writes_bytes_and_text(tmp_path):
    with atomic_write(tmp_path / "bytes") as file:
        file.write(b"\x00\r\n\xff")
    with atomic_write(str(tmp_path / "text"), text=True) as file:
        file.write("żółw\n\r\n")
    assert (tmp_path / "bytes").read_bytes() == b"\x00\r\n\xff"
    assert (tmp_path / "text").read_bytes() == "żółw\n\r\n".encode()
    assert sorted(os.listdir(tmp_path)) == ["bytes", "text"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, b"the old one"])
def test_an_error_leaves_everything_as_it_was(tmp_path, error, old):
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    before = sorted(os.listdir(tmp_path))

    def write_half():
        with atomic_write(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert sorted(os.listdir(tmp_path)) == before
    assert old is None or path.read_bytes() == old


def test_a_reader_sees_the_old_file_until_all_is_written(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_write(path) as file:
        file.write(b"new, and much longer")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new, and much longer"


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_of_an_ordinary_file(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"x")
        ordinary = tmp_path / "ordinary"
        ordinary.write_bytes(b"x")
        assert os.umask(mask) == mask  # not changed in passing
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert stat.S_IMODE(ordinary.stat().st_mode) == mode


def test_refuses_what_it_cannot_write(tmp_path):
    missing = tmp_path / "no" / "file"
    with pytest.raises(ValueError, match=r"folder .*no does not exist"), atomic_write(missing):
        pytest.fail("the block must not run")
    with pytest.raises(ValueError, match="it is a folder"), atomic_write(tmp_path):
        pytest.fail("the block must not run")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="does not exist"), atomic_write(tmp_path / "file" / "x"):
        pytest.fail("the block must not run")
    assert os.listdir(tmp_path) == ["file"]


def test_a_device_is_not_replaced(tmp_path):
    # /dev/null is one; a pipe can be made without being root.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="not a regular file"), atomic_write(pipe):
        pytest.fail("the block must not run")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / ("n" * 255)
    with atomic_write(path) as file:
        file.write(b"x")
    assert path.read_bytes() == b"x"
