"""From a report to its verdict: one check a limit of `dnnlik.validation.thresholds`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from dnnlik.validation.thresholds import REASONS, Check, Thresholds, Verdict

if TYPE_CHECKING:
    from dnnlik.validation.limits import LimitComparison
    from dnnlik.validation.report import Validation

__all__ = ["verdict_of"]


def verdict_of(report: Validation, limits: Thresholds) -> Verdict:
    """All checks of a report; what was skipped is in it as not measured."""
    return Verdict(
        (
            *_distribution(report, limits),
            *_profiles(report, limits),
            *_limits(report, limits),
            *_sampled(report, limits),
            *_baseline(report, limits),
        )
    )


def _check(
    title: str, key: str, measured: float | None, limits: Thresholds, note: str = ""
) -> Check:
    at_most = key not in ("effective_fraction", "smallest_p")
    return Check(title, measured, float(getattr(limits, key)), at_most, REASONS[key], note)


def _distribution(report: Validation, limits: Thresholds) -> Iterable[Check]:
    yield _check("effective fraction", "effective_fraction", report.effective_fraction, limits)
    tv = report.divergence.total_variation
    note = f"Monte Carlo error {tv.error:.2g}"
    yield _check("total variation", "total_variation", tv.value, limits, note)
    smallest = min(marginal.p_value for marginal in report.marginals)
    p_value = min(1.0, smallest * len(report.marginals))
    yield _check("smallest K-S p-value times marginals", "smallest_p", p_value, limits)
    shift = max(i.excess for i in report.intervals)
    yield _check("shift of HPDI ends", "hpdi_shift", shift, limits)


def _profiles(report: Validation, limits: Thresholds) -> Iterable[Check]:
    # NumPy's maximum of something and NaN is NaN, which misses its limit.
    mean = float(np.max([scan.mean_error for scan in report.scans]))
    largest = float(np.max([scan.largest_error for scan in report.scans]))
    yield _check("mean error on t", "mean_t_error", mean, limits)
    yield _check("largest error on t", "largest_t_error", largest, limits)
    yield from _fits(report, limits)


def _fits(report: Validation, limits: Thresholds) -> Iterable[Check]:
    found, parameters = report.fitted, report.samples.parameters
    pois = [parameters.index(name) for name in parameters.poi_names]
    widths = {interval.name: interval.width for interval in report.intervals}
    width = np.array([widths[name] for name in parameters.poi_names])
    usable = np.isfinite(found.exact_error[pois])
    # At a bound a fit has no curvature to speak of: the width of the posterior instead.
    unit = np.where(usable, found.exact_error[pois], width)
    shift = np.abs(found.surrogate[pois] - found.exact[pois]) / unit
    note = "" if usable.all() else "the exact fit is at a bound: in widths of the posterior"
    yield _check("shift of the best fit", "poi_shift", float(shift.max()), limits, note)
    ratio = np.abs(found.error_ratio[pois][usable] - 1)
    note = "" if usable.any() else "the exact fit is at a bound: it has no uncertainty"
    measured = float(ratio.max()) if usable.any() else None
    yield _check("change of uncertainty", "error_ratio", measured, limits, note)
    yield _check("exact t of the best fit", "fit_distance", abs(found.t_at_surrogate), limits)
    yield _convergence(report, limits)


def _convergence(report: Validation, limits: Thresholds) -> Check:
    """How many fits of the surrogate did not converge, of those where the exact one did."""
    fits, scans = report.fitted, report.scans
    exact = np.concatenate([[fits.exact_converged], *(s.exact_converged for s in scans)])
    ours = np.concatenate([[fits.surrogate_converged], *(s.surrogate_converged for s in scans)])
    note = f"of {exact.sum()} fits"
    if not exact.all():
        note += f"; {(~exact).sum()} exact ones did not converge and are left out"
    measured = float((exact & ~ours).sum()) if exact.any() else None
    title = "fits of the surrogate that did not converge"
    return _check(title, "unconverged_fits", measured, limits, note)


def _limits(report: Validation, limits: Thresholds) -> Iterable[Check]:
    reasons = "; ".join(s.reason for s in report.skipped if s.what.startswith("limit"))
    for title, key, exact, change in (
        (
            "change of the 95 % limit",
            "limit_difference",
            [one.exact.observed for one in report.limits],
            [one.difference for one in report.limits],
        ),
        (
            "change of the expected limit",
            "expected_limit_difference",
            [float(one.exact.expected[2]) for one in report.limits],
            [one.expected_difference for one in report.limits],
        ),
    ):
        rows = zip(change, exact, report.limits, strict=True)
        found = [(abs(c), limit, one) for c, limit, one in rows if math.isfinite(limit)]
        if not found:
            yield _check(title, key, None, limits, reasons or "there is none")
            continue
        # NaN, which is missed, before any number.
        worst = max(found, key=lambda row: math.inf if math.isnan(row[0]) else row[0])
        yield _check(title, key, worst[0], limits, _of_the_band(*worst))


def _of_the_band(change: float, limit: float, found: LimitComparison) -> str:
    """A change of a limit in units of half its ±1σ band of expected limits."""
    if math.isnan(change):
        return "the surrogate's CL_s does not fall to 5 % where the exact does"
    low, high = found.exact.expected[[1, 3]]
    if not (math.isfinite(low) and high > low):
        return ""
    return f"{200 * change * limit / (high - low):.2g} % of half the ±1σ band of expected limits"


def _sampled(report: Validation, limits: Thresholds) -> Iterable[Check]:
    titles = ("sampled: probability elsewhere", "sampled: shift of HPDI ends")
    outside = "sampled: fraction outside of the domain"
    found = report.sampled
    if found is None:
        note = next((s.reason for s in report.skipped if s.what.startswith("sampling")), "")
        for title, key in zip(titles, ("sampled_excess", "hpdi_shift"), strict=True):
            yield _check(title, key, None, limits, note)
        yield _check(outside, "outside_domain", None, limits, note)
        return
    if found.tests is None:  # a surrogate that cannot be sampled has failed
        for title, key in zip(titles, ("sampled_excess", "hpdi_shift"), strict=True):
            yield _check(title, key, math.nan, limits, found.reason)
    else:
        yield _check(titles[0], "sampled_excess", found.tests.excess, limits)
        shift = max(i.excess for i in found.intervals)
        yield _check(titles[1], "hpdi_shift", shift, limits)
    note = "" if found.outside is not None else found.reason or "no domain was given"
    yield _check(outside, "outside_domain", found.outside, limits, note)


def _baseline(report: Validation, limits: Thresholds) -> Iterable[Check]:
    if limits.beats_quadratic and report.quadratic is not None:
        ratio = report.posterior.spread / max(report.quadratic.spread, 1e-300)
        title = "error over the quadratic's alone"
        yield Check(title, ratio, 1.0, True, REASONS["beats_quadratic"])
