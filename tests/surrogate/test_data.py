"""What a network is trained on: the split, the scaling, the weights, the domain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.exceptions import InvalidFile
from dnnlik.surrogate.baseline import expansion
from dnnlik.surrogate.data import drawn, split, training_data
from dnnlik.surrogate.domain import domain_of
from dnnlik.surrogate.settings import TrainingSettings


def test_every_row_has_one_use(samples):
    """Training, validation and test are disjoint and complete, in about 75:10:15."""
    parts = split(samples)
    uses = np.stack([parts.train, parts.validation, parts.test])
    assert (uses.sum(axis=0) == 1).all()
    np.testing.assert_allclose(uses.mean(axis=1), [0.75, 0.10, 0.15], atol=0.05)


def test_whole_walkers_are_held_out(samples):
    """No walker of any chain has rows in two of the three uses."""
    parts = split(samples)
    walkers = samples.chain.astype(int) * 10_000 + samples.walker
    uses = [set(walkers[part]) for part in (parts.train, parts.validation, parts.test)]
    assert all(uses)
    assert len(set.union(*uses)) == sum(len(use) for use in uses)


def test_every_chain_and_strategy_has_every_use(samples):
    """Two ensembles and the profile each train, validate and test."""
    parts = split(samples)
    for part in (parts.train, parts.validation, parts.test):
        assert set(samples.chain[part]) == {0, 1, 2}


def test_the_split_is_always_the_same(samples, samples_file):
    """Read again, split again: the same rows."""
    again = split(type(samples).open(samples_file))
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(again, name), getattr(split(samples), name))


PLAIN = TrainingSettings(peak_weight=0.0)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("baseline", [True, False])
def test_standardisation(samples, baseline, precision):
    """Zero mean and unit width of the training rows; validation rows by the same scaling;
    undone, the targets are log_main less the quadratic, or all of the log-likelihood."""
    quadratic = expansion(samples) if baseline else None
    data = training_data(samples, quadratic, replace(PLAIN, precision=precision))
    training, scaling = data.training, data.scaling
    np.testing.assert_allclose(training.inputs.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(training.inputs.std(axis=0), 1, rtol=1e-4)
    assert training.targets.mean() == pytest.approx(0, abs=1e-4)
    assert training.targets.std() == pytest.approx(1, rel=1e-4)
    parts = split(samples)
    target = samples.log_likelihood
    if baseline:
        target = samples.log_main - quadratic.value_of(samples.points)
    for part, scaled in ((parts.train, training), (parts.validation, data.validation)):
        points = scaled.inputs * scaling.input_scale + scaling.input_mean
        np.testing.assert_allclose(points, samples.points[part], atol=1e-5)
        undone = scaled.targets * scaling.output_scale + scaling.output_mean
        np.testing.assert_allclose(undone, target[part], atol=1e-5 * np.ptp(target))
        assert scaled.inputs.dtype == scaled.targets.dtype == np.dtype(precision)


def test_inputs_as_they_are(samples):
    """Without standardising, the inputs are the parameters; the target still is scaled."""
    data = training_data(samples, None, replace(PLAIN, standardise=False, precision="float64"))
    np.testing.assert_array_equal(data.training.inputs, samples.points[split(samples).train])
    assert data.training.targets.std() == pytest.approx(1, rel=1e-9)


def test_a_constant_parameter_is_not_divided_by_zero(samples):
    """A parameter that never moved keeps scale one."""
    points = samples.points.copy()
    points[:, 1] = 0.25
    data = training_data(replace(samples, points=points), None, PLAIN)
    assert data.scaling.input_scale[1] == 1.0
    assert not data.training.inputs[:, 1].any()


def test_weights(samples):
    """1 + w exp(-Δ/5) over its mean over the rows; equal without peak weight."""
    even = training_data(samples, None, PLAIN)
    assert set(even.training.weights) == set(even.validation.weights) == {np.float32(1)}
    data = training_data(samples, None, replace(PLAIN, peak_weight=20.0))
    drop = samples.log_likelihood.max() - samples.log_likelihood
    wanted = (1 + 20 * np.exp(-drop / 5))[split(samples).train]
    np.testing.assert_allclose(data.training.weights, wanted / wanted.mean(), rtol=1e-5)


def test_a_draw_is_of_whole_training_walkers(samples):
    """So many of the training walkers with all their rows, no others; the seed decides;
    all of them are the training rows."""
    train = split(samples).train
    walkers = samples.chain.astype(int) * 10_000 + samples.walker
    rows = drawn(samples, 0.7, seed=1)
    assert not (rows & ~train).any()
    kept, present = np.unique(walkers[rows]), np.unique(walkers[train])
    assert kept.size == round(0.7 * present.size)
    np.testing.assert_array_equal(rows, train & np.isin(walkers, kept))
    assert not np.array_equal(rows, drawn(samples, 0.7, seed=2))
    np.testing.assert_array_equal(drawn(samples, 1.0, seed=1), train)


@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize("column", ["points", "log_main", "log_constraint"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_what_is_not_finite_is_refused(samples, baseline, column, value):
    """One bad number in points or log terms is one line that counts it."""
    bad = getattr(samples, column).copy()
    bad[17] = value
    quadratic = expansion(samples) if baseline else None
    with pytest.raises(InvalidFile, match="Received: 1 points") as caught:
        training_data(replace(samples, **{column: bad}), quadratic, PLAIN)
    assert "\n" not in str(caught.value)


def test_the_domain_holds_what_was_trained_on(samples):
    """Every training point is inside; points far out in any direction are not."""
    domain = domain_of(samples)
    train = samples.points[split(samples).train]
    shrunk = domain.centre + (1 - 1e-12) * (train - domain.centre)
    assert domain.contains(shrunk).all()
    assert domain.contains(samples.points).mean() > 0.97
    width = train.std(axis=0)
    for direction in np.vstack([np.eye(3), -np.eye(3)]):
        assert not domain.contains((domain.centre + 12 * width * direction)[None])[0]


def test_corners_of_the_box_are_outside(samples):
    """Within every range by itself, yet far from the posterior taken together."""
    domain = domain_of(samples)
    corners = np.array(np.meshgrid(*zip(domain.lower, domain.upper, strict=True)))
    inside = domain.contains(corners.reshape(3, -1).T)
    assert not inside.all()


def test_the_ellipsoid_has_the_shape_of_the_posterior(samples):
    """Its precision is the inverse covariance (NumPy) of the unbiased training rows."""
    domain = domain_of(samples)
    train = samples.points[split(samples).train & samples.unbiased]
    wanted = np.linalg.inv(np.cov(train, rowvar=False, ddof=0))
    np.testing.assert_allclose(domain.precision, wanted, rtol=1e-9)
    np.testing.assert_array_equal(domain.precision, domain.precision.T)
