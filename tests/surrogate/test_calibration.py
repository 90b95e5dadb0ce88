"""The factor between spread and error, on numbers with a known answer."""

from __future__ import annotations

import numpy as np
import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.calibration import calibrate


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_normal_errors_of_known_width(factor):
    """Errors that are normal with the width factor × spread: the factor is found, 68.3 and
    95.4 % are within one and two, and large spreads go with large errors."""
    rng = np.random.default_rng(2)
    spread = np.exp(rng.normal(size=100_000))
    errors = factor * spread * rng.normal(size=spread.size)
    found = calibrate(errors, spread)
    assert found.factor == pytest.approx(factor, rel=0.01)
    assert found.one_sigma == pytest.approx(0.6827, abs=0.001)
    assert found.two_sigma == pytest.approx(0.9545, abs=0.003)
    assert found.rank_correlation > 0.4
    judged = calibrate(errors, spread, factor=2 * factor)
    assert judged.factor == 2 * factor
    assert judged.one_sigma == pytest.approx(0.9545, abs=0.003)


def test_a_spread_that_knows_nothing():
    """Independent of the errors: no rank correlation."""
    rng = np.random.default_rng(3)
    found = calibrate(rng.normal(size=20_000), rng.uniform(1, 9, 20_000))
    assert abs(found.rank_correlation) < 0.03


@pytest.mark.parametrize(
    ("errors", "spread"),
    [([1.0], [0.0]), ([np.nan], [1.0]), ([1.0], [np.inf]), ([], []), ([1.0, 2.0], [1.0])],
)
def test_what_cannot_be_calibrated(errors, spread):
    """Zero spread, numbers that are not finite, nothing, other lengths: one line."""
    with pytest.raises(InvalidInput, match="Received: "):
        calibrate(np.array(errors), np.array(spread))
