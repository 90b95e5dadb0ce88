"""A Gaussian cut by a bound: everything about it is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dnnlik.likelihoods import Likelihood, open_likelihood
from dnnlik.sampling import Samples, sample

WIDTHS = np.array([1.0, 0.5, 2.0, 3.0, 0.1])
CORRELATION = np.array(
    [
        [1.0, 0.6, 0.0, 0.0, 0.3],
        [0.6, 1.0, 0.2, 0.0, 0.0],
        [0.0, 0.2, 1.0, -0.5, 0.0],
        [0.0, 0.0, -0.5, 1.0, 0.1],
        [0.3, 0.0, 0.0, 0.1, 1.0],
    ]
)
COVARIANCE = CORRELATION * np.outer(WIDTHS, WIDTHS)
LOWEST = -0.5  # of mu, half a standard deviation below the mode

DEFINITION = f"""
import numpy as np
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

widths = np.array({WIDTHS.tolist()})
precision = np.linalg.inv(np.array({COVARIANCE.tolist()}))

def likelihood():
    mu = Parameter("mu", 0, ({LOWEST}, 8), poi=True)
    others = [Parameter(f"nu{{i}}", 0, (-8 * w, 8 * w)) for i, w in enumerate(widths[1:])]
    found = AnalyticLikelihood([mu, *others], log_main)
    # Exact gradients make the fits of the profile fast.
    found.value_and_gradient = lambda x: (log_main(x), -x @ precision)
    return found

def log_main(x):
    return -0.5 * np.einsum("ni,ni->n", x @ precision, x)
"""


@dataclass(frozen=True)
class BoundedGaussian:
    """The posterior of DEFINITION: mu is a truncated normal, and given mu the others
    are a Gaussian about a straight line."""

    mean: np.ndarray
    covariance: np.ndarray

    def draw(self, size: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        mu = stats.truncnorm.rvs(LOWEST, 8, size=size, random_state=rng)
        return mu[:, None] * SLOPE + rng.multivariate_normal(np.zeros(5), REST, size=size)


SLOPE = COVARIANCE[0] / COVARIANCE[0, 0]
REST = COVARIANCE - np.outer(SLOPE, SLOPE) * COVARIANCE[0, 0]


@pytest.fixture(scope="session")
def truth() -> BoundedGaussian:
    mean, variance = stats.truncnorm.stats(LOWEST, 8)
    return BoundedGaussian(SLOPE * mean, REST + np.outer(SLOPE, SLOPE) * variance)


@pytest.fixture(scope="session")
def likelihood_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("likelihood") / "bounded_gaussian.py"
    path.write_text(DEFINITION)
    return path


@pytest.fixture(scope="session")
def likelihood(likelihood_file: Path) -> Likelihood:
    return open_likelihood(likelihood_file)


@pytest.fixture(scope="session")
def mixed_file(likelihood: Likelihood, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two unbiased chains of two blocks each, and a profiled one; complete."""
    path = tmp_path_factory.mktemp("samples") / "mixed.h5"
    sample(likelihood, path, strategy="mixed", points=26_000, seed=5)
    return path


@pytest.fixture(scope="session")
def mixed(mixed_file: Path) -> Samples:
    return Samples.open(mixed_file)
