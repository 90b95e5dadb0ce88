"""Kinematics of made-up events: conservation, masses, directions."""

import numpy as np

from dnnlik.datasets.kinematics import decayed, directions, distance, momenta

RNG = np.random.default_rng(1)


def mass_of(vectors):
    """Invariant mass of massless momenta (n, k, 3)."""
    energy = np.linalg.norm(vectors, axis=-1).sum(axis=1)
    return np.sqrt(energy**2 - (vectors.sum(axis=1) ** 2).sum(axis=-1))


def test_decays_conserve_momentum_and_mass():
    """Daughters add up to the parent, energy included, at any speed."""
    mass = RNG.uniform(1, 300, 200)
    parent = RNG.normal(0, 200, (200, 3))
    found = decayed(mass, parent, directions(200, RNG))
    np.testing.assert_allclose(found.sum(axis=1), parent, atol=1e-10)
    np.testing.assert_allclose(mass_of(found), mass, rtol=1e-9)
    energy = np.linalg.norm(found, axis=-1).sum(axis=1)
    np.testing.assert_allclose(energy, np.sqrt(mass**2 + (parent**2).sum(axis=1)), rtol=1e-12)


def test_a_known_boost():
    """Along the flight of a parent of β = 0.6 the Doppler factors are 2 and 1/2."""
    found = decayed(np.array([8.0]), np.array([[0.0, 0.0, 6.0]]), np.array([[0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(found[0], [[0, 0, 8], [0, 0, -2]], atol=1e-12)


def test_momenta_have_their_pseudorapidity():
    """|p| = pT cosh η, pz = pT sinh η, and the azimuth in the plane."""
    pt, eta, phi = RNG.uniform(1, 99, 50), RNG.normal(0, 2, 50), RNG.uniform(-3, 3, 50)
    found = momenta(pt, eta, phi)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), pt * np.cosh(eta), rtol=1e-12)
    np.testing.assert_allclose(np.arctanh(found[:, 2] / (pt * np.cosh(eta))), eta, rtol=1e-8)
    np.testing.assert_allclose(np.arctan2(found[:, 1], found[:, 0]), phi, rtol=1e-10)


def test_directions():
    """Unit vectors, isotropic (⟨z²⟩ = 1/3), or forward: ⟨z²⟩ of |u|^(1-f) is 1/(3 - 2f)."""
    for forward in (0.0, 0.5):
        found = directions(40_000, RNG, forward)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-12)
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=4 / 200)
        np.testing.assert_allclose((found[:, 2] ** 2).mean(), 1 / (3 - 2 * forward), atol=0.01)


def test_distance_takes_the_short_way_round():
    """ΔR of azimuths on both sides of π, and of different pseudorapidities."""
    one = momenta(np.array([3.0, 5.0]), np.array([0.0, 1.5]), np.array([3.1, 0.2]))
    other = momenta(np.array([40.0, 1.0]), np.array([0.0, -1.5]), np.array([-3.1, 4.2]))
    expected = [2 * np.pi - 6.2, np.hypot(3.0, 2 * np.pi - 4.0)]
    np.testing.assert_allclose(distance(np.stack([one, other], axis=1)), expected, rtol=1e-10)
