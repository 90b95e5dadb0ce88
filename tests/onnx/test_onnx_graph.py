"""The graph computes what its description says, with its exact derivative."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator

from dnnlik.exceptions import InvalidInput
from dnnlik.onnx.graph import surrogate_model
from dnnlik.parameters import Normal, Poisson
from dnnlik.surrogate.description import ACTIVATIONS, Ceiling
from dnnlik.surrogate.likelihood import SurrogateLikelihood

NAMES = ["log_likelihood", "log_constraint", "gradient", "in_domain"]
KINDS = [
    pytest.param(size, layers, quadratic, adds, id=f"{size}-{layers}-{quadratic}-{adds}")
    # Of one parameter: arrays of one number are scalars to ONNX Runtime.
    for size, layers in [(1, (8,)), (2, (8,)), (3, (8,)), (4, (16, 8)), (6, (16, 8))]
    for quadratic in (True, False)
    for adds in (True, False)
]


def run(model, points):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    names = [output.name for output in session.get_outputs()]
    assert names[: len(NAMES)] == NAMES
    return dict(zip(names, session.run(names, {"parameters": points}), strict=True))


def selu(x):
    return 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x))


def forward(network, point):
    """The network at one point, unit by unit."""
    values = [
        (x - m) / s for x, m, s in zip(point, network.input_mean, network.input_scale, strict=True)
    ]
    for k, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        sums = [
            bias[j] + sum(v * weight[i, j] for i, v in enumerate(values)) for j in range(bias.size)
        ]
        values = sums if k == len(network.weights) - 1 else [selu(x) for x in sums]
    return network.output_mean + network.output_scale * values[0]


def constraint(parameters, point):
    return sum(
        item.constraint.log_density(value)
        for item, value in zip(parameters, point, strict=True)
        if item.constraint is not None
    )


@pytest.mark.parametrize(("size", "layers", "quadratic", "adds"), KINDS)
def test_values_are_the_sum_of_the_parts(make_description, scatter, size, layers, quadratic, adds):
    """log_likelihood is network + quadratic + constraint, each computed one by one."""
    description = make_description(size, layers, quadratic, adds)
    points = scatter(description, n=12, spread=1.5)
    found = run(surrogate_model(description, metadata={}), points)
    wanted = np.array([constraint(description.parameters, point) for point in points])
    np.testing.assert_allclose(found["log_constraint"], wanted, rtol=1e-12)
    seen = np.clip(points, *description.edges) if quadratic else points
    assert (seen != points).any() == quadratic
    total = np.array([forward(description.networks[0], point) for point in seen])
    if quadratic:
        total += description.quadratic.value_of(points)
    np.testing.assert_allclose(found["log_likelihood"], total + (wanted if adds else 0), rtol=1e-11)


@pytest.mark.parametrize(("size", "layers", "quadratic", "adds"), KINDS)
def test_gradient_is_the_derivative(make_description, scatter, size, layers, quadratic, adds):
    """The gradient agrees with central differences of log_likelihood."""
    description = make_description(size, layers, quadratic, adds)
    points = scatter(description, n=10, spread=0.2)
    model = surrogate_model(description, metadata={})
    gradient = run(model, points)["gradient"]
    for column in range(size):
        step = np.zeros(size)
        step[column] = 1e-6
        up, down = (run(model, points + sign * step)["log_likelihood"] for sign in (1, -1))
        np.testing.assert_allclose(gradient[:, column], (up - down) / 2e-6, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("members", [1, 2])
def test_gradient_is_the_derivative_beyond_the_edges(make_description, scatter, members):
    """So it is far outside of the box, where the networks stay as they are at its edge."""
    description = make_description(5, bends=True, members=members)
    points = scatter(description, n=200, spread=3.0)
    lower, upper = description.edges
    assert ((points < lower) | (points > upper)).any(axis=1).mean() > 0.9
    model = surrogate_model(description, metadata={})
    found = run(model, points)
    kept = np.isfinite(found["log_likelihood"])
    assert kept.sum() > 20
    for column in range(5):
        step = np.zeros(5)
        step[column] = 1e-6
        up, down = (run(model, points[kept] + sign * step)["log_likelihood"] for sign in (1, -1))
        slope, wanted = found["gradient"][kept, column], (up - down) / 2e-6
        np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("members", [1, 2])
def test_nothing_is_above_the_ceiling(make_description, scatter, members):
    """Values are those without it, or on it; the gradient is the derivative on either side."""
    free = make_description(5, members=members)
    points = scatter(free, n=200, spread=1.5)
    before = run(surrogate_model(free, metadata={}), points)
    baseline = before["log_constraint"] + free.quadratic.value_of(points)
    possible = np.isfinite(baseline)
    offset = float(np.median(before["log_likelihood"][possible] - 0.6 * baseline[possible]))
    ceiling = Ceiling(0.6, offset)
    model = surrogate_model(replace(free, ceiling=ceiling), metadata={})
    found = run(model, points)
    room = 0.6 * baseline + offset
    above = before["log_likelihood"][possible] > room[possible]
    assert 0.3 < above.mean() < 0.7
    wanted = np.where(possible, np.minimum(before["log_likelihood"], room), -np.inf)
    np.testing.assert_allclose(found["log_likelihood"], wanted, rtol=1e-11)
    held = SurrogateLikelihood(replace(free, ceiling=ceiling))
    np.testing.assert_allclose(held.log_likelihood(points), wanted, rtol=1e-11)
    kept = points[possible]
    for column in range(5):
        step = np.zeros(5)
        step[column] = 1e-6
        up, down = (run(model, kept + sign * step)["log_likelihood"] for sign in (1, -1))
        slope = found["gradient"][possible, column]
        near = np.isfinite(up) & np.isfinite(down)
        np.testing.assert_allclose(slope[near], (up - down)[near] / 2e-6, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("size", "layers", "quadratic", "adds"), KINDS)
def test_reference_evaluator_agrees(make_description, scatter, size, layers, quadratic, adds):
    """ONNX Runtime and onnx's own evaluator give the same four outputs."""
    description = make_description(size, layers, quadratic, adds)
    model = surrogate_model(description, metadata={})
    points = scatter(description)
    with np.errstate(divide="ignore", invalid="ignore"):  # ln of impossible rates
        wanted = ReferenceEvaluator(model).run(NAMES, {"parameters": points})
    for found, expected in zip(run(model, points).values(), wanted, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_full_check_opset_and_ir(make_description):
    """The model passes onnx's full check and stays readable for old runtimes."""
    model = surrogate_model(make_description(), metadata={"dnnlik.schema": '"1.0"'})
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 15)]
    (entry,) = model.metadata_props
    assert (entry.key, entry.value) == ("dnnlik.schema", '"1.0"')
    shapes = {
        o.name: [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim]
        for o in [*model.graph.input, *model.graph.output]
    }
    assert shapes == {
        "parameters": ["batch", 5],
        "log_likelihood": ["batch"],
        "log_constraint": ["batch"],
        "gradient": ["batch", 5],
        "in_domain": ["batch"],
    }


