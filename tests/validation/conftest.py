"""Gaussian likelihoods, samples of them without a sampler, and a small finished report."""

import numpy as np
import pytest

from dnnlik.likelihoods.base import Likelihood
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.sampling.samples import Maximum, Samples
from dnnlik.validation.validate import validate


class Gaussian(Likelihood):
    """-½(x-m)ᵀC⁻¹(x-m) in parameters a, b, ..., of which the first ``pois`` are of interest."""

    def __init__(self, mean, covariance, *, pois=1, bounds=(-15.0, 15.0)):
        self.mean, self.covariance = np.asarray(mean, float), np.asarray(covariance, float)
        self.precision = np.linalg.inv(self.covariance)
        names = "abcdefgh"[: len(self.mean)]
        self.parameters = ParameterSet(
            [Parameter(n, 0.5, bounds, poi=i < pois) for i, n in enumerate(names)]
        )
        self.digest = f"{self.mean.tolist()}{self.covariance.tolist()}"

    def _main(self, points):
        step = points - self.mean
        return -0.5 * np.einsum("nd,nd->n", step @ self.precision, step)

    def value_and_gradient(self, points):
        points = np.asarray(points, float)
        return self._main(points), -(points - self.mean) @ self.precision

    def draws(self, count, seed):
        return np.random.default_rng(seed).multivariate_normal(self.mean, self.covariance, count)


def samples_of(likelihood, *, seed=0, walkers=40, steps=100):
    """A sample file's content with independent points: walkers by steps, steps slowest."""
    points = likelihood.draws(walkers * steps, seed)
    count = len(points)
    return Samples(
        parameters=likelihood.parameters,
        points=points,
        gradient=None,
        log_main=likelihood.log_main(points),
        log_constraint=np.zeros(count),
        log_prior=likelihood.log_prior(points),
        strategy=np.zeros(count, np.uint8),
        chain=np.zeros(count, np.int32),
        walker=np.tile(np.arange(walkers, dtype=np.int32), steps),
        step=np.repeat(np.arange(steps), walkers),
        maximum=Maximum(likelihood.mean, 0.0, np.zeros(len(likelihood.mean)), -np.eye(2)),
        provenance={"request": {"likelihood": "", "sampler": "hamiltonian", "seed": 3}},
        diagnostics={"effective_points": float(count), "r_hat": 1.0},
    )


@pytest.fixture(scope="session")
def gaussian():
    """The class, for tests that need others."""
    return Gaussian


@pytest.fixture(scope="session")
def sampled():
    """`samples_of`."""
    return samples_of


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    """Two Gaussians of three parameters, two of interest, a little apart."""
    exact = Gaussian([0.5, 0.0, 1.0], np.diag([1.0, 4.0, 0.25]), pois=2)
    surrogate = Gaussian([0.51, 0.0, 1.0], np.diag([1.0, 4.0, 0.25]), pois=2)
    folder = tmp_path_factory.mktemp("report")
    return validate(exact, surrogate, samples_of(exact), folder=folder)
