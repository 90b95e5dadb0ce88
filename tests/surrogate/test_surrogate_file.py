"""A surrogate on disk."""

from __future__ import annotations

import resource
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.surrogate.file import load_surrogate, save_surrogate


@pytest.fixture
def path(trained, tmp_path):
    place = tmp_path / "surrogate.h5"
    save_surrogate(trained, place)
    return place


def assert_same(one, other):
    assert one.parameters == other.parameters
    assert one.adds_constraint is other.adds_constraint
    assert one.settings == other.settings
    assert one.provenance == other.provenance
    parts = [(one.quadratic, other.quadratic), (one.domain, other.domain)]
    networks = list(zip(one.networks, other.networks, strict=True))
    bends = [(left.bends, right.bends) for left, right in networks]
    for left, right in [*parts, *networks, *bends]:
        assert (left is None) == (right is None)
        for key in vars(left).keys() - {"bends"} if left is not None else ():
            first, second = getattr(left, key), getattr(right, key)
            if not isinstance(first, tuple):
                first, second = (first,), (second,)
            for a, b in zip(first, second, strict=True):
                np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("which", ["trained", "trained_whole"])
def test_round_trip_is_exact(request, tmp_path, which):
    """Every number, with and without a baseline, in a directory that is made for it."""
    description = request.getfixturevalue(which)
    place = tmp_path / "new" / "surrogate.h5"
    save_surrogate(description, place)
    found = load_surrogate(place)
    assert_same(found, description)
    assert found.digest() == description.digest()
    assert [file.name for file in place.parent.iterdir()] == ["surrogate.h5"]


def test_many_layers_keep_their_order(trained, tmp_path):
    """Twelve layers: 10 comes after 9, not after 1."""
    weights = tuple(np.full((2, 2), float(k)) for k in range(12))
    biases = tuple(np.full(2, float(k)) for k in range(12))
    network = replace(trained.networks[0], weights=weights, biases=biases)
    save_surrogate(replace(trained, networks=(network,)), tmp_path / "deep.h5")
    found = load_surrogate(tmp_path / "deep.h5").networks[0]
    assert [int(weight[0, 0]) for weight in found.weights] == list(range(12))
    assert [int(bias[0]) for bias in found.biases] == list(range(12))


def test_a_long_history_fits(trained, tmp_path):
    """Settings of more than the 64 kB that HDF5 attributes hold."""
    long = replace(trained, settings={"history": ["x" * 1000] * 200})
    save_surrogate(long, tmp_path / "long.h5")
    assert load_surrogate(tmp_path / "long.h5").settings == long.settings


@pytest.mark.parametrize("kept", [0, 9, 600, -1])
def test_a_truncated_file_is_refused(path, kept):
    """Cut anywhere: one line."""
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InvalidFile, match=r"truncated.*Received: ") as caught:
        load_surrogate(path)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path, samples_file):
    """Missing files, text, and HDF5 of another kind, such as the samples."""
    with pytest.raises(InvalidFile, match="no such surrogate file"):
        load_surrogate(tmp_path / "nowhere.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(InvalidFile, match="no surrogate"):
        load_surrogate(tmp_path / "text.h5")
    with pytest.raises(InvalidFile, match=r"Received: 'dnnlik\.samples/1'"):
        load_surrogate(samples_file)


@pytest.mark.parametrize(
    "name",
    ["network.0/weights.0", "network.0/biases.1", "network.0/input_mean", "network.0", "domain",
     "settings", "quadratic/hessian"],
)  # fmt: skip
def test_a_missing_part_is_damage(path, name):
    """Without one of its arrays a surrogate is none: one line."""
    with h5py.File(path, "r+") as file:
        del file[name]
    with pytest.raises(InvalidFile, match=r"Received: ") as caught:
        load_surrogate(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_failed_save_leaves_the_old_file(path, trained, trained_whole):
    """A disk that is full: one line, the old surrogate, no rests."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(InvalidFile, match=r"cannot write.*\(File too large\)") as caught:
            save_surrogate(trained_whole, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert_same(load_surrogate(path), trained)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_directory_in_the_way(trained, tmp_path):
    """A path that cannot be a file is one line."""
    with pytest.raises(InvalidFile, match="cannot write the surrogate"):
        save_surrogate(trained, tmp_path)
