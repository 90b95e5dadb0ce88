"""Everything that is measured about a surrogate, in one call."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import FitResult
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.description import Domain
from dnnlik.typing import JSON, LogDensity, Progress, no_progress
from dnnlik.validation.checks import verdict_of
from dnnlik.validation.fitted import best_fits, fitted
from dnnlik.validation.held_out import HeldOut, held_out_points
from dnnlik.validation.held_out_errors import measured_there
from dnnlik.validation.intervals import intervals_of
from dnnlik.validation.limits import limits_of
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
    found = _measured(exact, surrogate, samples, quadratic, domain, request, folder, progress)
    report = replace(found, subject=subject or {})
    return replace(report, verdict=verdict_of(report, thresholds or Thresholds()))


def _measured(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    quadratic: LogDensity | None,
    domain: Domain | None,
    request: Request,
    folder: str | Path | None,
    progress: Progress,
) -> Validation:
    """Everything but the verdict."""
    progress("errors on held-out points", 0, 6)
    held_out = held_out_points(surrogate, samples)
    seed = request.seed
    measured = measured_there(exact, surrogate, quadratic, samples, held_out, domain, seed)
    uncertainty, no_uncertainty = _uncertainty(surrogate, held_out)
    progress("profile scans", 1, 6)
    best, learned = best_fits(exact, surrogate, samples.maximum.point)
    scans = _scans(exact, surrogate, samples, request, best, learned)
    progress("limits", 2, 6)
    limits, no_limits = limits_of(exact, surrogate, samples.parameters.poi_names)
    progress("intervals and regions", 3, 6)
    intervals = intervals_of(surrogate, samples, seed=seed)
    sampled, not_drawn = _sampled(
        exact, surrogate, samples, learned, domain, request, folder, progress
    )
    toys, no_toys = _toys(exact, surrogate, samples, best, learned, request, progress)
    report = Validation(
        **measured,
        names=samples.parameters.names,
        fitted=fitted(exact, surrogate, best, learned),
        scans=scans,
        limits=limits,
        intervals=intervals,
        sampled=sampled,
        toys=toys,
        skipped=(*no_limits, *not_drawn, *no_toys, *no_uncertainty),
        verdict=Verdict(()),
        held_out=held_out,
        samples=samples,
        subject={},
        uncertainty=uncertainty,
    )
    progress("done", 6, 6)
    return report


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


def _uncertainty(
    surrogate: LogDensity, held_out: HeldOut
) -> tuple[StatedUncertainty | None, Skips]:
    try:
        return uncertainty_of(surrogate, held_out), ()
    except InvalidInput as error:
        return None, (Skipped("the uncertainty of the ensemble", str(error)),)


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
