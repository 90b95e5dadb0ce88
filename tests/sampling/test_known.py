"""Files of rows that are known already."""

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.parameters import Normal, Parameter, ParameterSet
from dnnlik.sampling.known import write_samples
from dnnlik.sampling.samples import COLUMNS, Maximum, Samples


@pytest.fixture
def rows():
    """Ten rows of two parameters, no two numbers of which are equal."""
    parameters = ParameterSet(
        [Parameter("mu", 0, (-9, 9), poi=True), Parameter("jes", 0, (-9, 9), Normal(0, 1))]
    )
    numbers = np.random.default_rng(0).normal(size=(10, 7))
    return Samples(
        parameters=parameters,
        points=numbers[:, :2],
        gradient=numbers[:, 2:4],
        log_main=numbers[:, 4],
        log_constraint=numbers[:, 5],
        log_prior=numbers[:, 6],
        strategy=np.array([0, 1, 2, 3, 4] * 2, np.uint8),
        chain=np.arange(10, dtype=np.int32),
        walker=np.arange(10, 20, dtype=np.int32),
        step=np.arange(20, 30),
        maximum=Maximum(np.ones(2), 0.5, np.full(2, 2.0), -np.eye(2)),
        provenance={"request": {"likelihood": "x", "seed": 1}},
        diagnostics={"effective_points": 4.0},
    )


@pytest.mark.parametrize("gradients", [True, False])
def test_what_is_written_is_read(rows, gradients, tmp_path):
    """Every column, the maximum and the texts, with and without gradients; no other file."""
    rows = rows if gradients else replace(rows, gradient=None)
    write_samples(rows, tmp_path / "s.h5")
    found = Samples.open(tmp_path / "s.h5")
    for name in ("points", *COLUMNS):
        np.testing.assert_array_equal(getattr(found, name), getattr(rows, name))
    for name, value in vars(rows.maximum).items():
        np.testing.assert_array_equal(getattr(found.maximum, name), value)
    if gradients:
        np.testing.assert_array_equal(found.gradient, rows.gradient)
    else:
        assert found.gradient is None
    assert found.diagnostics["effective_points"] == 4
    assert found.provenance["request"] == rows.provenance["request"]
    assert found.digest == rows.digest
    assert [file.name for file in tmp_path.iterdir()] == ["s.h5"]


def test_a_file_that_is_there_is_left_alone(rows, tmp_path):
    """Of the same request it is what was asked for; of another one it is refused."""
    path = tmp_path / "s.h5"
    write_samples(rows, path)
    before = path.read_bytes()
    write_samples(rows, path)
    with pytest.raises(InvalidFile, match=r"another request \(seed\).*Received: "):
        write_samples(replace(rows, provenance={"request": {"likelihood": "x", "seed": 2}}), path)
    assert path.read_bytes() == before


def test_a_folder_that_is_none(rows, tmp_path):
    """One line where the file cannot be made."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidFile, match="Received: "):
        write_samples(rows, tmp_path / "file" / "s.h5")
