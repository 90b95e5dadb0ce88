"""What an ensemble says of itself, against errors that are known."""

from __future__ import annotations

import numpy as np
import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.plotting.error_profiles import figure_of_uncertainty
from dnnlik.validation.held_out import HeldOut
from dnnlik.validation.uncertainty import uncertainty_of

COUNT = 40_000


class Stated:
    """States the absolute value of the first parameter."""

    def uncertainty(self, points):
        return np.abs(points[:, 0])


def held_out(factor):
    """Errors that are normal with ``factor`` times the stated uncertainty."""
    rng = np.random.default_rng(5)
    points = np.exp(rng.normal(size=(COUNT, 2)))
    error = factor * points[:, 0] * rng.normal(size=COUNT)
    zeros = np.zeros(COUNT)
    return HeldOut(zeros, error + 100.0, zeros == 0, points, zeros, zeros, zeros.astype(int))


@pytest.mark.parametrize("factor", [1.0, 3.0])
def test_bins_show_the_factor_between_error_and_statement(factor):
    """A constant in the errors left out: in each bin of equally many points the rms error is
    that factor times the rms stated; the fraction within one stated deviation is that of a
    normal distribution."""
    found = uncertainty_of(Stated(), held_out(factor))
    assert [b.points for b in found.bins] == [COUNT // 8] * 8
    for one in found.bins:
        assert one.low <= one.stated <= one.high
        assert one.rms == pytest.approx(factor * one.stated, rel=0.06)
    within = {1.0: 0.6827, 3.0: 0.2611}[factor]
    assert found.calibration.one_sigma == pytest.approx(within, abs=0.01)
    assert found.calibration.factor == 1.0
    figure = figure_of_uncertainty(found)
    assert figure.axes[0].get_xlabel() == "stated uncertainty"


def test_one_that_states_nothing():
    """No uncertainty, no statement to judge; so for a network that is alone."""

    class Alone(Stated):
        has_uncertainty = False

    assert uncertainty_of(object(), held_out(1.0)) is None
    assert uncertainty_of(Alone(), held_out(1.0)) is None


def test_an_uncertainty_of_zero_is_refused():
    """Members that are all the same cannot say anything: one line."""

    class Same(Stated):
        def uncertainty(self, points):
            return np.zeros(len(points))

    with pytest.raises(InvalidInput, match=r"no spread is zero\. Received: "):
        uncertainty_of(Same(), held_out(1.0))
