"""Everything of a report that is measured on held-out points alone, without a fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.description import Domain
from dnnlik.typing import LogDensity
from dnnlik.validation.coverage import Content, contents
from dnnlik.validation.error_profiles import by_drop, by_parameter, by_radius, extrapolation
from dnnlik.validation.held_out import HeldOut, held_out_points, independence_of, marginals_of
from dnnlik.validation.joint import divergence
from dnnlik.validation.metrics import error_bands, reweighting

__all__ = ["measured_there"]


def measured_there(
    exact: LogDensity,
    surrogate: LogDensity,
    quadratic: LogDensity | None,
    samples: Samples,
    held_out: HeldOut,
    domain: Domain | None,
    seed: int,
) -> dict[str, Any]:
    """Fields of a `dnnlik.validation.report.Validation` that held-out points give.

    Args:
        exact, surrogate: of the same parameters.
        quadratic: the baseline alone; None without one.
        samples: what the surrogate was trained on.
        held_out: the points that no training saw, and the errors there.
        domain: where the surrogate was trained.
        seed: of bootstraps.
    """
    rows = held_out.unbiased
    error, drop, points = held_out.error, held_out.drop, held_out.points
    offset = float(error[rows].mean())
    centred, maximum = error - offset, samples.maximum.point
    posterior = samples.points[samples.unbiased]
    covariance = np.atleast_2d(np.cov(posterior, rowvar=False))  # of one parameter too
    return {
        "bands": error_bands(error, drop),
        "posterior": error_bands(error[rows], drop[rows], (None,))[0],
        "effective_fraction": reweighting(error[rows]).fraction,
        "marginals": marginals_of(samples, held_out),
        "divergence": divergence(error[rows], held_out.blocks[rows], seed=seed),
        "by_drop": by_drop(centred, drop),
        "by_radius": by_radius(centred, points, maximum, covariance),
        "by_parameter": by_parameter(centred[rows], points[rows], samples.parameters.names),
        "outside": extrapolation(
            exact, surrogate, points[rows], maximum, offset=offset, domain=domain
        ),
        "contents": _contents(samples, held_out),
        **_quadratic(quadratic, samples),
    }


def _quadratic(quadratic: LogDensity | None, samples: Samples) -> dict[str, Any]:
    """The same measures for the baseline alone, where there is one."""
    if quadratic is None:
        return {"quadratic": None, "quadratic_effective_fraction": None}
    found = held_out_points(quadratic, samples)
    error, drop = found.error[found.unbiased], found.drop[found.unbiased]
    return {
        "quadratic": error_bands(error, drop, (None,))[0],
        "quadratic_effective_fraction": reweighting(error).fraction,
    }


def _contents(samples: Samples, held_out: HeldOut) -> tuple[Content, ...]:
    """Contents of intervals of the parameters of interest, and of joint regions."""
    rows, share = held_out.unbiased, independence_of(samples)
    weights, blocks = held_out.weights[rows], held_out.blocks[rows]
    found: list[Content] = []
    for name in samples.parameters.poi_names:
        x = held_out.points[rows, samples.parameters.index(name)]
        found += contents(name, (x, x), weights, blocks, independence=share)
    density = held_out.log_density[rows]
    pair = density, density + held_out.error[rows]
    found += contents("joint", pair, weights, blocks, independence=share, joint=True)
    return tuple(found)
