"""Training on gradients: the loss is what it says, and gradients teach."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from dnnlik.surrogate.baseline import expansion
from dnnlik.surrogate.data import Points, training_data
from dnnlik.surrogate.network import build_network
from dnnlik.surrogate.objective import GradientTrainer, trainer
from dnnlik.surrogate.settings import TrainingSettings

WIDTH = 3


def data_of(count, *, seed=0, slopes=True):
    """Points of y = sin(x0) x1 + x2² / 2, with their slopes."""
    x = np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)
    y = np.sin(x[:, 0]) * x[:, 1] + 0.5 * x[:, 2] ** 2
    g = np.stack([np.cos(x[:, 0]) * x[:, 1], np.sin(x[:, 0]), x[:, 2]], axis=1)
    ones = np.ones(count, dtype=np.float32)
    return Points(inputs=x, targets=y, weights=ones, slopes=g if slopes else None)


@pytest.mark.parametrize("knee", [None, 0.5, 2.0])
def test_one_step_descends_the_stated_loss(knee):
    """A step of plain gradient descent moves the weights by the rate times the derivative
    of ⟨w [(f-y)² + λ|∇f-g|²/(1+|g|²/k²)]⟩, here by finite differences in one weight."""
    data, rate = data_of(32), 1e-2
    network = build_network(WIDTH, (4,), seed=1)
    model, targets = trainer(network, data, gradient_weight=0.7, knee=knee)
    assert isinstance(model, GradientTrainer)
    length = np.linalg.norm(data.slopes, axis=1)
    steep = 1.0 if knee is None else 1 + (length / (knee * np.median(length))) ** 2
    weight = 0.7 / np.mean(length**2 / steep)

    def loss(kernel):
        copy = build_network(WIDTH, (4,), seed=1, dtype="float64")
        copy.set_weights([kernel, *(np.float64(w) for w in network.get_weights()[1:])])
        x = tf.constant(data.inputs, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = copy(x)[:, 0]
        slope = tape.gradient(value, x)
        square = (value - data.targets) ** 2
        slope_error = tf.reduce_sum((slope - data.slopes) ** 2, axis=1) / steep
        return float(tf.reduce_mean(square + weight * slope_error))

    kernel = np.float64(network.get_weights()[0])
    step = np.zeros_like(kernel)
    step[1, 2] = 1e-5
    expected = (loss(kernel + step) - loss(kernel - step)) / 2e-5
    model.compile(keras.optimizers.SGD(rate))
    model.fit(data.inputs, targets, sample_weight=data.weights, batch_size=32, verbose=0)
    moved = network.get_weights()[0][1, 2] - kernel[1, 2]
    assert moved == pytest.approx(-rate * expected, rel=1e-3)


def test_without_slopes_the_network_itself_is_trained():
    """No gradients in the samples, or no weight for them: Keras' own loop on values."""
    network = build_network(WIDTH, (4,))
    assert trainer(network, data_of(8, slopes=False), 1.0)[0] is network
    assert trainer(network, data_of(8), 0.0)[0] is network


def test_equal_gradients_have_no_knee():
    """Where all gradients are as long, a knee changes nothing: the loss is relative to that
    of a flat network."""
    data = dataclasses.replace(data_of(8), slopes=np.full((8, WIDTH), 3.0))
    with_knee, targets = trainer(build_network(WIDTH, (4,)), data, 1.0, knee=0.5)
    without, _ = trainer(build_network(WIDTH, (4,)), data, 1.0)
    losses = []
    for model in (with_knee, without):
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(data.inputs, targets, sample_weight=data.weights, batch_size=8, verbose=0)
        losses.append(model.network.get_weights()[0])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4, atol=1e-6)


def chained(count, *, seed, width=10):
    """Points of y = Σ sin(x_i) x_{i+1}, and its slopes."""
    x = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    following, before = np.roll(x, -1, axis=1), np.roll(x, 1, axis=1)
    return x, np.sum(np.sin(x) * following, axis=1), np.cos(x) * following + np.sin(before)


def test_gradients_teach():
    """Where points are scarce, gradients end nearer to the truth between them (0.62 times
    the error here, with the default weight)."""
    x, y, g = chained(400, seed=0)
    elsewhere, truth, _ = chained(2000, seed=1)
    data = dataclasses.replace(data_of(400), inputs=x, targets=y, slopes=g)
    errors = {}
    for weight in (0.0, 4.0):
        network = build_network(10, (64, 64), seed=2)
        model, targets = trainer(network, data, weight)
        model.compile(keras.optimizers.Adam(2e-3), loss="mse")
        model.fit(
            x, targets, sample_weight=data.weights,
            batch_size=50, epochs=150, shuffle=False, verbose=0,
        )  # fmt: skip
        predicted = np.asarray(network(elsewhere))[:, 0]
        errors[weight] = float(np.sqrt(np.mean((predicted - truth) ** 2)))
    assert errors[4.0] < 0.75 * errors[0.0]


def test_slopes_are_derivatives_of_the_targets(small_run):
    """Moving a point by a small step changes its target by slope times step, in
    standardised units, with the baseline and without."""
    samples, likelihood = small_run.samples, small_run.likelihood
    for quadratic in (expansion(samples), None):
        data = training_data(samples, quadratic, TrainingSettings(precision="float64"))
        scaling, points = data.scaling, data.training
        point = points.inputs[:5] * scaling.input_scale + scaling.input_mean
        step = 1e-4 * scaling.input_scale * np.array([1.0, -0.5, 0.7])

        def target(x, quadratic=quadratic):
            value = likelihood.log_likelihood(x)
            if quadratic is not None:
                value = likelihood.log_main(x) - quadratic.value_of(x)
            return value

        change = (target(point + step) - target(point - step)) / 2 / scaling.output_scale
        expected = points.slopes[:5] @ (step / scaling.input_scale)
        np.testing.assert_allclose(change, expected, rtol=2e-3, atol=1e-8)
