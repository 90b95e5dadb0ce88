"""The ceiling of a surrogate: what was learned is below it, what was not cannot rise above."""

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.inference import fit
from dnnlik.sampling import STRATEGIES
from dnnlik.surrogate.ceiling import MARGIN, ceiling_of
from dnnlik.surrogate.data import split
from dnnlik.surrogate.likelihood import SurrogateLikelihood


@pytest.fixture(scope="module")
def runaway(trained):
    """The same surrogate with a network that adds fifty times as much."""
    (network,) = trained.networks
    return replace(trained, networks=(replace(network, output_scale=50.0),), ceiling=None)


def baseline_of(description, points):
    return SurrogateLikelihood(description, with_network=False).log_likelihood(points)


def room_of(description, points):
    """Up to where a surrogate may rise."""
    ceiling = description.ceiling
    return ceiling.steepness * baseline_of(description, points) + ceiling.offset


def test_all_training_points_are_below(samples, trained):
    """By the margin, and by twice of it the best of them; one that is steeper has others above."""
    train = samples.rows(split(samples).train)
    gap = room_of(trained, train.points) - train.log_likelihood
    assert gap.min() > MARGIN - 1e-9
    assert gap[train.log_likelihood.argmax()] == pytest.approx(2 * MARGIN, rel=1e-9)
    assert 0.5 < trained.ceiling.steepness < 1
    assert gap.min() == pytest.approx(MARGIN, rel=1e-9)
    assert trained.ceiling == ceiling_of(samples, trained.quadratic)


def test_tempered_points_do_not_lift_it(samples, trained):
    """One that strayed far, where the truth is far above the quadratic, leaves it where it is;
    one of the posterior does not."""
    train = np.flatnonzero(split(samples).train)
    far = samples.log_main.copy()
    far[train[0]] += 100.0
    strategy = samples.strategy.copy()
    strategy[train[0]] = STRATEGIES.index("tempered")
    strayed = replace(samples, log_main=far, strategy=strategy)
    lifted = replace(samples, log_main=far)
    assert ceiling_of(strayed, trained.quadratic) == trained.ceiling
    assert ceiling_of(lifted, trained.quadratic) != trained.ceiling


def test_what_was_learned_stays(samples, trained):
    """No value at any point of the samples is another one than without the ceiling."""
    without = SurrogateLikelihood(replace(trained, ceiling=None))
    found = SurrogateLikelihood(trained).log_likelihood(samples.points)
    np.testing.assert_array_equal(found, without.log_likelihood(samples.points))


def test_nothing_is_above(trained, runaway):
    """Anywhere within the bounds; and what was above is at the ceiling."""
    rng = np.random.default_rng(4)
    parameters = trained.parameters
    points = rng.uniform(parameters.lower, parameters.upper, (4000, len(parameters)))
    free = SurrogateLikelihood(runaway).log_likelihood(points)
    held = SurrogateLikelihood(replace(runaway, ceiling=trained.ceiling))
    room = room_of(trained, points)
    assert 0.1 < np.mean(free > room) < 0.99
    np.testing.assert_allclose(held.log_likelihood(points), np.minimum(free, room), rtol=1e-12)


def test_fits_come_back(counting, trained, runaway):
    """Where the network rises without end, the ceiling leads a fit back to where it was."""
    far = trained.parameters.points([[3.9, 4.9, 2.9]])[0]
    lost = fit(SurrogateLikelihood(runaway), start=far)
    back = fit(SurrogateLikelihood(replace(runaway, ceiling=trained.ceiling)), start=far)
    exact = fit(counting)
    quadratic = fit(SurrogateLikelihood(trained, with_network=False))
    assert lost.log_likelihood > quadratic.log_likelihood + 20
    assert back.log_likelihood < exact.log_likelihood + 5


def test_without_a_quadratic_there_is_none(samples):
    """There is nothing to go by."""
    assert ceiling_of(samples, None) is None