def test_bytes_repeat(make_description):
    """Two builds of one description are the same bytes, whatever the metadata's order."""
    first = surrogate_model(make_description(), metadata={"a": "1", "b": "2"})
    second = surrogate_model(make_description(), metadata={"b": "2", "a": "1"})
    assert first.SerializeToString() == second.SerializeToString()


@pytest.mark.parametrize("far", [-1e3, 1e3, -1e6, 1e6])
def test_tails_are_finite(make_description, far):
    """Far outside, where exp would overflow, value and gradient stay finite."""
    description = make_description(size=2, layers=(16, 8))
    found = run(surrogate_model(description, metadata={}), np.full((1, 2), far))
    assert np.isfinite(found["log_likelihood"]).all()
    assert np.isfinite(found["gradient"]).all()
    assert not found["in_domain"].any()


def test_impossible_counts(make_description):
    """A negative Poisson rate, or rate zero under a positive count, has probability zero;
    rate zero under no count has probability one."""
    description = make_description(size=4)
    column = description.parameters.index
    points = np.tile(description.parameters.inits, (4, 1))
    points[0, column("gamma")] = -0.1
    points[1, column("gamma")] = 0.0
    points[2, column("empty bin")] = -0.1
    points[3, column("empty bin")] = 0.0
    found = run(surrogate_model(description, metadata={}), points)
    assert found["log_constraint"][:3].tolist() == [-np.inf] * 3
    assert found["log_likelihood"][:3].tolist() == [-np.inf] * 3
    rest = Normal(0.3, 1.7).log_density(0) + Poisson(12.5, 12.5).log_density(1)
    assert found["log_constraint"][3] == pytest.approx(rest, rel=1e-12)
    assert np.isfinite(found["gradient"][3]).all()


def test_constraint_gradient_follows_the_closed_form(make_description, scatter):
    """Adding the constraint changes the gradient by ConstraintTerms.gradient."""
    description = make_description(size=6)
    points = scatter(description, spread=0.2)
    model, rest = (
        surrogate_model(replace(description, adds_constraint=adds), metadata={})
        for adds in (True, False)
    )
    change = run(model, points)["gradient"] - run(rest, points)["gradient"]
    wanted = description.parameters.constraint_terms.gradient(points)
    np.testing.assert_allclose(change, wanted, rtol=1e-9, atol=1e-9)


