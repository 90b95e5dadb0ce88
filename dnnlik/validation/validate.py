"""Everything that is measured about a surrogate, in one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import FitResult
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.description import Domain
from dnnlik.typing import JSON, LogDensity, Progress, no_progress
from dnnlik.validation.checks import verdict_of
from dnnlik.validation.coverage import Content, contents
from dnnlik.validation.error_profiles import by_drop, by_parameter, by_radius, extrapolation
from dnnlik.validation.fitted import best_fits, fitted
from dnnlik.validation.held_out import HeldOut, held_out_points, independence_of, marginals_of
from dnnlik.validation.intervals import intervals_of
from dnnlik.validation.joint import divergence
from dnnlik.validation.limits import limits_of
from dnnlik.validation.metrics import error_bands, reweighting
from dnnlik.validation.report import Validation
from dnnlik.validation.request import Request
from dnnlik.validation.sampled import FILE_NAME, SurrogateSample, compared, draw, sampler_of
from dnnlik.validation.scans import Scan, scans_of
from dnnlik.validation.skipped import Skipped
from dnnlik.validation.thresholds import Thresholds, Verdict
from dnnlik.validation.toys import ToyEnd, toy_coverage
from dnnlik.validation.uncertainty import StatedUncertainty, uncertainty_of

__all__ = ["validate"]

Skips = tuple[Skipped, ...]


def validate(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    *,
    quadratic: LogDensity | None = None,
    domain: Domain | None = None,
    request: Request | None = None,
    thresholds: Thresholds | None = None,
    folder: str | Path | None = None,
    subject: JSON | None = None,
    progress: Progress = no_progress,
) -> Validation:
    """Compare a surrogate with the exact likelihood on points it has not seen.

    Args:
        exact, surrogate: any LogDensity of the same parameters.
        samples: the sample file it was trained on; the held-out walkers are used.
        quadratic: the baseline alone, to be printed beside the network.
        domain: where the surrogate was trained.
        request: what to do beyond the fixed part, see `Request`.
        thresholds: see `dnnlik.validation.thresholds`.
        folder: where points drawn from the surrogate are kept; without one none are drawn.
        subject: what was validated (digests), kept in the report.

    Raises:
        InvalidInput: samples without points of the posterior.
        InvalidParameters: an unknown parameter to scan.
    """
    request = request or Request()
    _check_input(samples, request)
    pois = samples.parameters.poi_names
    progress("errors on held-out points", 0, 6)
    held_out = held_out_points(surrogate, samples)
    errors = _errors(exact, surrogate, quadratic, samples, held_out, domain, request.seed)
    uncertainty, no_uncertainty = _uncertainty(surrogate, held_out)
    progress("profile scans", 1, 6)
    best, learned = best_fits(exact, surrogate, samples.maximum.point)
    scans = _scans(exact, surrogate, samples, request, best, learned)
    progress("limits", 2, 6)
    limits, no_limits = limits_of(exact, surrogate, pois)
    progress("intervals and regions", 3, 6)
    intervals = intervals_of(surrogate, samples, seed=request.seed)
    sampled, not_drawn = _sampled(
        exact, surrogate, samples, learned, domain, request, folder, progress
    )
    toys, no_toys = _toys(exact, surrogate, samples, best, learned, request, progress)
    report = Validation(
        **errors,
        names=samples.parameters.names,
        fitted=fitted(exact, surrogate, best, learned),
        scans=scans,
        limits=limits,
        intervals=intervals,
        contents=_contents(samples, held_out),
        sampled=sampled,
        toys=toys,
        skipped=(*no_limits, *not_drawn, *no_toys, *no_uncertainty),
        verdict=Verdict(()),
        held_out=held_out,
        samples=samples,
        subject=subject or {},
        uncertainty=uncertainty,
    )
    progress("done", 6, 6)
    return replace(report, verdict=verdict_of(report, thresholds or Thresholds()))


def _check_input(samples: Samples, request: Request) -> None:
    if not samples.unbiased.any():
        raise InvalidInput(
            "a surrogate is validated on points of the posterior; sample with --strategy mixed. "
            "Received: samples of the profile alone"
        )
    for name in request.scan_parameters:
        samples.parameters.index(name)  # an unknown name is an error


def _scans(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    request: Request,
    best: FitResult,
    learned: FitResult,
) -> tuple[Scan, ...]:
    pois = samples.parameters.poi_names
    others = [n for n in dict.fromkeys(request.scan_parameters) if n not in pois]
    values = {} if request.scan is None else {pois[0]: request.scan}
    return scans_of(exact, surrogate, pois, others, best=best, learned=learned, values=values)


def _errors(
    exact: LogDensity,
    surrogate: LogDensity,
    quadratic: LogDensity | None,
    samples: Samples,
    held_out: HeldOut,
    domain: Domain | None,
    seed: int,
) -> dict[str, Any]:
    """Fields of the report that come from the held-out points."""
    rows = held_out.unbiased
    error, drop, points = held_out.error, held_out.drop, held_out.points
    offset = float(error[rows].mean())
    centred, maximum = error - offset, samples.maximum.point
    posterior = samples.points[samples.unbiased]
    return {
        "bands": error_bands(error, drop),
        "posterior": error_bands(error[rows], drop[rows], (None,))[0],
        "effective_fraction": reweighting(error[rows]).fraction,
        "marginals": marginals_of(samples, held_out),
        "divergence": divergence(error[rows], held_out.blocks[rows], seed=seed),
        "by_drop": by_drop(centred, drop),
        "by_radius": by_radius(centred, points, maximum, np.cov(posterior, rowvar=False)),
        "by_parameter": by_parameter(centred[rows], points[rows], samples.parameters.names),
        "outside": extrapolation(
            exact, surrogate, points[rows], maximum, offset=offset, domain=domain
        ),
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


def _uncertainty(
    surrogate: LogDensity, held_out: HeldOut
) -> tuple[StatedUncertainty | None, Skips]:
    try:
        return uncertainty_of(surrogate, held_out), ()
    except InvalidInput as error:
        return None, (Skipped("the uncertainty of the ensemble", str(error)),)


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


def _sampled(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    learned: FitResult,
    domain: Domain | None,
    request: Request,
    folder: str | Path | None,
    progress: Progress,
) -> tuple[SurrogateSample | None, Skips]:
    if request.quick or folder is None:
        reason = "it was not asked for (quick)" if request.quick else "there is no folder for it"
        return None, (Skipped("sampling of the surrogate", reason),)
    if not isinstance(surrogate, Likelihood):
        reason = f"a {type(surrogate).__name__} has no digest to know its points by"
        return None, (Skipped("sampling of the surrogate", reason),)
    sampler = request.sampler or sampler_of(samples)
    drawn, reason = draw(
        surrogate,
        samples,
        Path(folder) / FILE_NAME,
        best=learned,
        sampler=sampler,
        most=request.most_points,
        progress=progress,
    )
    return compared(
        exact,
        surrogate,
        samples,
        drawn,
        reason,
        sampler=sampler,
        domain=domain,
        seed=request.seed,
    ), ()


def _toys(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    best: FitResult,
    learned: FitResult,
    request: Request,
    progress: Progress,
) -> tuple[tuple[ToyEnd, ...] | None, Skips]:
    if not request.toys:
        reason = "it was not asked for (--toys N)"
        return None, (Skipped("coverage from toys", reason),)
    found, skipped = toy_coverage(
        exact,
        surrogate,
        samples.parameters.poi_names,
        best=best,
        learned=learned,
        count=request.toys,
        seed=request.seed,
        progress=progress,
    )
    return found or None, skipped
