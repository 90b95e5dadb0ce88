"""Settings that all tests share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from dnnlik.likelihoods import Likelihood, open_likelihood
from dnnlik.sampling import Samples
from dnnlik.surrogate.file import load_surrogate
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.workflow import run

# A shared machine pauses; how long one example takes says nothing about its truth.
settings.register_profile("dnnlik", deadline=None)
settings.load_profile("dnnlik")


@dataclass(frozen=True)
class SmallRun:
    """What a whole run on a small likelihood left behind."""

    folder: Path
    likelihood: Likelihood
    samples: Samples
    points: np.ndarray
    surrogate: SurrogateLikelihood


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """A complete run on three parameters, made once."""
    folder = tmp_path_factory.mktemp("small_run")
    likelihood = open_likelihood(Path(__file__).with_name("small_likelihood.py"))
    run(
        likelihood,
        folder,
        points=8000,
        settings=TrainingSettings(layers=(32, 32), max_epochs=60, batch_size=64),
    )
    samples = Samples.open(folder / "samples.h5")
    description = load_surrogate(folder / "surrogate.h5")
    return SmallRun(folder, likelihood, samples, samples.points, SurrogateLikelihood(description))
