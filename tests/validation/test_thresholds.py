"""Checks and verdicts: passed, missed, and not measured."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from dnnlik.inference.limits import UpperLimit
from dnnlik.validation.checks import verdict_of
from dnnlik.validation.sampled import SurrogateSample
from dnnlik.validation.skipped import Skipped
from dnnlik.validation.thresholds import REASONS, Check, Thresholds, Verdict


def named(verdict):
    return {check.name: check for check in verdict.checks}


def test_checks_and_verdict():
    """A verdict passes if every check does, on the right side of its limit."""
    good, bad = Check("a", 0.95, 0.9, at_most=False), Check("b", 0.3, 0.2, at_most=True)
    assert good.passed
    assert not bad.passed
    assert not Verdict((good, bad)).passed
    assert "0.3 (at most 0.2, missed)" in Verdict((good, bad)).missed[0]


def test_not_measured_is_neither():
    """What was not measured does not fail a verdict, and is listed; NaN fails it."""
    absent = Check("a", None, 1.0, at_most=True, note="quick")
    assert absent.passed is None
    assert Verdict((absent,)).passed
    assert Verdict((absent,)).not_measured == ["a not measured (quick)"]
    lost = Check("a", float("nan"), 1.0, at_most=True)
    assert lost.passed is False
    assert "none (at most 1, missed)" in lost.sentence


def test_every_limit_has_a_reason(report):
    """Each threshold has its reason, and each check carries one."""
    assert set(REASONS) == set(vars(Thresholds()))
    assert all(check.reason for check in report.verdict.checks)


def test_a_surrogate_that_cannot_be_sampled_fails(report):
    """Chains that ran away: the sampled checks are missed, and say what happened."""
    lost = SurrogateSample("emcee", 100, None, None, False, "R-hat 7", 0.4, 0.0)
    found = named(verdict_of(replace(report, sampled=lost), Thresholds()))
    assert found["sampled: probability elsewhere"].passed is False
    assert found["sampled: shift of HPDI ends"].note == "R-hat 7"
    assert found["sampled: fraction outside of the domain"].measured == 0.4
    nothing = SurrogateSample("emcee", 0, None, None, False, "R-hat 7", None, None)
    found = named(verdict_of(replace(report, sampled=nothing), Thresholds()))
    assert found["sampled: fraction outside of the domain"].note == "R-hat 7"


def test_what_was_left_out_is_not_measured(report):
    """Without points from the surrogate, and without limits: the reasons are in the checks."""
    skipped = (
        Skipped("sampling of the surrogate", "it was not asked for"),
        Skipped("limit of a", "0 is not within the bounds"),
    )
    less = replace(report, sampled=None, limits=(), skipped=skipped)
    found = named(verdict_of(less, Thresholds()))
    assert found["sampled: probability elsewhere"].note == "it was not asked for"
    assert found["change of the 95 % limit"].passed is None
    assert found["change of the 95 % limit"].note == "0 is not within the bounds"


def test_a_limit_that_the_surrogate_loses_fails(report):
    """The exact limit is there, the surrogate's is not: missed, not skipped."""
    limit = report.limits[0]
    gone = replace(limit.surrogate, observed=float("nan"))
    assert isinstance(gone, UpperLimit)
    broken = replace(report, limits=(replace(limit, surrogate=gone),))
    check = named(verdict_of(broken, Thresholds()))["change of the 95 % limit"]
    assert check.passed is False
    assert "does not fall" in check.note


def test_at_a_bound_shifts_are_in_widths_of_the_posterior(report):
    """An exact fit without an uncertainty: the width of the posterior stands in."""
    errors = np.full(3, np.nan)
    fit = replace(report.fitted, exact_error=errors)
    found = named(verdict_of(replace(report, fitted=fit), Thresholds()))
    width = next(i.width for i in report.intervals if i.name == "a")
    shift = found["shift of the best fit"]
    assert abs(shift.measured - 0.01 / width) < 1e-4
    assert "at a bound" in shift.note
    assert found["change of uncertainty"].passed is None


UNCONVERGED = "fits of the surrogate that did not converge"


def flags(*false, count=21):
    found = np.ones(count, bool)
    found[list(false)] = False
    return found


def convergence(report, *, best=(True, True), scan=None):
    """The check, with other flags of the best fit and of the first scan."""
    fit = replace(report.fitted, exact_converged=best[0], surrogate_converged=best[1])
    exact, surrogate = scan or (flags(), flags())
    first = replace(report.scans[0], exact_converged=exact, surrogate_converged=surrogate)
    changed = replace(report, fitted=fit, scans=(first, *report.scans[1:]))
    return named(verdict_of(changed, Thresholds()))[UNCONVERGED]


def test_fits_that_converge_pass(report):
    """The best fit and both scans: 1 + 2·21 fits, none of them lost."""
    check = convergence(report)
    assert (check.measured, check.limit, check.passed) == (0, 0, True)
    assert check.note == "of 43 fits"


def test_one_lost_fit_is_too_many(report):
    """Every fit of the surrogate counts where the exact one converged, that of the data too."""
    one = convergence(report, scan=(flags(), flags(5)))
    assert (one.measured, one.passed) == (1, False)
    both = convergence(report, best=(True, False), scan=(flags(), flags(0, 20)))
    assert (both.measured, both.passed) == (3, False)


def test_where_the_exact_fit_fails_nothing_is_asked(report):
    """A value at which the exact fit does not converge says nothing of the surrogate."""
    check = convergence(report, best=(False, False), scan=(flags(3, 4), flags(4, 6)))
    assert (check.measured, check.passed) == (1, False)
    assert check.note == "of 40 fits; 3 exact ones did not converge and are left out"
    nothing = replace(report, scans=(replace(report.scans[0], exact_converged=flags(*range(21))),))
    lost = replace(nothing, fitted=replace(report.fitted, exact_converged=False))
    check = named(verdict_of(lost, Thresholds()))[UNCONVERGED]
    assert check.passed is None


def test_limits_in_units_of_their_band(report):
    """The reason's numbers are those of a Gaussian with CL_s, z + Φ⁻¹(1 - α Φ(z)); the note
    has the change of the limit in units of the band that the report shows."""
    z = np.array([-1.0, 0.0, 1.0])
    low, median, high = z + ndtri(1 - 0.05 * ndtr(z))
    assert (high - low) / 2 / median == pytest.approx(1 / 3, abs=0.01)
    assert 0.02 * median / ((high - low) / 2) == pytest.approx(0.06, abs=0.001)
    worst = max(report.limits, key=lambda one: abs(one.difference))
    band = worst.exact.expected
    share = abs(worst.surrogate.observed - worst.exact.observed) / ((band[3] - band[1]) / 2)
    check = named(verdict_of(report, Thresholds()))["change of the 95 % limit"]
    assert check.note == f"{100 * share:.2g} % of half the ±1σ band of expected limits"
    flat = replace(worst.exact, expected=np.full(5, np.nan))
    alone = replace(report, limits=(replace(worst, exact=flat),))
    assert named(verdict_of(alone, Thresholds()))["change of the 95 % limit"].note == ""


def test_fits_that_gave_nothing_fail(report):
    """A scan with NaN is missed, whatever the other scans are."""
    scan = replace(report.scans[1], surrogate=np.full(21, np.nan))
    found = named(verdict_of(replace(report, scans=(report.scans[0], scan)), Thresholds()))
    assert found["mean error on t"].passed is False
