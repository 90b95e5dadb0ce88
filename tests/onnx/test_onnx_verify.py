"""Verification passes what is right, names what is wrong, and writing is atomic."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import onnx
import pytest

from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.onnx.verify import difference, verify, verify_copy, write


@pytest.fixture
def description(make_description):
    return make_description(size=5)


@pytest.fixture
def path(description, publish):
    return publish(description)


@pytest.fixture
def points(description, scatter):
    return scatter(description, n=40)


def tamper(path, change):
    """Apply a change to the model of a file."""
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)


def scale_constant(name, factor):
    def change(model):
        (constant,) = (c for c in model.graph.initializer if c.name == name)
        array = onnx.numpy_helper.to_array(constant) * factor
        constant.CopyFrom(onnx.numpy_helper.from_array(array, name))

    return change


def failures(verification):
    return {check.name for check in verification.checks if not check.passed}


@pytest.mark.parametrize("layers", [(8,), (16, 8), (200, 200)])
@pytest.mark.parametrize("adds", [True, False])
def test_right_file_passes(make_description, publish, scatter, layers, adds):
    """A file as it was written agrees with all independent answers to rounding."""
    description = make_description(5, layers, adds_constraint=adds)
    path = publish(description)
    exact = PublishedLikelihood.open(path)
    found = verify(
        path,
        description,
        points=scatter(description),
        expected=lambda points: exact.log_likelihood(points, outside="ignore") * (1 + 1e-10),
    )
    assert found.passed, found.message
    assert found.message == "the published file agrees with its surrogate at 50 points"
    checks = {check.name: check.difference for check in found.checks}
    assert set(checks) == {"reference", "constraint", "domain", "gradient", "expected"}
    assert checks["reference"] < 1e-12
    assert checks["gradient"] < 1e-5
    assert 0 < checks["expected"] < 2e-7


@pytest.mark.parametrize("members", [1, 3])
def test_float32_copy_agrees(make_description, tmp_path, publish, scatter, members):
    """Networks in float32 change every output by rounding alone, and their bytes repeat."""
    description = make_description(5, (200, 200), members=members)
    table = AsimovCurve(description.parameters.names[0], np.arange(5.0), np.arange(5.0))
    description = replace(description, asimov=(table,))
    points = scatter(description)
    path, copy = publish(description), tmp_path / "copy.onnx"
    metadata = onnx_metadata(path)
    write(surrogate_model(description, metadata=metadata, precision="float32"), copy)
    found = verify_copy(copy, path, points=points)
    assert found.passed, found.message
    differences = {check.name: check.difference for check in found.checks}
    assert 0 < differences["log_likelihood"] < 2e-6
    assert 0 < differences["gradient"] < 1e-5
    assert differences["log_constraint"] == differences["in_domain"] == 0
    assert ("uncertainty" in differences) == (members > 1)
    opened = PublishedLikelihood.open(copy)
    alone = opened.evaluate(points, "log_likelihood")[0]  # the gradient is left out
    both = opened.evaluate(points, "log_likelihood", "gradient")
    np.testing.assert_array_equal(alone, both[0])
    left_out = opened._session.run(
        ["gradient", "in_domain"], {"parameters": points, "with_gradient": np.array(False)}
    )
    assert np.isnan(left_out[0]).all()
    np.testing.assert_array_equal(left_out[1], opened.in_domain(points))
    again = surrogate_model(description, metadata=metadata, precision="float32")
    assert again.SerializeToString(deterministic=True) == copy.read_bytes()


def test_wrong_copy_fails(description, path, points, tmp_path):
    """A copy with a wrong weight is named; one of another surrogate is refused."""
    copy = tmp_path / "copy.onnx"
    model = surrogate_model(description, metadata=onnx_metadata(path), precision="float32")
    write(model, copy)
    tamper(copy, scale_constant("network/layer_0/weights", 1.001))
    found = verify_copy(copy, path, points=points)
    assert failures(found) == {"log_likelihood", "gradient"}
    write(surrogate_model(description, metadata={**onnx_metadata(path), "model_author": "x"}), copy)
    with pytest.raises(InvalidFile, match="carries the metadata"):
        verify_copy(copy, path, points=points)


def onnx_metadata(path):
    return {item.key: item.value for item in onnx.load(path).metadata_props}


def test_another_surrogate_fails(path, description, points):
    """A surrogate that gives other values is named, and nothing is raised."""
    found = verify(path, description, points=points, expected=lambda points: np.zeros(len(points)))
    assert failures(found) == {"expected"}
    assert not found.passed
    assert "disagrees with the trained surrogate" in found.message


def test_nan_fails(path, description, points):
    """A NaN is a difference."""
    found = verify(
        path, description, points=points, expected=lambda points: np.full(len(points), np.nan)
    )
    assert failures(found) == {"expected"}


@pytest.mark.parametrize(
    ("constant", "factor", "caught"),
    [
        ("network/gradient/operand_1", 1.001, {"gradient"}),
        ("constraint/slope/operand_1", 1.01, {"gradient"}),
        ("constraint/summed/column/operand_1", 1.01, {"gradient", "constraint"}),
        ("domain/above/operand_1", 0.0, {"domain"}),
    ],
)
def test_each_wrong_constant_is_caught(path, description, points, constant, factor, caught):
    """A wrong number in a backward pass, the constraint or the domain fails its own check."""
    tamper(path, scale_constant(constant, factor))
    assert failures(verify(path, description, points=points)) == caught


def test_no_points_prove_nothing(path, description):
    """Without a single usable point a file does not pass."""
    assert failures(verify(path, description, points=np.empty((0, 5)))) == {"gradient"}


def test_other_parameters_are_refused(path, description, points):
    """Other names, another order or other bounds are no basis for a comparison."""
    names = [*description.parameters.names[1:], description.parameters.names[0]]
    other = replace(description, parameters=description.parameters.reordered(names))
    with pytest.raises(InvalidFile, match=r"must hold the parameters \['jes'.* Received: \['mu'"):
        verify(path, other, points=points)


def test_invalid_graph_is_refused(path, description, points):
    """A graph that breaks the standard is refused before anything is computed."""
    tamper(path, lambda model: model.graph.node[0].input.append("nothing"))
    with pytest.raises(InvalidFile, match="no valid ONNX file") as caught:
        verify(path, description, points=points)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path, description, points):
    """Nothing to verify is one line."""
    with pytest.raises(InvalidFile, match="Received: "):
        verify(tmp_path / "nowhere.onnx", description, points=points)


def test_difference_is_relative_above_one():
    """Differences count relative to values above one, absolute below."""
    assert difference(np.array([100.0]), np.array([101.0])) == pytest.approx(1 / 101)
    assert difference(np.array([0.1]), np.array([0.2])) == pytest.approx(0.1)
    assert difference(np.array([np.inf]), np.array([0.2])) == np.inf
    assert difference(np.zeros(2), np.zeros(3)) == np.inf
    assert difference(np.zeros(0), np.zeros(0)) == 0.0


def test_write_replaces(tmp_path, description):
    """Writing again replaces the file, with the same bytes, and leaves nothing else."""
    model, path = surrogate_model(description, metadata={}), tmp_path / "likelihood.onnx"
    path.write_bytes(b"an older file")
    write(model, path)
    first = path.read_bytes()
    write(model, str(path))
    assert path.read_bytes() == first == model.SerializeToString()
    assert os.listdir(tmp_path) == ["likelihood.onnx"]


def test_full_disk_leaves_the_old_file(tmp_path, description, monkeypatch):
    """A disk that fills up half way is one line; the old file stays, no half of the new."""
    path = tmp_path / "likelihood.onnx"
    path.write_bytes(b"an older file")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidFile, match=r"\(No space left on device\). Received: ") as caught:
        write(surrogate_model(description, metadata={}), path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"an older file"
    assert os.listdir(tmp_path) == ["likelihood.onnx"]


def test_a_file_in_place_of_the_folder(tmp_path, description):
    """A folder that cannot be is one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidFile, match="cannot write the file"):
        write(surrogate_model(description, metadata={}), tmp_path / "file" / "likelihood.onnx")


def test_the_uncertainty_of_an_ensemble_is_verified(make_description, publish, scatter):
    """Another factor in the file than in the surrogate is named; a single network has none
    to be verified."""
    description = make_description(members=3)
    path, points = publish(description), scatter(description)
    other = PublishedLikelihood.open(path)
    assert other.has_uncertainty
    right = verify(path, description, points=points, uncertainty=other.uncertainty)
    assert right.passed
    assert "uncertainty" in {check.name for check in right.checks}
    tamper(path, scale_constant("uncertainty/variance/operand_1", 1.1))
    assert failures(verify(path, description, points=points, uncertainty=other.uncertainty)) == {
        "uncertainty"
    }
    single = make_description()
    with pytest.raises(InvalidInput, match="single network"):
        PublishedLikelihood.open(publish(single)).uncertainty(points)
