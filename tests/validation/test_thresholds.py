"""Checks and verdicts: passed, missed, and not measured."""

from dataclasses import replace

import numpy as np

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


def test_fits_that_gave_nothing_fail(report):
    """A scan with NaN is missed, whatever the other scans are."""
    scan = replace(report.scans[1], surrogate=np.full(21, np.nan))
    found = named(verdict_of(replace(report, scans=(report.scans[0], scan)), Thresholds()))
    assert found["mean error on t"].passed is False
