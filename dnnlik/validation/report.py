"""Validation of a surrogate against the exact likelihood, as one frozen report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.documents import read_json, write_json
from dnnlik.environment import software_versions
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.inference import LEVELS, Profile, fit, hpdi, likelihood_interval, profile
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split
from dnnlik.typing import JSON, LogDensity, Progress, no_progress
from dnnlik.validation.metrics import (
    ErrorBand,
    Marginal,
    error_bands,
    marginals,
    reweighting,
)
from dnnlik.validation.thresholds import Check, Thresholds, Verdict

__all__ = [
    "REVISION",
    "SCHEMA",
    "HeldOut",
    "Interval",
    "Scan",
    "Validation",
    "read_validation",
    "validate",
]

SCHEMA = "dnnlik.validation/1"
REVISION = 2
"""Raised whenever a number of the report is computed in another way."""
_SCAN_POINTS = 11
_T_MAX = 9.0  # three standard deviations


@dataclass(frozen=True, eq=False)
class Scan:
    """t_μ of one parameter of interest, exact and surrogate, at the same values."""

    name: str
    values: NDArray[np.float64]
    exact: NDArray[np.float64]
    surrogate: NDArray[np.float64]
    all_converged: bool

    @property
    def mean_error(self) -> float:
        """Mean |Δt_μ| over the scan (arXiv:1911.03305, section 4)."""
        return float(np.mean(np.abs(self.surrogate - self.exact)))

    @property
    def largest_error(self) -> float:
        return float(np.max(np.abs(self.surrogate - self.exact)))


@dataclass(frozen=True)
class Interval:
    """HPDI of one parameter of interest at one level, exact and surrogate."""

    name: str
    level: float
    exact: tuple[float, float]
    surrogate: tuple[float, float]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the figures need of the test points: errors and weights, row by row."""

    drop: NDArray[np.float64]
    error: NDArray[np.float64]
    unbiased: NDArray[np.bool_]
    points: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Validation:
    """The report. ``bands`` are of all test points, ``posterior`` of the unbiased ones;
    ``quadratic`` the same without the network, None where there is no baseline."""

    bands: tuple[ErrorBand, ...]
    posterior: ErrorBand
    quadratic: ErrorBand | None
    quadratic_effective_fraction: float | None
    effective_fraction: float
    marginals: tuple[Marginal, ...]
    scans: tuple[Scan, ...]
    intervals: tuple[Interval, ...]
    verdict: Verdict
    held_out: HeldOut
    subject: JSON

    def to_json(self) -> JSON:
        """The content of ``validation.json``."""
        return {
            "schema": SCHEMA,
            "passed": self.verdict.passed,
            "checks": [{**asdict(c), "passed": c.passed} for c in self.verdict.checks],
            "error_bands": [asdict(band) for band in self.bands],
            "posterior_error": asdict(self.posterior),
            "quadratic_error": None if self.quadratic is None else asdict(self.quadratic),
            "quadratic_effective_fraction": self.quadratic_effective_fraction,
            "effective_fraction": self.effective_fraction,
            "kolmogorov_smirnov": [asdict(marginal) for marginal in self.marginals],
            "scans": [_scan_json(scan) for scan in self.scans],
            "intervals": [asdict(interval) for interval in self.intervals],
            "subject": self.subject,
            "software": software_versions(),
        }

    def write(self, path: str | Path) -> None:
        """Write ``validation.json``, checked against its schema."""
        document = self.to_json()
        _check_schema(document, path)
        write_json(path, document)


def _scan_json(scan: Scan) -> JSON:
    return {
        "name": scan.name,
        "values": scan.values.tolist(),
        "t_exact": scan.exact.tolist(),
        "t_surrogate": scan.surrogate.tolist(),
        "mean_error": scan.mean_error,
        "largest_error": scan.largest_error,
        "all_converged": scan.all_converged,
    }


def read_validation(path: str | Path) -> JSON:
    """The JSON of a validation, checked against its schema."""
    document = read_json(path)
    _check_schema(document, path)
    return document


def _check_schema(document: JSON, path: str | Path) -> None:
    import json

    import jsonschema

    schema = json.loads(resources.files("dnnlik.schemas").joinpath("validation-1.json").read_text())
    try:
        jsonschema.validate(json.loads(json.dumps(document)), schema)
    except jsonschema.ValidationError as error:
        raise InvalidFile(
            f"the file is no validation report ({error.message[:120]}). Received: {path}"
        ) from error


