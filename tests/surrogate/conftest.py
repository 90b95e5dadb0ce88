"""A counting experiment of three bins, mildly non-Gaussian, and samples of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from dnnlik.likelihoods import AnalyticLikelihood, Likelihood, open_likelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.sampling import Samples, sample
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.settings import TrainingSettings

DEFINITION = """
import numpy as np
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter

observed = np.array([22.0, 15.0, 8.0])
signal = np.array([2.0, 5.0, 6.0])
background = np.array([20.0, 11.0, 4.0])

def log_main(x):
    mu, jes, norm = x[:, :1], x[:, 1:2], x[:, 2:]
    rates = mu * signal * np.exp(0.1 * jes) + norm * background * np.exp(0.3 * jes)
    return (observed * np.log(rates) - rates).sum(axis=1)

def likelihood():
    return AnalyticLikelihood(
        [
            Parameter("mu", 0.5, (0, 4), poi=True),
            Parameter("jes", 0, (-5, 5), Normal(0, 1)),
            Parameter("norm", 1, (0.2, 3)),
        ],
        log_main,
    )
"""


@pytest.fixture(scope="session")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Likelihood:
    """The likelihood that the surrogates learn."""
    path = tmp_path_factory.mktemp("likelihood") / "counting.py"
    path.write_text(DEFINITION)
    return open_likelihood(path)


@pytest.fixture(scope="session")
def samples_file(counting: Likelihood, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("counting") / "samples.h5"
    sample(counting, path, strategy="mixed", points=8000, seed=3)
    return path


@pytest.fixture(scope="session")
def samples(samples_file: Path) -> Samples:
    return Samples.open(samples_file)


SETTINGS = TrainingSettings(
    layers=(32, 32), batch_size=128, max_epochs=60, learning_rate=0.01, peak_weight=20.0, seed=1
)


@pytest.fixture(scope="session")
def trained(samples: Samples) -> SurrogateDescription:
    """A surrogate of the counting experiment: quadratic and network."""
    return train(samples, SETTINGS)


@pytest.fixture(scope="session")
def trained_whole(samples: Samples) -> SurrogateDescription:
    """The same without a baseline: the network learned the whole log-likelihood."""
    return train(samples, replace(SETTINGS, baseline="none", activation="selu"))


@pytest.fixture(scope="session")
def gaussian_samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Likelihood, Samples]:
    """An exactly quadratic main term with a constraint, and samples of it."""
    gauss = AnalyticLikelihood(
        [Parameter("mu", 0, (-9, 9), poi=True), Parameter("jes", 0, constraint=Normal(0, 1))],
        lambda x: -0.5 * tf.square(x[:, 0] - 0.7 * x[:, 1] - 0.2) - 0.1 * tf.square(x[:, 1]) - 3,
    )
    path = tmp_path_factory.mktemp("gaussian") / "samples.h5"
    return gauss, sample(gauss, path, strategy="mixed", points=3000, seed=4)