def test_domain_is_box_and_ellipsoid_and_bounds(make_description, scatter):
    """in_domain is Domain.contains within the bounds, and both sides occur."""
    description = make_description(size=5)
    points = scatter(description, n=400, spread=0.8)
    found = run(surrogate_model(description, metadata={}), points)["in_domain"]
    wanted = description.domain.contains(points) & description.parameters.inside(points)
    np.testing.assert_array_equal(found, wanted)
    assert 20 < found.sum() < 380
    boxed = (points >= description.domain.lower) & (points <= description.domain.upper)
    assert (boxed.all(axis=1) & description.parameters.inside(points) & ~found).any()
    assert (description.domain.contains(points) & ~found).any()  # the bounds count too
    assert found.dtype == np.bool_


def test_nan_is_never_swallowed(make_description):
    """A NaN gives a NaN, outside the domain, also where the network stands alone."""
    description = make_description(size=3, quadratic=False, adds_constraint=False)
    points = np.tile(description.parameters.inits, (3, 1))
    np.fill_diagonal(points, np.nan)
    found = run(surrogate_model(description, metadata={}), points)
    assert np.isnan(found["log_likelihood"]).all()
    assert not found["in_domain"].any()


def test_empty_batch(make_description):
    """No points in, no values out."""
    found = run(surrogate_model(make_description(), metadata={}), np.empty((0, 5)))
    assert [value.shape for value in found.values()] == [(0,), (0,), (0, 5), (0,)]


def test_arrays_that_do_not_fit_are_refused(make_description):
    """Weights of the wrong shapes, no hidden layer and non-finite numbers are one line each."""
    description = make_description(size=3, layers=(8,))
    network = description.networks[0]
    wrong = replace(network, weights=(network.weights[0][:2], network.weights[1]))
    with pytest.raises(InvalidInput, match=r"\[\(3, 8\), \(8, 1\)\]. Received: \[\(2, 8\)"):
        surrogate_model(replace(description, networks=(wrong,)), metadata={})
    linear = replace(network, weights=(np.ones((3, 1)),), biases=(np.ones(1),))
    with pytest.raises(InvalidInput, match="at least one hidden layer"):
        surrogate_model(replace(description, networks=(linear,)), metadata={})
    diverged = replace(network, output_scale=math.nan)
    with pytest.raises(InvalidInput, match="Received: 1 that are not"):
        surrogate_model(replace(description, networks=(diverged,)), metadata={})


@pytest.mark.parametrize("bends", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_that_of_the_surrogate(make_description, scatter, activation, bends):
    """Value and gradient agree with the same network in TensorFlow, with bent inputs or
    without, far out as well."""
    description = make_description(activation=activation, bends=bends)
    surrogate = SurrogateLikelihood(description)
    for spread in (0.9, 300.0):
        points = scatter(description, spread=spread)
        found = run(surrogate_model(description, metadata={}), points)
        possible = np.isfinite(found["log_constraint"])
        value, gradient = surrogate.value_and_gradient(points[possible])
        np.testing.assert_allclose(found["log_likelihood"][possible], value, rtol=1e-10)
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(
            found["gradient"][possible], gradient, rtol=1e-9, atol=1e-11 * scale
        )


def test_an_ensemble_is_one_graph_with_its_uncertainty(make_description, scatter):
    """The mean of the members, each published alone, and the factor times their standard
    deviation; the gradient is the mean's."""
    description = make_description(members=3)
    points = scatter(description, n=20, spread=0.1)
    found = run(surrogate_model(description, metadata={}), points)
    alone = [
        run(surrogate_model(replace(description, networks=(network,)), metadata={}), points)
        for network in description.networks
    ]
    assert "uncertainty" not in alone[0]
    for name in ("log_likelihood", "gradient"):
        wanted = np.mean([each[name] for each in alone], axis=0)
        np.testing.assert_allclose(found[name], wanted, rtol=1e-11, atol=1e-11)
    spread = np.std([each["log_likelihood"] for each in alone], axis=0, ddof=1)
    assert description.uncertainty_factor == 1.7
    np.testing.assert_allclose(found["uncertainty"], 1.7 * spread, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_keras_network_converted_by_tf2onnx_agrees(make_description, scatter):
    """The same weights in Keras, converted by tf2onnx, give the same function (float32)."""
    import keras
    import tensorflow as tf
    import tf2onnx

    description = make_description(size=4, quadratic=False, adds_constraint=False)
    network = description.networks[0]
    inputs = keras.Input((4,), name="standardised")
    hidden = inputs
    for units in network.layers:
        hidden = keras.layers.Dense(units, activation="selu")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.set_weights(
        [array for pair in zip(network.weights, network.biases, strict=True) for array in pair]
    )
    signature = [tf.TensorSpec([None, 4], tf.float32, name="standardised")]
    converted, _ = tf2onnx.convert.from_keras(model, input_signature=signature, opset=15)
    session = onnxruntime.InferenceSession(converted.SerializeToString())
    points = scatter(description)
    standardised = ((points - network.input_mean) / network.input_scale).astype(np.float32)
    (output,) = session.run(None, {"standardised": standardised})
    wanted = network.output_mean + network.output_scale * output[:, 0]
    found = run(surrogate_model(description, metadata={}), points)["log_likelihood"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
