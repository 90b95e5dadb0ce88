"""The file that a killed training goes on from."""

from __future__ import annotations

import errno
import json
from dataclasses import asdict

import keras
import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.surrogate.checkpoint import Checkpoint
from dnnlik.surrogate.network import build_network
from dnnlik.surrogate.schedule import Plateau

IDENTITY = {"samples": {"seed": 1}, "settings": {"layers": [4]}}
START = Plateau(rate=0.1)
RECORD = {"epoch": 1, "loss": 0.5}


@pytest.fixture
def model():
    """A network whose optimizer has done two steps."""
    built = build_network(2, (4,), seed=3)
    built.compile(keras.optimizers.Adam(0.1), loss="mse")
    for _ in range(2):
        built.train_on_batch(np.ones((8, 2), "f4"), np.ones(8, "f4"))
    return built


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / "training.npz"


@pytest.fixture
def written(path, model):
    start = Checkpoint.at(path, IDENTITY, START)
    return start.after(Plateau(rate=0.05, best=0.4, epochs=1), model, RECORD, improved=True)


def test_without_a_file_it_is_at_the_start(path):
    """No file, or none wanted: the schedule that was given and nothing else."""
    for place in (None, path):
        found = Checkpoint.at(place, IDENTITY, START)
        assert found.schedule == START
        assert found.weights == found.optimizer == found.best_weights == ()
        assert found.history == []


def test_round_trip(path, written, model):
    """Schedule, weights, optimizer and history come back exactly; a new model that takes
    them over makes the same next step as the old one."""
    found = Checkpoint.at(path, IDENTITY, START)
    assert found.schedule == written.schedule
    assert found.history == [RECORD]
    for name in ("weights", "optimizer", "best_weights"):
        for one, other in zip(getattr(found, name), getattr(written, name), strict=True):
            np.testing.assert_array_equal(one, other)
    again = build_network(2, (4,), seed=99)
    again.compile(keras.optimizers.Adam(0.1), loss="mse")
    found.restore(again)
    for network in (model, again):
        network.train_on_batch(np.full((8, 2), 2, "f4"), np.zeros(8, "f4"))
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_holds_copies(written, model):
    """Training goes on; the checkpoint stays as it was."""
    before = [array.copy() for array in (*written.weights, *written.optimizer)]
    model.train_on_batch(np.full((8, 2), 2, "f4"), np.zeros(8, "f4"))
    for one, other in zip(before, (*written.weights, *written.optimizer), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_best_weights_stay(written, model):
    """An epoch that does not improve changes the weights, not the best ones."""
    model.train_on_batch(np.full((8, 2), 2, "f4"), np.zeros(8, "f4"))
    later = written.after(written.schedule, model, RECORD, improved=False)
    assert not np.array_equal(later.weights[0], written.weights[0])
    np.testing.assert_array_equal(later.best_weights[0], written.weights[0])
    assert later.history == [RECORD, RECORD]


@pytest.mark.usefixtures("written")
def test_another_training_starts_afresh(path):
    """Other samples or settings do not go on from this file."""
    other = {**IDENTITY, "settings": {"layers": [5]}}
    assert Checkpoint.at(path, other, START).weights == ()


@pytest.mark.usefixtures("written")
def test_a_damaged_file_starts_afresh(path):
    """Cut or flipped anywhere, it reads as it was or not at all; it never fails."""
    whole = path.read_bytes()
    damaged = [b"", b"no npz file", whole[:-1], whole[:1000]]
    for position in range(0, len(whole), 31):
        flipped = bytearray(whole)
        flipped[position] ^= 255
        damaged.append(bytes(flipped))
    for content in damaged:
        path.write_bytes(content)
        found = Checkpoint.at(path, IDENTITY, START)
        assert len(found.weights) in (0, 4)
        assert (found.schedule == START) == (found.weights == ())


@pytest.mark.parametrize("name", ["identity", "schedule", "history"])
@pytest.mark.usefixtures("written")
def test_a_file_of_another_version_starts_afresh(path, name):
    """A missing entry, or a schedule with other fields."""
    with np.load(path) as file:
        content = {key: file[key] for key in file.files if key != name}
    np.savez(path, **content)
    assert Checkpoint.at(path, IDENTITY, START).weights == ()
    content[name] = np.array(json.dumps({**asdict(START), "warm": 1}))
    np.savez(path, **content)
    if name != "history":
        assert Checkpoint.at(path, IDENTITY, START).weights == ()


def test_a_full_disk_keeps_the_epoch_before(path, written, model, monkeypatch):
    """One line, no rests, and the checkpoint of the last epoch is still there."""

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(InvalidFile, match=r"\(No space left on device\)") as caught:
            written.after(START, model, RECORD, improved=True)
    assert "\n" not in str(caught.value)
    assert Checkpoint.at(path, IDENTITY, START).schedule == written.schedule
    assert [file.name for file in path.parent.iterdir()] == [path.name]
