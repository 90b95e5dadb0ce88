"""A surrogate where a likelihood stands."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import fit
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.surrogate.description import Domain, Network, Quadratic, SurrogateDescription
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.typing import DifferentiableLogDensity, LogDensity


def selu(x):
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


ACTIVE = {"selu": selu, "silu": lambda x: x / (1 + np.exp(-x)), "tanh": np.tanh}


def forward(network, points):
    """The network in plain NumPy."""
    standardised = (points - network.input_mean) / network.input_scale
    values = np.hstack([standardised, network.bends.of(points)])
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        values = ACTIVE[network.activation](values @ weight + bias)
    last = (values @ network.weights[-1] + network.biases[-1])[:, 0]
    return network.output_mean + network.output_scale * last


@pytest.fixture(params=["trained", "trained_whole"])
def description(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def surrogate(description):
    return SurrogateLikelihood(description)


@pytest.fixture
def points(samples):
    return samples.points[:: len(samples) // 150]


def test_the_value_is_the_forward_pass(description, surrogate, points):
    """Network, quadratic and constraint summed in NumPy, to twelve digits."""
    points = np.concatenate([points, 3 * points])  # some of them beyond the edges
    seen = points if description.edges is None else np.clip(points, *description.edges)
    assert (seen != points).any() == (description.quadratic is not None)
    wanted = forward(description.networks[0], seen)
    if description.quadratic is not None:
        wanted = wanted + description.quadratic.value_of(points)
    if description.adds_constraint:
        wanted = wanted + description.parameters.log_constraint(points)
    np.testing.assert_allclose(surrogate.log_likelihood(points), wanted, rtol=1e-12)
    value, _ = surrogate.value_and_gradient(points)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_the_gradient_is_the_finite_difference(surrogate, points):
    """Central differences of log_likelihood; SELU has a kink, which few points hit, and the
    edge of the box has one: its own points are left out."""
    domain = surrogate.description.domain
    points = points[((points > domain.lower) & (points < domain.upper)).all(axis=1)]
    _, gradient = surrogate.value_and_gradient(points)
    for column, step in enumerate(1e-6 * np.eye(3)):
        up, down = (surrogate.log_likelihood(points + s * step) for s in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-6, gradient[:, column], atol=2e-6, rtol=1e-6)


def test_it_is_a_log_density(surrogate, points):
    """The protocol with gradients; main + constraint = likelihood, + prior = density."""
    assert isinstance(surrogate, LogDensity)
    assert isinstance(surrogate, DifferentiableLogDensity)
    total = surrogate.log_main(points) + surrogate.log_constraint(points)
    np.testing.assert_allclose(surrogate.log_likelihood(points), total, rtol=1e-12)
    np.testing.assert_allclose(
        surrogate.log_density(points), total + surrogate.log_prior(points), rtol=1e-12
    )
    outside = surrogate.parameters.inits[None] * [-1, 1, 1]
    assert surrogate.log_density(outside).tolist() == [-math.inf]


def test_without_the_network_it_is_the_quadratic(trained, points):
    """The baseline alone, its constraint still added in closed form."""
    alone = SurrogateLikelihood(trained, with_network=False)
    wanted = trained.quadratic.value_of(points)
    np.testing.assert_allclose(alone.log_main(points), wanted, rtol=1e-12)
    constraint = trained.parameters.log_constraint(points)
    np.testing.assert_allclose(alone.log_likelihood(points), wanted + constraint, rtol=1e-12)


def test_what_differs_has_another_digest(trained, trained_whole):
    """Surrogates of the same samples are different likelihoods, so that neither
    takes a sample file of the other for its own; opened again it is the same one."""
    likelihoods = [
        SurrogateLikelihood(trained),
        SurrogateLikelihood(trained, with_network=False),
        SurrogateLikelihood(trained_whole),
    ]
    assert len({likelihood.digest for likelihood in likelihoods}) == 3
    assert all(len(likelihood.digest) == 64 for likelihood in likelihoods)
    assert SurrogateLikelihood(trained).digest == likelihoods[0].digest


def test_the_tensor_function_is_part_of_larger_programs(description, points):
    """First evaluated inside a trace, compiled, and differentiated twice: the same values
    as outside, and the Hessian-vector product."""
    inside, outside = SurrogateLikelihood(description), SurrogateLikelihood(description)
    vector = np.array([1.0, -0.5, 0.2])

    @tf.function(jit_compile=True, autograph=False)
    def whole(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = inside.log_main_tensor(x)
            slope = tf.linalg.matvec(inner.gradient(value, x), tf.constant(vector))
        return value, outer.gradient(slope, x)

    value, product = whole(tf.constant(points))
    np.testing.assert_allclose(value, outside.log_main(points), rtol=1e-12)
    vectors = np.tile(vector, (len(points), 1))
    # That of the whole likelihood has the constraints' own, which are normal here.
    constraint = -description.parameters.constraint_terms.precision * vector
    wanted = outside.hessian_vector(points, vectors) - constraint
    np.testing.assert_allclose(product, wanted, rtol=1e-9, atol=1e-9)


def test_rounding_changes_little_and_is_another_likelihood(description, points):
    """No rounding is the network itself; a small one moves values by less than it does the
    slopes of a unit, in units of the target; each has its digest."""
    exact, rounded = (SurrogateLikelihood(description, rounding=w) for w in (0.0, 1e-6))
    (network,) = description.networks
    scale = network.output_scale
    if network.activation != "selu":  # nothing to be rounded
        np.testing.assert_array_equal(exact.log_main(points), rounded.log_main(points))
        return
    difference = exact.log_main(points) - rounded.log_main(points)
    assert 0 < np.abs(difference).max() < 1e-4 * scale
    assert exact.digest == SurrogateLikelihood(description).digest
    assert exact.digest != rounded.digest


@pytest.mark.parametrize("width", [-0.1, math.inf, math.nan])
def test_a_rounding_is_a_width(width, trained):
    """Neither negative nor infinite."""
    with pytest.raises(InvalidInput, match="Received: "):
        SurrogateLikelihood(trained, rounding=width)


@pytest.fixture(scope="module")
def ensemble(trained, samples):
    """Three networks: the trained one and two that differ by known amounts."""
    (network,) = trained.networks
    others = [replace(network, output_mean=network.output_mean + x) for x in (0.3, 0.9)]
    return replace(trained, networks=(network, *others), uncertainty_factor=2.0)


def test_an_ensemble_is_the_mean_and_knows_the_spread(ensemble, trained, points):
    """Members at +0, +0.3 and +0.9: the value moves by their mean, the uncertainty is
    twice the standard deviation of the three with n - 1."""
    single, several = SurrogateLikelihood(trained), SurrogateLikelihood(ensemble)
    np.testing.assert_allclose(
        several.log_likelihood(points), single.log_likelihood(points) + 0.4, rtol=1e-12
    )
    wanted = 2 * np.std([0.0, 0.3, 0.9], ddof=1)
    np.testing.assert_allclose(several.uncertainty(points), wanted, rtol=1e-9)
    _, gradient = several.value_and_gradient(points)
    np.testing.assert_allclose(gradient, single.value_and_gradient(points)[1], rtol=1e-9, atol=1e-9)
    assert several.digest != single.digest


def test_one_network_knows_no_uncertainty(trained, points):
    """One line that says what to do."""
    with pytest.raises(InvalidInput, match=r"--members. Received: one network"):
        SurrogateLikelihood(trained).uncertainty(points)


def test_a_fit_does_not_run_away_beyond_the_box():
    """A network that rises in a straight line, steeper than the quadratic falls as far as
    its box: outside of the box the quadratic alone leads back to its edge."""
    one, line = np.ones(1), np.ones((1, 1))
    rising = Network((0.2 * line, line), (0 * one, 0 * one), 0 * one, one, 0.0, 10.0, "selu")
    description = SurrogateDescription(
        ParameterSet([Parameter("mu", 0, (-50, 50), poi=True)]),
        adds_constraint=True,
        quadratic=Quadratic(0 * one, 0.0, 0 * one, -line),
        networks=(rising,),
        domain=Domain(-1.5 * one, 1.5 * one, 0 * one, line, 9.0),
        settings={},
        provenance={},
    )
    surrogate = SurrogateLikelihood(description)
    points = np.array([[-40.0], [1.6], [10.0], [40.0]])
    _, gradient = surrogate.value_and_gradient(points)
    np.testing.assert_allclose(gradient, -points)  # the quadratic alone
    best = fit(surrogate, start=np.array([30.0]))
    assert best.point[0] == pytest.approx(1.5, abs=1e-3)  # the slope 2.1 inside ends there
