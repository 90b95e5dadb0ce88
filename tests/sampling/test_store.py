"""The sample file: what is written is read, damage is named, nothing is lost."""

from __future__ import annotations

import errno
import resource
import sys
from contextlib import contextmanager

import h5py
import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.sampling import sample
from dnnlik.sampling import store as store_module
from dnnlik.sampling.samples import Maximum, Samples
from dnnlik.sampling.store import SampleStore

PROVENANCE = {"request": {"likelihood": "abc", "points": 4000, "seed": 1}, "software": {}}
STEPS, WALKERS = 1000, 4


@pytest.fixture
def density():
    parameters = [
        Parameter("mu", 0, (-5, 5), poi=True),
        Parameter("jes", 0, constraint=Normal(0, 1)),
    ]
    return AnalyticLikelihood(parameters, lambda x: -0.5 * (x[:, 0] - x[:, 1]) ** 2)


@pytest.fixture
def maximum():
    return Maximum(np.array([0.1, 0.2]), -3.0, np.array([0.0, 1.0]), -np.eye(2))


@pytest.fixture
def block():
    return np.random.default_rng(0).normal(size=(STEPS, WALKERS, 2))


@pytest.fixture
def store(density, tmp_path):
    return SampleStore.open(tmp_path / "samples.h5", density, STEPS * WALKERS, PROVENANCE)


@pytest.fixture
def complete(store, block, maximum):
    store.write_maximum(maximum)
    store.write(0, block[:500], strategy="unbiased", chain=0, steps=range(2, 1002, 2))
    store.write(2000, block[500:], strategy="profiled", chain=1, steps=range(500))
    store.finish({"r_hat": 1.0})
    return store.path


@contextmanager
def files_no_longer_than(size):
    """The system refuses what goes beyond, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def one_line(caught):
    text = str(caught.value)
    assert "\n" not in text
    assert "Received: " in text
    return text


def test_round_trip(complete, density, block, maximum):
    """Points, log terms (recomputed), places in the chains, maximum and JSON come back."""
    found = Samples.open(complete)
    points = block.reshape(-1, 2)
    np.testing.assert_array_equal(found.points, points)
    for name in ("log_main", "log_constraint", "log_prior", "log_likelihood", "log_density"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(density, name)(points), rtol=1e-14, err_msg=name
        )
    assert found.parameters == density.parameters
    assert found.unbiased.tolist() == [True] * 2000 + [False] * 2000
    np.testing.assert_array_equal(found.walker, np.tile(range(4), 1000))
    assert found.step[:8].tolist() == [2] * 4 + [4] * 4
    assert found.step[2000:2008].tolist() == [0] * 4 + [1] * 4
    assert found.chain[[0, 1999, 2000, 3999]].tolist() == [0, 0, 1, 1]
    for name in ("point", "value", "gradient", "hessian"):
        np.testing.assert_array_equal(getattr(found.maximum, name), getattr(maximum, name))
    assert found.diagnostics == {"r_hat": 1.0}
    assert found.provenance == PROVENANCE
    assert len(found) == 4000


def test_rows_select_every_column(complete):
    """A mask of rows keeps points and all columns aligned."""
    found = Samples.open(complete)
    some = found.rows(found.walker == 2)
    assert len(some) == 1000
    assert set(some.walker) == {2}
    np.testing.assert_array_equal(some.points, found.points[2::4])
    np.testing.assert_array_equal(some.log_main, found.log_main[2::4])
    assert some.maximum is found.maximum


def test_the_state_goes_when_the_file_is_complete(complete):
    """A complete file stands alone."""
    assert [path.name for path in complete.parent.iterdir()] == [complete.name]


def test_an_incomplete_file_says_how_to_go_on(store, block):
    """Reading a file that is being filled is refused with what resumes it."""
    store.write(0, block[:10], strategy="unbiased", chain=0, steps=range(10))
    with pytest.raises(InvalidFile, match="same `dnnlik sample` command resumes it") as caught:
        Samples.open(store.path)
    one_line(caught)


@pytest.mark.parametrize("kept", [0, 7, 1000, 100_000, -1])
def test_a_truncated_file_is_refused(complete, kept):
    """Cut anywhere: one line, from reading and from resuming."""
    complete.write_bytes(complete.read_bytes()[:kept])
    with pytest.raises(InvalidFile, match="truncated") as caught:
        Samples.open(complete)
    one_line(caught)


@pytest.mark.parametrize("content", [b"", b"no HDF5 file", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_a_file_of_another_kind_is_refused(density, tmp_path, content):
    """Text, nothing, or an HDF5 signature alone: one line, and the file stays."""
    path = tmp_path / "other.h5"
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match="no HDF5 file") as caught:
        Samples.open(path)
    one_line(caught)
    with pytest.raises(InvalidFile, match="no HDF5 file"):
        SampleStore.open(path, density, 10, PROVENANCE)
    assert path.read_bytes() == content


def test_an_hdf5_file_of_another_schema_is_refused(density, tmp_path):
    """Somebody else's HDF5 file is not overwritten."""
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = [1]
    for action in (Samples.open, lambda p: SampleStore.open(p, density, 10, PROVENANCE)):
        with pytest.raises(InvalidFile, match=r"schema dnnlik\.samples/1.*Received: None"):
            action(path)


