"""An LHC-like search: 3 categories × 30 bins, 95 parameters, as TensorFlow.

The construction is that of the toy search of arXiv:1809.05548, which
arXiv:1911.03305 learns; the numbers in ``data.json`` are our own, written by
``generate.py``. The formulae are in ``README.md``.

Throughout, ``n`` counts points, ``C`` categories, ``B`` bins of a category,
``K`` sources of uncertainty on the normalisation and ``k`` ≤ K those that change
the shape too. Rates are expected events a bin; logarithms are natural.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from scipy.special import gammaln

from dnnlik.constraints import Normal
from dnnlik.documents import digest_of
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

Document = dict[str, Any]


def likelihood() -> AnalyticLikelihood:
    """The search of ``data.json``, beside this file."""
    return search(json.loads(Path(__file__).with_name("data.json").read_text()))


def search(document: Document) -> AnalyticLikelihood:
    """The likelihood of any search written in the structure of ``data.json``."""
    return AnalyticLikelihood(
        parameters=parameters_of(document),
        log_main=log_main_of(document),
        digest=digest_of(document),
    )


def parameters_of(document: Document) -> list[Parameter]:
    """The signal strength, one MC-statistics parameter a bin, then the sources.

    All but the signal strength are pulls with a unit normal constraint.
    """
    bins = range(document["bins_per_category"])
    pulls = [f"MC_{category}_{i}" for category in document["categories"] for i in bins]
    pulls += list(document["norm"])
    poi = document["poi"]
    return [
        Parameter(poi["name"], init=0.5, bounds=tuple(poi["bounds"]), poi=True),
        *(Parameter(name, 0.0, bounds=(-8, 8), constraint=Normal(0, 1)) for name in pulls),
    ]


def log_main_of(document: Document) -> Callable[[Any], tf.Tensor]:
    """The Poisson term as a function of points (n, 1 + C·B + K), giving (n,)."""
    rates = rates_of(document)
    observed = per_bin(document, "observed")
    log_factorial = gammaln(observed + 1)

    def log_main(points: Any) -> tf.Tensor:
        return tf.reduce_sum(log_poisson(observed, rates(points), log_factorial), axis=(1, 2))

    return log_main


def rates_of(document: Document) -> Callable[[Any], tf.Tensor]:
    """The expected events as a function of points, giving (n, C, B).

    Where the varied spectrum of a category no longer sums to a positive number
    its fractions mean nothing: the rates there are -1, which no data allow.
    """
    signal, background = per_bin(document, "signal"), per_bin(document, "background")
    totals = background.sum(axis=1, keepdims=True)
    fractions = background / totals
    log_epsilon = np.log1p(per_bin(document, "mc_stat_epsilon"))
    shapes, sources = shape_variations(document), list(document["norm"])
    log_up, log_down = norm_variations(document)
    shaped = [sources.index(name) for name in document["shape"]]

    def rates(points: Any) -> tf.Tensor:
        points = tf.convert_to_tensor(points, tf.float64)
        mu, pulls, deltas = tf.split(points, [1, signal.size, len(sources)], axis=1)
        spectrum = fractions * shape_factors(tf.gather(deltas, shaped, axis=1), *shapes)
        norm = tf.reduce_sum(spectrum, axis=2, keepdims=True)
        scale = totals * norm_factors(deltas, log_up, log_down)[:, :, None]
        statistics = tf.exp(tf.reshape(pulls, (-1, *signal.shape)) * log_epsilon)
        # The inner where keeps a division by zero out of the gradient of the outer one.
        expected = scale / tf.where(norm > 0, norm, 1.0) * spectrum * statistics
        return tf.where(norm > 0, mu[:, :, None] * signal + expected, -1.0)

    return rates


def shape_factors(deltas: tf.Tensor, slope: np.ndarray, curvature: np.ndarray) -> tf.Tensor:
    r"""The product over shape sources of p(δ), (n, k) → (n, C, B).

    With :math:`a=\frac12(\kappa^+-\kappa^-)` (slope) and
    :math:`q=\frac12(\kappa^++\kappa^-)-1` (curvature), both (k, C, B), the
    quadratic inside |δ| ≤ 1 and its straight continuation are one formula,
    :math:`p=1+a\delta+q\,g`, :math:`g=\delta^2` inside and :math:`2|\delta|-1` outside.
    """
    size = tf.abs(deltas)
    bent = tf.where(size <= 1, deltas * deltas, 2 * size - 1)
    factors = (
        1 + deltas[:, k, None, None] * slope[k] + bent[:, k, None, None] * curvature[k]
        for k in range(len(slope))
    )
    return reduce(tf.multiply, factors)


def norm_factors(deltas: tf.Tensor, log_up: np.ndarray, log_down: np.ndarray) -> tf.Tensor:
    """The product over sources of (1+K⁺)^δ for δ ≥ 0, else (1+K⁻)^(-δ): (n, K) → (n, C).

    ``log_up`` and ``log_down`` are ln(1+K±), (K, C). The slope at the kink δ = 0
    is the one from above; a maximum and a minimum would add both.
    """
    above = tf.where(deltas >= 0, deltas, 0.0)
    below = above - deltas
    return tf.exp(above @ log_up + below @ log_down)


def log_poisson(observed: np.ndarray, rates: tf.Tensor, log_factorial: np.ndarray) -> tf.Tensor:
    """ln Poisson(observed | rates) a bin; minus infinity, with zero gradient, if impossible."""
    positive = rates > 0
    possible = positive | ((rates == 0) & (observed == 0))
    # The inner where keeps the logarithm of the masked rates out of the gradient.
    log_rates = tf.math.log(tf.where(positive, rates, 1.0))
    return tf.where(possible, observed * log_rates - rates - log_factorial, -np.inf)


def per_bin(document: Document, key: str) -> np.ndarray:
    """One number a bin as (C, B)."""
    return bins_of(document, document[key])


def bins_of(document: Document, numbers: list[float]) -> np.ndarray:
    """A flat list, category after category, as (C, B)."""
    shape = (len(document["categories"]), document["bins_per_category"])
    return np.asarray(numbers, dtype=np.float64).reshape(shape)


def shape_variations(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """Slope and curvature of every shape source, each (k, C, B)."""
    variations = document["shape"].values()
    up = np.stack([bins_of(document, v["up"]) for v in variations])
    down = np.stack([bins_of(document, v["down"]) for v in variations])
    return (up - down) / 2, (up + down) / 2 - 1


def norm_variations(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """ln(1+K⁺) and ln(1+K⁻) of every source, each (K, C)."""
    variations = document["norm"].values()
    return (
        np.log1p([v["up"] for v in variations]),
        np.log1p([v["down"] for v in variations]),
    )
