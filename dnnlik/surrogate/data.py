"""From samples to what a network is trained, watched and tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidFile
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.description import Domain, Quadratic

__all__ = ["Split", "TrainingData", "domain_of", "quadratic_of", "split", "training_data"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

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
    place = samples.walker % 20
    test = np.isin(place, (3, 10, 17))
    validation = np.isin(place, (6, 13))
    return Split(train=~(test | validation), validation=validation, test=test)


@dataclass(frozen=True)
class TrainingData:
    """Standardised float32 inputs (n, d), targets (n,) and loss weights (n,) with mean
    1, for training and validation; and the scaling.

    ``slopes`` (n, d) are the derivatives of the targets with respect to the inputs,
    None if the samples have no gradients.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    slopes: NDArray[np.float32] | None
    validation_inputs: NDArray[np.float32]
    validation_targets: NDArray[np.float32]
    validation_weights: NDArray[np.float32]
    input_mean: Array
    input_scale: Array
    output_mean: float
    output_scale: float


def training_data(
    samples: Samples, quadratic: Quadratic | None, *, peak_weight: float = 0.0
) -> TrainingData:
    """What the network sees: the rest above the baseline, or all of the log-likelihood.

    ``peak_weight`` is that of `dnnlik.surrogate.settings.TrainingSettings`.

    Raises:
        InvalidFile: the samples hold values that are not finite.
    """
    target = samples.log_likelihood
    if quadratic is not None:
        target = samples.log_main - quadratic.value_of(samples.points)
    usable = np.isfinite(target) & np.isfinite(samples.log_likelihood)
    usable &= np.isfinite(samples.points).all(axis=1)
    if samples.gradient is not None:
        usable &= np.isfinite(samples.gradient).all(axis=1)
    if not usable.all():
        raise InvalidFile(
            "samples to train on must be finite, points and log terms. "
            f"Received: {int((~usable).sum())} points that are not"
        )
    parts = split(samples)
    mean, scale = _standardisation(samples.points[parts.train])
    output_mean = float(target[parts.train].mean())
    output_scale = float(target[parts.train].std()) or 1.0
    weights = _weights(samples.drop, peak_weight)
    inputs = ((samples.points - mean) / scale).astype(np.float32)
    outputs = ((target - output_mean) / output_scale).astype(np.float32)
    return TrainingData(
        inputs=inputs[parts.train],
        targets=outputs[parts.train],
        weights=weights[parts.train],
        slopes=_slopes(samples.rows(parts.train), quadratic, scale / output_scale),
        validation_inputs=inputs[parts.validation],
        validation_targets=outputs[parts.validation],
        validation_weights=weights[parts.validation],
        input_mean=mean,
        input_scale=scale,
        output_mean=output_mean,
        output_scale=output_scale,
    )


def _slopes(
    samples: Samples, quadratic: Quadratic | None, scale: Array
) -> NDArray[np.float32] | None:
    """Derivatives of the standardised target by the standardised inputs, (n, d)."""
    if samples.gradient is None:
        return None
    if quadratic is None:
        constraint = samples.parameters.log_constraint_gradient(samples.points)
        return ((samples.gradient + constraint) * scale).astype(np.float32)
    rest = samples.gradient - quadratic.gradient_of(samples.points)
    return (rest * scale).astype(np.float32)


def _weights(drop: Array, peak_weight: float) -> NDArray[np.float32]:
    """1 + peak_weight · exp(-Δ/5) of the drop Δ, over its mean: (n,) → (n,)."""
    weights = 1.0 + peak_weight * np.exp(-drop / _PEAK_WIDTH)
    return np.asarray(weights / weights.mean(), dtype=np.float32)


def _standardisation(points: Array) -> tuple[Array, Array]:
    scale = points.std(axis=0)
    return points.mean(axis=0), np.where(scale > 0, scale, 1.0)


def quadratic_of(samples: Samples) -> Quadratic:
    """The expansion of ``log_main`` at the maximum, from the sample file."""
    m = samples.maximum
    return Quadratic(m.point, m.value, m.gradient, m.hessian)


def domain_of(samples: Samples) -> Domain:
    """The box of the training points, and the smallest ellipsoid of the posterior's
    shape that holds them."""
    train = samples.rows(split(samples).train)
    posterior = train.points[train.unbiased] if train.unbiased.any() else train.points
    centre = posterior.mean(axis=0)
    precision = _precision(posterior)
    step = train.points - centre
    distance2 = np.einsum("nd,nd->n", step @ precision, step)
    return Domain(
        lower=train.points.min(axis=0),
        upper=train.points.max(axis=0),
        centre=centre,
        precision=precision,
        max_distance2=float(distance2.max()),
    )


def _precision(points: Array) -> Array:
    """Inverse covariance, computed in units of the widths."""
    widths = np.maximum(points.std(axis=0), 1e-300)
    correlation = np.atleast_2d(np.corrcoef(points, rowvar=False))
    inverse = np.linalg.inv(correlation) / np.outer(widths, widths)
    return np.asarray(0.5 * (inverse + inverse.T))
