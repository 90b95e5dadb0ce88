"""Where to look: before anything was learned, and after."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.likelihoods.base import Likelihood
from dnnlik.parameters import ParameterSet
from dnnlik.sampling import STRATEGIES, sample
from dnnlik.sampling.reference import Reference
from dnnlik.sampling.starts import mirrored
from dnnlik.typing import Points

__all__ = ["CANDIDATE_MIX", "around_maximum", "candidates", "posterior_draws"]

Array = NDArray[np.float64]

_DEGREES = 6.0  # of freedom: the tails of Student's t
_ON_PROFILE = 0.3  # share of the points along lines of the parameters of interest
_T_MAX = 12.0  # 3.5 standard deviations: calls are too few to learn more in the first round
_OFF_LINE = 0.5  # standard deviations of the others there

CANDIDATE_MIX = {"unbiased": 0.5, "profiled": 0.25, "tempered": 0.25}
"""Of the candidates of a round: where ln L, t and their tails are asked for."""


def around_maximum(
    parameters: ParameterSet, reference: Reference, count: int, rng: np.random.Generator
) -> Points:
    """Points (count, d) of a Student-t about the Laplace approximation, and about the lines
    along which it leads each parameter of interest to t = 12; mirrored at the bounds."""
    width = len(parameters)
    z = rng.normal(size=(count, width))
    z *= np.sqrt(_DEGREES / rng.chisquare(_DEGREES, size=(count, 1)))
    lines = int(_ON_PROFILE * count)
    names = parameters.poi_names
    which = [parameters.index(names[i % len(names)]) for i in range(lines)]
    along = reference.factor[which] / np.linalg.norm(reference.factor[which], axis=1)[:, None]
    far = rng.uniform(-1, 1, size=(lines, 1)) * np.sqrt(_T_MAX)
    z[:lines] = far * along + _OFF_LINE * rng.normal(size=(lines, width))
    return mirrored(parameters, reference.mean + z @ reference.factor.T)


def candidates(
    learned: Likelihood,
    reference: Reference,
    count: int,
    rng: np.random.Generator,
) -> Points:
    """About ``count`` points of a surrogate: its posterior, its profile, and a wider one.

    Where its chains disagree it has made up maxima: then as before anything was learned.
    """
    seed = int(rng.integers(2**31))
    try:
        return _sampled(learned, CANDIDATE_MIX, max(count, 6000), seed)[0]
    except NotConverged:
        return around_maximum(learned.parameters, reference, count, rng)


def posterior_draws(learned: Likelihood, count: int, rng: np.random.Generator) -> Points:
    """Draws (count, d) from the posterior of a surrogate, nearly independent.

    Raises:
        NotConverged: its chains disagree.
    """
    points, strategy = _sampled(
        learned, {"unbiased": 1.0}, max(10 * count, 4000), int(rng.integers(2**31))
    )
    unbiased = points[strategy == STRATEGIES.index("unbiased")]
    return np.asarray(unbiased[rng.permutation(len(unbiased))[:count]])


def _sampled(
    learned: Likelihood, mix: dict[str, float], count: int, seed: int
) -> tuple[Points, NDArray[np.uint8]]:
    with tempfile.TemporaryDirectory() as folder:
        found = sample(
            learned,
            Path(folder) / "samples.h5",
            strategy=mix,
            sampler="hamiltonian",
            points=count,
            seed=seed,
            gradients=False,
        )
        return np.array(found.points), np.array(found.strategy)