@pytest.mark.parametrize(
    "name",
    ["points", "walker", "maximum_hessian", "maximum_value", "rows_written", "diagnostics"],
)
def test_a_missing_dataset_is_damage(complete, name):
    """A dataset that was removed makes the file damaged: one line."""
    with h5py.File(complete, "r+") as file:
        del file[name]
    with pytest.raises(InvalidFile, match="damaged") as caught:
        Samples.open(complete)
    one_line(caught)


@pytest.mark.parametrize("name", ["parameters", "provenance"])
@pytest.mark.parametrize("value", [None, "{", "3"])
def test_a_damaged_header_is_damage(complete, density, name, value):
    """Attributes that are missing or no JSON of their kind: one line."""
    with h5py.File(complete, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    with pytest.raises(InvalidFile, match="damaged") as caught:
        Samples.open(complete)
    one_line(caught)
    if name == "provenance":
        with pytest.raises(InvalidFile, match="damaged"):
            SampleStore.open(complete, density, 4000, PROVENANCE)


def test_missing_file():
    """A wrong path is one line."""
    with pytest.raises(InvalidFile, match=r"no such file.*nowhere\.h5"):
        Samples.open("nowhere.h5")


@pytest.mark.parametrize("key", ["likelihood", "points", "seed"])
def test_another_request_is_refused(complete, density, key):
    """A file of another likelihood, number or seed is not touched."""
    before = complete.read_bytes()
    other = {**PROVENANCE, "request": {**PROVENANCE["request"], key: 9}}
    with pytest.raises(InvalidFile, match="of another request") as caught:
        SampleStore.open(complete, density, 4000, other)
    one_line(caught)
    assert complete.read_bytes() == before


def test_other_software_may_continue(complete, density):
    """Only the request decides; versions of software may have changed."""
    other = {**PROVENANCE, "software": {"python": "9.9"}}
    assert SampleStore.open(complete, density, 4000, other).complete


def test_the_state_comes_back(store):
    """Numbers, arrays and the finished chains."""
    store.chain_done({"tau": 3.0})
    store.save_state({"coords": np.arange(6.0).reshape(2, 3), "chain": 1})
    again = SampleStore.open(store.path, store.density, store.rows, PROVENANCE)
    assert again.chains_done == [{"tau": 3.0}]
    state = again.load_state()
    assert int(state["chain"]) == 1
    np.testing.assert_array_equal(state["coords"], [[0, 1, 2], [3, 4, 5]])


def garbage(whole):
    """What a disk or a user may leave: cut files, other files, flipped bytes."""
    yield from (b"", b"garbage", b"PK\x03\x04", whole[:-1], whole[: len(whole) // 2])
    for position in range(0, len(whole), 7):
        flipped = bytearray(whole)
        flipped[position] ^= 255
        yield bytes(flipped)


def test_a_damaged_state_is_ignored_or_read(store):
    """A state with any byte wrong either reads as it was or counts as absent: the run
    starts again and never crashes."""
    store.chain_done({"tau": 3.0})
    store.save_state({"coords": np.arange(60.0)})
    path = store.path.with_name("samples.h5.state.npz")
    for content in garbage(path.read_bytes()):
        path.write_bytes(content)
        for array in store.load_state().values():
            assert isinstance(array, np.ndarray)
        SampleStore.open(store.path, store.density, store.rows, PROVENANCE)


def test_a_state_without_its_file_is_removed(store):
    """A new file never goes on from the state of an old one."""
    store.chain_done({"tau": 3.0})
    store.path.unlink()
    again = SampleStore.open(store.path, store.density, store.rows, PROVENANCE)
    assert again.chains_done == []
    assert again.load_state() == {}


def test_a_failed_save_keeps_the_state_before(store, monkeypatch):
    """A disk that is full half-way through the state: one line, and the old state."""
    store.save_state({"chain": 1})

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(InvalidFile, match=r"\(No space left on device\)") as caught:
            store.save_state({"chain": 2})
    one_line(caught)
    assert int(store.load_state()["chain"]) == 1
    assert {path.name for path in store.path.parent.iterdir()} == {
        "samples.h5",
        "samples.h5.state.npz",
    }


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_no_room_for_the_file_is_found_at_once(density, tmp_path):
    """All room is taken when the file is made: refused then, in one line, without rests."""
    path = tmp_path / "samples.h5"
    with files_no_longer_than(50_000), pytest.raises(InvalidFile, match="cannot create") as caught:
        SampleStore.open(path, density, STEPS * WALKERS, PROVENANCE)
    assert "(File too large)" in one_line(caught)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_failed_write_keeps_what_was_written(store, block):
    """A write that the system refuses is one line; earlier rows are still there, and
    the same write succeeds when there is room."""
    store.write(0, block[:500], strategy="unbiased", chain=0, steps=range(500))
    with files_no_longer_than(60_000), pytest.raises(InvalidFile, match="cannot write") as caught:
        store.write(2000, block[500:], strategy="unbiased", chain=0, steps=range(500))
    assert "(File too large)" in one_line(caught)
    np.testing.assert_array_equal(store.read("points", 0, 2000), block[:500].reshape(-1, 2))
    assert not store.complete
    store.write(2000, block[500:], strategy="unbiased", chain=0, steps=range(500))
    np.testing.assert_array_equal(store.read("points", 0, 4000), block.reshape(-1, 2))


def test_rows_are_read_as_they_are_used(complete):
    """Columns are read-only plain arrays of the file's own bytes."""
    found = Samples.open(complete)
    for column in (found.points, found.log_main, found.strategy, found.step):
        assert type(column) is np.ndarray
        assert column.base is not None
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0


def test_a_repacked_file_is_read_too(complete, tmp_path):
    """Compressed by somebody, so that it cannot be mapped: the same arrays."""
    other = tmp_path / "repacked.h5"
    with h5py.File(complete) as old, h5py.File(other, "w") as new:
        new.attrs.update(old.attrs)
        for name, dataset in old.items():
            new.create_dataset(name, data=dataset[:], compression="gzip")
    one, two = Samples.open(complete), Samples.open(other)
    np.testing.assert_array_equal(one.points, two.points)
    assert one.digest == two.digest
    assert not two.points.flags.writeable


def test_known_terms_are_kept_as_they_are(store, block):
    """What the caller has evaluated is not evaluated again."""
    terms = {"log_main": np.arange(40.0), "log_constraint": -np.arange(40.0)}
    store.write(0, block[:10], strategy="unbiased", chain=0, steps=range(10), terms=terms)
    np.testing.assert_array_equal(store.read("log_main", 0, 40), np.arange(40.0))


@pytest.mark.parametrize("most", [10**9, 100, 1])
def test_a_long_chain_is_an_even_choice_of_its_walkers(density, tmp_path, monkeypatch, most):
    """All steps of all walkers, or of sixteen at least; read in parts of any size."""
    monkeypatch.setattr(store_module, "_NUMBERS_AT_ONCE", most)
    store = SampleStore.open(tmp_path / "samples.h5", density, 1280, PROVENANCE)
    block = np.random.default_rng(1).normal(size=(20, 64, 2))
    store.write(0, block, strategy="unbiased", chain=0, steps=range(20))
    every = 1 if most == 10**9 else 4
    np.testing.assert_array_equal(store.chain(0, 20, 64), block[:, ::every])


def test_gradients_need_not_be_kept(likelihood, tmp_path):
    """Without them the file is half as long, and everything else is the same."""
    request = {"strategy": "unbiased", "sampler": "hamiltonian", "points": 2000}
    one = sample(likelihood, tmp_path / "with.h5", **request)
    two = sample(likelihood, tmp_path / "without.h5", gradients=False, **request)
    assert two.gradient is None
    assert one.gradient is not None
    np.testing.assert_array_equal(one.points, two.points)
    np.testing.assert_array_equal(one.log_main, two.log_main)
    assert one.diagnostics == two.diagnostics
    emcee = sample(likelihood, tmp_path / "e.h5", strategy="mixed", gradients=False, points=2000)
    assert emcee.gradient is None


def test_the_worst_parameter_and_the_pois_are_named(mixed):
    """Sizes and R-hat by name, for both sorts of chains the same keys."""
    found = mixed.diagnostics
    for name in ("effective_points", "bulk_effective_points", "tail_effective_points", "r_hat"):
        assert found[f"{name}_parameter"] in mixed.parameters.names
        worst = min if name != "r_hat" else max
        assert worst(found[name], found["poi"]["mu"][name]) == found[name]