def validate(
    exact: LogDensity,
    surrogate: LogDensity,
    samples: Samples,
    *,
    quadratic: LogDensity | None = None,
    scan: NDArray[np.float64] | None = None,
    thresholds: Thresholds | None = None,
    subject: dict[str, Any] | None = None,
    progress: Progress = no_progress,
) -> Validation:
    """Compare a surrogate with the exact likelihood on points it has not seen.

    Args:
        exact, surrogate: any LogDensity of the same parameters.
        samples: the sample file it was trained on; the held-out walkers are used.
        quadratic: the baseline alone, to be printed beside the network.
        scan: values of the (first) parameter of interest; by default eleven up to
            t_μ = 9 on both sides. Every parameter of interest is scanned.
        thresholds: see `dnnlik.validation.thresholds`.
        subject: what was validated (digests), kept in the report.
    """
    if not samples.unbiased.any():
        raise InvalidInput(
            "a surrogate is validated on points of the posterior; sample with --strategy mixed. "
            "Received: samples of the profile alone"
        )
    progress("errors on held-out points", 0, 4)
    held_out = _held_out(surrogate, samples)
    drop, unbiased = held_out.drop, held_out.unbiased
    posterior = error_bands(held_out.error[unbiased], drop[unbiased], (None,))[0]
    weighting = reweighting(held_out.error[unbiased])
    progress("marginals and intervals", 1, 4)
    stated = _marginals(samples, held_out)
    intervals = _intervals(surrogate, samples)
    progress("profile scans", 2, 4)
    scans = _scans(exact, surrogate, samples, scan)
    quadratic_band = quadratic_fraction = None
    if quadratic is not None:
        error = _held_out(quadratic, samples).error[unbiased]
        quadratic_band = error_bands(error, drop[unbiased], (None,))[0]
        quadratic_fraction = reweighting(error).fraction
    progress("done", 4, 4)
    report = Validation(
        bands=error_bands(held_out.error, drop),
        posterior=posterior,
        quadratic=quadratic_band,
        quadratic_effective_fraction=quadratic_fraction,
        effective_fraction=weighting.fraction,
        marginals=stated,
        scans=scans,
        intervals=intervals,
        verdict=Verdict(()),
        held_out=held_out,
        subject=subject or {},
    )
    return replace(report, verdict=_verdict(report, thresholds or Thresholds()))


def _held_out(surrogate: LogDensity, samples: Samples) -> HeldOut:
    test = samples.rows(split(samples).test)
    error = surrogate.log_likelihood(test.points) - test.log_likelihood
    weights = np.zeros(len(test))
    weights[test.unbiased] = reweighting(error[test.unbiased]).weights
    return HeldOut(test.drop, error, test.unbiased, test.points, weights)


def _marginals(samples: Samples, held_out: HeldOut) -> tuple[Marginal, ...]:
    rows = held_out.unbiased
    independence = samples.diagnostics["effective_points"] / int(samples.unbiased.sum())
    return marginals(
        samples.parameters.names,
        held_out.points[rows],
        held_out.weights[rows],
        independence=min(1.0, independence),
    )


def _intervals(surrogate: LogDensity, samples: Samples) -> tuple[Interval, ...]:
    """HPDI from all posterior points: the ends of the widest need the statistics, and the
    weights of training points are no better than those of the others to within it."""
    posterior, found = samples.rows(samples.unbiased), []
    error = surrogate.log_likelihood(posterior.points) - posterior.log_likelihood
    weights = reweighting(error).weights
    for name in samples.parameters.poi_names:
        values = posterior.points[:, samples.parameters.index(name)]
        exact, learned = hpdi(values), hpdi(values, weights=weights)
        for level, a, b in zip(LEVELS, exact, learned, strict=True):
            found.append(Interval(name, level, (a[0], a[1]), (b[0], b[1])))
    return tuple(found)


def _scans(
    exact: LogDensity, surrogate: LogDensity, samples: Samples, scan: NDArray[np.float64] | None
) -> tuple[Scan, ...]:
    best = fit(exact, start=samples.maximum.point)
    learned = fit(surrogate, start=samples.maximum.point)
    scans = []
    for i, name in enumerate(samples.parameters.poi_names):
        if scan is not None and i == 0:
            values = np.asarray(scan, dtype=float)
        else:
            values = np.linspace(*likelihood_interval(exact, name, _T_MAX, best=best), _SCAN_POINTS)
        a = profile(exact, name, values, best=best)
        # A network has kinks at which a fit can stop: also start where the exact ones end.
        b = profile(surrogate, name, values, best=learned, starts=a.points)
        scans.append(Scan(name, values, a.t, b.t, _converged(a, b)))
    return tuple(scans)


def _converged(*profiles: Profile) -> bool:
    return all(p.best.converged and bool(p.converged.all()) for p in profiles)


def _verdict(report: Validation, limits: Thresholds) -> Verdict:
    smallest = min(marginal.p_value for marginal in report.marginals)
    mean = max(scan.mean_error for scan in report.scans)
    largest = max(scan.largest_error for scan in report.scans)
    checks = [
        Check("effective fraction", report.effective_fraction, limits.effective_fraction, False),
        Check("mean error on t", mean, limits.mean_t_error, True),
        Check("largest error on t", largest, limits.largest_t_error, True),
        Check(
            "smallest K-S p-value times marginals",
            min(1.0, smallest * len(report.marginals)),
            limits.smallest_p,
            False,
        ),
    ]
    if limits.beats_quadratic and report.quadratic is not None:
        ratio = report.posterior.spread / max(report.quadratic.spread, 1e-300)
        checks.append(Check("error over the quadratic's alone", ratio, 1.0, True))
    return Verdict(tuple(checks))
