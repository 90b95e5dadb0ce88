"""The exact likelihood as a graph is pyhf's, with the gradient of the tensor program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from generated_workspaces import (
    ALL_CODES,
    EXAMPLE,
    assert_same,
    codes,
    likelihood_of,
    pyhf_model,
    random_points,
    workspaces,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

from dnnlik.onnx.exact import exact_model

NAMES = ["log_likelihood", "log_constraint", "gradient", "in_domain"]


def run(model, points):
    """The outputs of ONNX Runtime by name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return dict(zip(NAMES, session.run(NAMES, {"parameters": points}), strict=True))


@settings(max_examples=40)
@given(workspace=workspaces(), codes=codes, seed=st.integers(0, 2**32 - 1))
def test_every_workspace_is_what_pyhf_makes_of_it(workspace, codes, seed):
    """Generated workspaces with any modifiers: pyhf's log-likelihood to 1e-9, the closed form
    of the constraints, and the bounds as domain."""
    model, data = pyhf_model(workspace, *codes)
    likelihood = likelihood_of(workspace, *codes)
    points = random_points(likelihood.parameters, seed)
    found = run(exact_model(likelihood.description, metadata={}), points)
    assert_same(found["log_likelihood"], likelihood, model, data, points)
    wanted = likelihood.log_constraint(points)
    np.testing.assert_allclose(found["log_constraint"], wanted, rtol=1e-12, atol=1e-12)
    assert found["in_domain"].all()


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_the_gradient_is_that_of_the_tensor_program(codes):
    """With each pair of codes, at kinks and at μ = 0 too, and where a rate is negative."""
    likelihood = likelihood_of(EXAMPLE, *codes)
    parameters = likelihood.parameters
    points = random_points(parameters, seed=3, size=24)
    points[1, parameters.index("mu")] = 0.0
    points[2, parameters.index("fakes[0]")] = -1.0
    points[3, parameters.index("alpha")] = 1.0
    found = run(exact_model(likelihood.description, metadata={}), points)
    value, gradient = likelihood.value_and_gradient(points)
    np.testing.assert_allclose(found["log_likelihood"], value, rtol=1e-12)
    possible = np.isfinite(value)
    assert possible.sum() > 12
    assert not possible[2]
    np.testing.assert_allclose(
        found["gradient"][possible], gradient[possible], rtol=1e-10, atol=1e-10
    )
    assert np.isfinite(found["gradient"]).all()
    assert found["in_domain"].tolist() == parameters.inside(points).tolist()


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_the_reference_evaluator_agrees(codes):
    """onnx's own evaluator gives the same four outputs."""
    likelihood = likelihood_of(EXAMPLE, *codes)
    model = exact_model(likelihood.description, metadata={})
    onnx.checker.check_model(model, full_check=True)
    points = random_points(likelihood.parameters, seed=5)
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = ReferenceEvaluator(model).run(NAMES, {"parameters": points})
    for found, expected in zip(run(model, points).values(), wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_model_without_systematics_is_a_graph_too():
    """One bin, one signal strength: n ln λ - λ - ln n! and its slope, by hand."""
    workspace = {
        "channels": [{"name": "SR", "samples": [
            {"name": "signal", "data": [4.0],
             "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
            {"name": "background", "data": [10.0], "modifiers": []},
        ]}],
        "observations": [{"name": "SR", "data": [12.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }  # fmt: skip
    likelihood = likelihood_of(workspace, "code4", "code4p")
    found = run(exact_model(likelihood.description, metadata={}), np.array([[0.5], [-9.0], [20.0]]))
    log_factorial = np.log(np.arange(1, 13)).sum()
    wanted = [12 * np.log(12.0) - 12 - log_factorial, -np.inf, 12 * np.log(90) - 90 - log_factorial]
    np.testing.assert_allclose(found["log_likelihood"], wanted, rtol=1e-12)
    np.testing.assert_allclose(found["gradient"][:, 0], [0.0, 0.0, 4 * 12 / 90 - 4], atol=1e-12)
    assert found["in_domain"].tolist() == [True, False, False]
    assert not found["log_constraint"].any()


def test_bytes_repeat_and_carry_the_metadata():
    """Two builds are the same bytes; other counts are other bytes."""
    description = likelihood_of(EXAMPLE, "code4", "code4p").description
    first, second = (exact_model(description, metadata={"a": "1"}) for _ in range(2))
    assert _bytes(first) == _bytes(second)
    assert {p.key: p.value for p in first.metadata_props} == {"a": "1"}
    other = replace(description, observed=description.observed + 1)
    assert _bytes(exact_model(other, metadata={"a": "1"})) != _bytes(first)
    assert first.doc_string.startswith("An exact likelihood")


def _bytes(model):
    return model.SerializeToString(deterministic=True)
