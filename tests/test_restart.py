"""The file a killed run goes on from: whole, or not there."""

import errno

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.restart import RestartState

CONTENT = {"text": "σ = 1", "number": 3, "array": np.arange(6.0).reshape(2, 3), "nan": np.nan}


@pytest.fixture
def state(tmp_path):
    found = RestartState(tmp_path / "new" / "state.npz")
    found.save(CONTENT)
    return found


def assert_same(found):
    assert set(found) == set(CONTENT)
    assert str(found["text"]) == CONTENT["text"]
    assert int(found["number"]) == 3
    np.testing.assert_array_equal(found["array"], CONTENT["array"])
    assert np.isnan(found["nan"])


def test_round_trip(state):
    """Texts, numbers and arrays come back; nothing else is left in the folder."""
    assert_same(state.load())
    assert [p.name for p in state.path.parent.iterdir()] == ["state.npz"]
    state.remove()
    state.remove()
    assert state.load() == {}


def test_without_a_file_there_is_nothing(tmp_path):
    """Nor in place of a folder."""
    assert RestartState(tmp_path / "state.npz").load() == {}
    assert RestartState(tmp_path).load() == {}


@pytest.mark.parametrize("flip", [1, 8, 18, 255])
def test_a_damaged_file_is_as_it_was_or_nothing(state, flip):
    """Bytes flipped anywhere, or an end cut off: never an error, never another content."""
    whole = state.path.read_bytes()
    for position in range(flip % 4, len(whole), 4):
        damaged = bytearray(whole)
        damaged[position] ^= flip
        state.path.write_bytes(bytes(damaged))
        if found := state.load():
            assert_same(found)
    for length in range(0, len(whole), 97):
        state.path.write_bytes(whole[:length])
        assert state.load() == {}


def test_a_full_disk_keeps_what_was_there(state, monkeypatch):
    """One line, and no rests."""

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(InvalidFile, match=r"\(No space left on device\). Received: ") as error:
            state.save({"number": 4})
    assert "\n" not in str(error.value)
    assert_same(state.load())
    assert [p.name for p in state.path.parent.iterdir()] == ["state.npz"]


def test_a_file_in_place_of_the_folder(tmp_path):
    """One line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidFile, match="cannot write the restart state"):
        RestartState(tmp_path / "file" / "state.npz").save(CONTENT)
