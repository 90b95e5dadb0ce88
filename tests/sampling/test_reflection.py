"""Turns within a box: reversible, exact for a Gaussian cut by its walls."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dnnlik.sampling.reference import Reference
from dnnlik.sampling.reflection import Arcs

FACTOR = np.array([[1.0, 0, 0], [0.9, 0.3, 0], [-0.5, 0.2, 1e-3]])
LOWER = np.array([-0.4, -np.inf, -2.0])
UPPER = np.array([0.7, 0.5, np.inf])


@pytest.fixture
def arcs():
    return Arcs(Reference(np.array([0.1, -0.3, 0.2]), FACTOR), LOWER, UPPER)


@pytest.fixture
def inside(arcs):
    """Phase-space points within the walls, by rejection."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(200_000, 3))
    points = arcs.reference.mean + z @ FACTOR.T
    z = z[((points > LOWER) & (points < UPPER)).all(axis=1)][:20_000]
    return z, rng.normal(size=z.shape)


def test_there_and_back(arcs, inside):
    """With the velocity negated a turn leads back where it came from: to 10⁻¹⁰ where the
    distance grows from wall to wall in all but a few in a thousand rows."""
    z, v = inside
    angle = np.random.default_rng(1).uniform(0.1, 2.5, size=len(z))
    end, velocity = arcs.turn(z, v, angle)
    assert np.isfinite(velocity).all()
    assert (np.abs(end - (z * np.cos(angle)[:, None] + v * np.sin(angle)[:, None])) > 1e-6).any()
    back, reverse = arcs.turn(end, -velocity, angle)
    error = np.abs(np.hstack([back - z, reverse + v])).max(axis=1)
    assert error.max() < 1e-10


def test_energy_and_bounds(arcs, inside):
    """z² + v² is conserved, and all points stay inside."""
    z, v = inside
    end, velocity = arcs.turn(z, v, np.full(len(z), 1.3))
    energy = (z**2 + v**2).sum(axis=1)
    np.testing.assert_allclose((end**2 + velocity**2).sum(axis=1), energy, rtol=1e-12)
    points = arcs.reference.mean + end @ FACTOR.T
    assert (points >= LOWER - 1e-12).all()
    assert (points <= UPPER + 1e-12).all()


def test_the_cut_gaussian_is_stationary(arcs, inside):
    """Draws of the truncated Gaussian (rejection) are still such after a turn: K-S of each
    parameter and of the velocities."""
    z, v = inside
    end, velocity = arcs.turn(z, v, np.full(len(z), 1.0))
    before, after = arcs.points(z), arcs.points(end)
    for column in range(3):
        assert stats.ks_2samp(before[:, column], after[:, column]).pvalue > 1e-3
        assert stats.kstest(velocity[:, column], stats.norm.cdf).pvalue > 1e-3


def test_without_bounds_it_is_a_rotation():
    """A quarter of a circle exchanges place and velocity."""
    free = np.full(3, np.inf)
    arcs = Arcs(Reference(np.zeros(3), np.eye(3)), -free, free)
    z, v = np.random.default_rng(2).normal(size=(2, 50, 3))
    end, velocity = arcs.turn(z, v, np.full(50, np.pi / 2))
    np.testing.assert_allclose(end, v, atol=1e-15)
    np.testing.assert_allclose(velocity, -z, atol=1e-15)


def test_coordinates_invert_points(arcs, inside):
    """Points → coordinates → points."""
    z, _ = inside
    np.testing.assert_allclose(arcs.coordinates(arcs.points(z)), z, atol=1e-9)


def test_a_corner_that_is_never_left_is_told():
    """A box much narrower than the reference: more mirrorings than are followed."""
    arcs = Arcs(Reference(np.zeros(1), np.eye(1)), np.array([-1e-4]), np.array([1e-4]))
    _, velocity = arcs.turn(np.zeros((1, 1)), np.ones((1, 1)), np.ones(1))
    assert np.isnan(velocity).all()
