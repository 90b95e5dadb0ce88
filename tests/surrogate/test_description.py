"""The arrays that define a surrogate."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from dnnlik.surrogate.description import Domain, Network, Quadratic


def test_the_quadratic_term_by_term():
    """v + g·s + ½ s·H·s, summed one product at a time."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    q = Quadratic(rng.normal(size=3), -4.0, rng.normal(size=3), root + root.T)
    for point in rng.normal(size=(5, 3)):
        step = point - q.centre
        wanted = q.value + sum(q.gradient[i] * step[i] for i in range(3))
        for i in range(3):
            wanted += 0.5 * sum(q.hessian[i, j] * step[i] * step[j] for j in range(3))
        assert q.value_of(point[None])[0] == pytest.approx(wanted, rel=1e-13)


def test_the_domain_is_box_and_ellipsoid():
    """Inside means inside both; edges belong to it."""
    domain = Domain(np.array([-1.0, -1]), np.array([2.0, 1]), np.zeros(2), np.eye(2), 2.25)
    points = [[0, 0], [1.5, 0], [1.6, 0], [-1, 0], [-1.1, 0], [1.2, 0.9], [1.3, 0.9]]
    inside = domain.contains(np.array(points, dtype=float))
    assert inside.tolist() == [True, True, False, True, False, True, False]


def test_layers_are_the_hidden_units():
    """The last bias belongs to the output."""
    biases = (np.zeros(8), np.zeros(4), np.zeros(1))
    network = Network((), biases, np.zeros(2), np.ones(2), 0.0, 1.0)
    assert network.layers == (8, 4)


def test_the_digest_is_that_of_the_numbers(trained):
    """Any other number is another digest; settings and provenance are not numbers."""
    (network,) = trained.networks
    weights = (network.weights[0] * (1 + 1e-15 * 4), *network.weights[1:])
    others = [
        replace(trained, adds_constraint=False),
        replace(trained, quadratic=None),
        replace(trained, networks=(replace(network, output_mean=network.output_mean + 1),)),
        replace(trained, networks=(replace(network, weights=weights),)),
        replace(trained, networks=(replace(network, activation="tanh"),)),
        replace(trained, networks=(network, network)),
        replace(trained, uncertainty_factor=2.0),
    ]
    digests = {trained.digest(), *(other.digest() for other in others)}
    assert len(digests) == 8
    assert replace(trained, settings={}, provenance={}).digest() == trained.digest()


def test_numpy_is_enough():
    """The description imports neither Keras nor TensorFlow nor HDF5."""
    code = (
        "import sys, dnnlik.surrogate.description; "
        "print({'keras', 'tensorflow', 'h5py', 'emcee'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
