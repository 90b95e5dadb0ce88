"""A surrogate where a likelihood stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.typing import DifferentiableLogDensity, LogDensity


def selu(x):
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def forward(network, points):
    """The network in plain NumPy."""
    values = (points - network.input_mean) / network.input_scale
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        values = selu(values @ weight + bias)
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
    wanted = forward(description.network, points)
    if description.quadratic is not None:
        wanted = wanted + description.quadratic.value_of(points)
    if description.adds_constraint:
        wanted = wanted + description.parameters.log_constraint(points)
    np.testing.assert_allclose(surrogate.log_likelihood(points), wanted, rtol=1e-12)
    value, _ = surrogate.value_and_gradient(points)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_the_gradient_is_the_finite_difference(surrogate, points):
    """Central differences of log_likelihood; SELU has a kink, which few points hit."""
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
