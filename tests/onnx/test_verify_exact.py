"""The verification of an exact graph passes the right file and fails each kind of wrong one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from generated_workspaces import EXAMPLE, likelihood_of, random_points

from dnnlik.exceptions import InvalidFile, NotGoodEnough
from dnnlik.histfactory.independent import independent_likelihood
from dnnlik.onnx.checks import require
from dnnlik.onnx.exact import exact_model
from dnnlik.onnx.exact_metadata import exact_properties
from dnnlik.onnx.verify import write
from dnnlik.onnx.verify_exact import Expected, verify_exact


@pytest.fixture(scope="module")
def likelihood():
    return likelihood_of(EXAMPLE, "code4", "code4p")


@pytest.fixture(scope="module")
def expected(likelihood):
    """pyhf's values and the gradients of the tensor program; one point is impossible."""
    points = random_points(likelihood.parameters, seed=1, size=20)
    points[3, likelihood.parameters.index("fakes[0]")] = -30.0
    value = independent_likelihood(EXAMPLE).values(likelihood.all_parameters(points))
    gradient = likelihood.value_and_gradient(points)[1]
    return Expected(points, value, gradient, "pyhf", "TensorFlow")


@pytest.fixture(scope="module")
def path(likelihood, tmp_path_factory):
    return written(likelihood.description, tmp_path_factory.mktemp("exact") / "likelihood.onnx")


def written(description, path):
    properties = exact_properties(
        description.parameters,
        accuracy={}, settings={}, provenance={}, author="A", license="MIT",
    )  # fmt: skip
    write(exact_model(description, metadata=properties), path)
    return path


def test_the_right_file_passes(path, likelihood, expected):
    """All five checks, at the points where pyhf has an answer."""
    found = verify_exact(path, likelihood.parameters, expected)
    assert found.passed
    assert [c.name for c in found.checks] == [
        "reference", "constraint", "domain", "expected", "gradient",
    ]  # fmt: skip
    assert 10 < found.points == np.isfinite(expected.log_likelihood).sum() < 20
    assert found.message.startswith("the published file agrees with its workspace at")
    require(found)


def test_a_file_of_other_data_fails_by_its_values(likelihood, expected, tmp_path):
    """One count more: values and gradients differ, constraint and domain do not."""
    other = replace(likelihood.description, observed=likelihood.description.observed + 1)
    found = verify_exact(written(other, tmp_path / "x.onnx"), likelihood.parameters, expected)
    assert {c.name for c in found.checks if not c.passed} == {"expected", "gradient"}
    with pytest.raises(NotGoodEnough, match=r"workspace\. Received: .* pyhf \("):
        require(found)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({"log_likelihood": lambda e: e.log_likelihood + 1e-6}, {"expected"}),
        ({"gradient": lambda e: e.gradient[:, ::-1]}, {"gradient"}),
        ({"log_likelihood": lambda e: np.full(20, np.nan)}, {"expected", "gradient"}),
    ],
)
def test_what_differs_is_named(path, likelihood, expected, changes, failed):
    """Values, gradients, or no answer at all."""
    moved = replace(expected, **{name: change(expected) for name, change in changes.items()})
    found = verify_exact(path, likelihood.parameters, moved)
    assert {check.name for check in found.checks if not check.passed} == failed


def test_other_parameters_are_refused(path, likelihood, expected):
    """A file that was made for another order of the parameters is no comparison."""
    names = likelihood.parameters.names[::-1]
    with pytest.raises(InvalidFile, match="must hold the parameters"):
        verify_exact(path, likelihood.parameters.reordered(names), expected)
