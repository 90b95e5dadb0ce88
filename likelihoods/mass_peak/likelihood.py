"""A mass peak over a falling background: an extended unbinned likelihood in TensorFlow.

The formulae are in ``README.md``. Throughout, ``n`` counts points and ``E`` events;
masses are in GeV, densities per GeV, logarithms natural.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dnnlik.constraints import Normal
from dnnlik.documents import digest_of
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

Document = dict[str, Any]

PARAMETERS = [
    Parameter("mu", init=0.5, bounds=(-1, 5), poi=True),
    Parameter("mass_scale", 0.0, bounds=(-5, 5), constraint=Normal(0, 1)),
    Parameter("mass_resolution", 0.0, bounds=(-5, 5), constraint=Normal(0, 1)),
    Parameter("signal_efficiency", 0.0, bounds=(-5, 5), constraint=Normal(0, 1)),
    Parameter("background_yield", 1500.0, bounds=(1000, 2000)),
    # Above zero the integrals need no special case; curvatures keep the density positive.
    Parameter("background_slope", 2.0, bounds=(0.5, 5)),
    Parameter("background_curvature", 0.0, bounds=(-0.9, 1.5)),
]


def likelihood() -> AnalyticLikelihood:
    """The events of ``events.json``, beside this file."""
    document = json.loads(Path(__file__).with_name("events.json").read_text())
    return AnalyticLikelihood(
        parameters=PARAMETERS,
        log_main=log_main_of(document),
        digest=digest_of(document),
    )


def log_main_of(document: Document) -> Callable[[Any], tf.Tensor]:
    r"""The extended term (R. Barlow, NIM A 297 (1990) 496, eq. 6) as points (n, 7) → (n,).

    .. math:: \ln L = \sum_e \ln(S\,p_s(m_e) + B\,p_b(m_e)) - S - B

    The events are a set without order, so no N! stands under it.
    """
    masses = np.asarray(document["masses"], dtype=np.float64)

    def log_main(points: Any) -> tf.Tensor:
        mu, scale, resolution, efficiency, background, slope, curvature = columns(points)
        signal = mu * document["signal_yield"] * (1 + document["efficiency_effect"]) ** efficiency
        peak = signal_density(masses, scale, resolution, document)
        falling = background_density(masses, slope, curvature, document)
        density = signal * peak + background * falling
        return tf.reduce_sum(safe_log(density), axis=1) - tf.squeeze(signal + background, 1)

    return log_main


def columns(points: Any) -> list[tf.Tensor]:
    """The parameters one by one, each (n, 1) float64."""
    return tf.split(tf.convert_to_tensor(points, tf.float64), len(PARAMETERS), axis=1)


def signal_density(
    masses: np.ndarray, scale: tf.Tensor, resolution: tf.Tensor, document: Document
) -> tf.Tensor:
    """A Gaussian normalised on the mass range, (E,) and (n, 1) → (n, E)."""
    mean = document["mass"] + document["mass_shift"] * scale
    width = document["width"] * (1 + document["width_effect"]) ** resolution
    lower, upper = ((edge - mean) / width for edge in document["range"])
    inside = normal_cdf(upper) - normal_cdf(lower)
    pull = (masses - mean) / width
    return tf.exp(-0.5 * pull * pull) / (np.sqrt(2 * np.pi) * width * inside)


def normal_cdf(z: tf.Tensor) -> tf.Tensor:
    """The cumulative distribution of the unit normal."""
    return 0.5 * (1 + tf.math.erf(z / np.sqrt(2.0)))


def background_density(
    masses: np.ndarray, slope: tf.Tensor, curvature: tf.Tensor, document: Document
) -> tf.Tensor:
    r"""An exponential with curvature, normalised on the range, (E,) and (n, 1) → (n, E).

    :math:`e^{-\lambda x}(1+c\,P(x))` with x = 0 … 1 over the range and the shifted
    Legendre polynomial :math:`P=6x^2-6x+1`, which leaves the yield and, nearly, the
    slope alone. P lies in [-1/2, 1]: the density is positive for -1 < c < 2.
    """
    lower, upper = document["range"]
    x = (masses - lower) / (upper - lower)
    shape = tf.exp(-slope * x) * (1 + curvature * (6 * x * x - 6 * x + 1))
    return shape / ((upper - lower) * background_integral(slope, curvature))


def background_integral(slope: tf.Tensor, curvature: tf.Tensor) -> tf.Tensor:
    r"""Its integral over x = 0 … 1 from the moments :math:`\int x^k e^{-\lambda x}dx`."""
    end = tf.exp(-slope)
    zeroth = (1 - end) / slope
    first = (zeroth - end) / slope
    second = (2 * first - end) / slope
    return zeroth + curvature * (6 * second - 6 * first + zeroth)


def safe_log(density: tf.Tensor) -> tf.Tensor:
    """Natural log; minus infinity, with zero gradient, where a density is not positive."""
    positive = density > 0
    return tf.where(positive, tf.math.log(tf.where(positive, density, 1.0)), -np.inf)
