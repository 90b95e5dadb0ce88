"""From samples to what a network is trained, watched and tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidFile
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.bends import bends_of
from dnnlik.surrogate.description import NO_BENDS, Bends, Quadratic
from dnnlik.surrogate.settings import TrainingSettings

__all__ = [
    "Points",
    "Scaling",
    "Split",
    "TrainingData",
    "drawn",
    "split",
    "training_data",
    "validation_rows",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

PLACES = 20
TEST_PLACES = (3, 10, 17)
"""Walkers modulo `PLACES` that are held out for the test."""

_VALIDATION_PLACES = (6, 13)
_PEAK_WIDTH = 5.0  # drop of the log-likelihood over which the peak weight falls by e


@dataclass(frozen=True)
class Split:
    """Which rows train (about 75 %), validate (10 %) and test (15 %): masks (n,).

    Whole walkers are held out, so that no test point is the neighbour in a chain of
    a training point.
    """

    train: Mask
    validation: Mask
    test: Mask


def split(samples: Samples) -> Split:
    """The split of a sample file: always the same for the same file."""
    # Walkers of the profile are ordered by the parameter of interest: spread the
    # held-out ones evenly.
    place = samples.walker % PLACES
    test = np.isin(place, TEST_PLACES)
    validation = np.isin(place, _VALIDATION_PLACES)
    return Split(train=~(test | validation), validation=validation, test=test)


def validation_rows(samples: Samples) -> Samples:
    """The validation points to judge on: those of the posterior, where there are any."""
    validation = split(samples).validation
    posterior = validation & samples.unbiased
    return samples.rows(posterior if posterior.any() else validation)


def drawn(samples: Samples, fraction: float, seed: int) -> Mask:
    """The training rows of a random fraction of the training walkers, (n,): what one
    member of an ensemble sees."""
    train = split(samples).train
    if fraction >= 1:
        return train
    walkers = samples.chain.astype(np.int64) * (int(samples.walker.max()) + 1) + samples.walker
    names = np.unique(walkers[train])
    rng = np.random.default_rng([seed, 3])
    kept = rng.choice(names, max(1, round(fraction * names.size)), replace=False)
    return np.asarray(train & np.isin(walkers, kept))


@dataclass(frozen=True)
class Scaling:
    """Inputs (θ - mean) / scale, targets (y - output_mean) / output_scale."""

    input_mean: Array  # (d,)
    input_scale: Array  # (d,), positive
    output_mean: float
    output_scale: float

    @property
    def inputs(self) -> tuple[Array, Array]:
        """Mean and scale of the inputs."""
        return self.input_mean, self.input_scale


@dataclass(frozen=True)
class Points:
    """Scaled inputs (n, d), targets (n,) and loss weights (n,) of some points.

    ``slopes`` (n, d) are the derivatives of the targets with respect to the inputs,
    None if the samples have no gradients.
    """

    inputs: NDArray[np.floating]
    targets: NDArray[np.floating]
    weights: NDArray[np.floating]
    slopes: NDArray[np.floating] | None

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(frozen=True)
class TrainingData:
    """What a network is trained on and watched with, weights with mean 1 in each."""

    training: Points
    validation: Points
    scaling: Scaling
    bends: Bends = NO_BENDS

    @property
    def scaled_bends(self) -> Bends:
        """The bends as functions of the scaled inputs."""
        mean, scale = (x[self.bends.columns] for x in self.scaling.inputs)
        centre, width = (self.bends.centre - mean) / scale, self.bends.width / scale
        return Bends(self.bends.columns, centre, width)


def training_data(
    samples: Samples,
    quadratic: Quadratic | None,
    settings: TrainingSettings,
    *,
    rows: Mask | None = None,
) -> TrainingData:
    """What the network sees: the rest above the baseline, or all of the log-likelihood.

    Args:
        samples: of the file; validation points are those of its `split`.
        quadratic: the baseline, None for none.
        settings: weights, precision and whether to standardise.
        rows: which train, (n,); all training points unless given (see `drawn`).

    Raises:
        InvalidFile: the samples hold values that are not finite.
    """
    target = samples.log_likelihood
    if quadratic is not None:
        target = samples.log_main - quadratic.value_of(samples.points)
    _check_finite(samples, target)
    parts = split(samples)
    rows = parts.train if rows is None else rows
    scaling = _scaling(samples.points[rows], target[rows], standardise=settings.standardise)

    def scaled(chosen: Mask) -> Points:
        return _scaled(samples.rows(chosen), target[chosen], quadratic, scaling, settings)

    bends = bends_of(samples.parameters) if settings.bends else NO_BENDS
    return TrainingData(scaled(rows), scaled(parts.validation), scaling, bends)


def _check_finite(samples: Samples, target: Array) -> None:
    usable = np.isfinite(target) & np.isfinite(samples.log_likelihood)
    usable &= np.isfinite(samples.points).all(axis=1)
    if samples.gradient is not None:
        usable &= np.isfinite(samples.gradient).all(axis=1)
    if not usable.all():
        raise InvalidFile(
            "samples to train on must be finite, points and log terms. "
            f"Received: {int((~usable).sum())} points that are not"
        )


def _scaling(points: Array, target: Array, *, standardise: bool) -> Scaling:
    width = points.shape[1]
    mean, scale = np.zeros(width), np.ones(width)
    if standardise:
        mean, spread = points.mean(axis=0), points.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
    return Scaling(mean, scale, float(target.mean()), float(target.std()) or 1.0)


def _scaled(
    samples: Samples,
    target: Array,
    quadratic: Quadratic | None,
    scaling: Scaling,
    settings: TrainingSettings,
) -> Points:
    kind = np.dtype(settings.precision)
    slopes = None
    if settings.gradient_weight and samples.gradient is not None:
        slopes = _slopes(samples, quadratic) * (scaling.input_scale / scaling.output_scale)
    return Points(
        inputs=((samples.points - scaling.input_mean) / scaling.input_scale).astype(kind),
        targets=((target - scaling.output_mean) / scaling.output_scale).astype(kind),
        weights=_weights(samples.drop, settings.peak_weight).astype(kind),
        slopes=None if slopes is None else slopes.astype(kind),
    )


def _slopes(samples: Samples, quadratic: Quadratic | None) -> Array:
    """Derivatives of the target by the parameters, (n, d)."""
    assert samples.gradient is not None  # the caller has asked; for the type checker
    if quadratic is not None:
        return np.asarray(samples.gradient - quadratic.gradient_of(samples.points))
    constraint = samples.parameters.log_constraint_gradient(samples.points)
    return np.asarray(samples.gradient + constraint)


def _weights(drop: Array, peak_weight: float) -> Array:
    """1 + peak_weight · exp(-Δ/5) of the drop Δ, over its mean: (n,) → (n,)."""
    weights = 1.0 + peak_weight * np.exp(-drop / _PEAK_WIDTH)
    return np.asarray(weights / weights.mean())
