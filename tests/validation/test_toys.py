"""Confidence from toys, on a normal measurement where every number is known."""

import numpy as np
import pytest
from scipy.stats import norm

from dnnlik.inference import fit
from dnnlik.validation.toys import toy_coverage


class Measurements:
    """One normal measurement of ``a`` a problem, width 1; ``b`` is measured at 0."""

    def __init__(self, parameters, data):
        self.parameters, self.data = parameters, data

    def __len__(self):
        return len(self.data)

    def value_and_gradient(self, points, rows):
        step = points - np.stack([self.data[rows], 0 * self.data[rows]], axis=1)
        return -0.5 * (step**2).sum(axis=1), -step


@pytest.fixture
def measured(gaussian):
    """A Gaussian that can make other data."""

    class Generating(gaussian):
        def asimov(self, point):
            return Generating([point[0], 0.0], np.eye(2))

        def generate(self, point, count, rng):
            return rng.normal(point[0], 1.0, count)

        def with_data(self, datasets):
            return Measurements(self.parameters, datasets)

    return Generating([0.5, 0.0], np.eye(2))


def ends_of(exact, surrogate, count=800):
    return toy_coverage(
        exact, surrogate, ["a"], best=fit(exact), learned=fit(surrogate), count=count, seed=1
    )


def test_exact_ends_have_their_nominal_level(measured):
    """For a normal measurement t is χ²: the ends of 1 and 2 σ have 68.27 and 95.45 %."""
    found, skipped = ends_of(measured, measured)
    assert skipped == ()
    assert [round(e.value, 2) for e in found if e.of == "exact"] == [-0.5, 1.5, -1.5, 2.5]
    for end in found:
        assert abs(end.confidence - end.level) < 4 * end.error
        assert (end.toys, end.failed) == (800, 0)


def test_equal_surrogates_have_equal_confidence(measured, gaussian):
    """The same random numbers for both: an equal surrogate gives equal confidence, and one
    that is a tenth wider that of 1.1 σ."""
    found, _ = ends_of(measured, gaussian([0.5, 0.0], np.eye(2)))
    pairs = zip(found[:2], found[2:4], strict=True)
    assert all(a.confidence == pytest.approx(b.confidence, abs=0.003) for a, b in pairs)
    wide, _ = ends_of(measured, gaussian([0.5, 0.0], 1.21 * np.eye(2)))
    end = wide[2]
    assert end.of == "surrogate"
    assert end.t == pytest.approx(1.21, abs=1e-2)
    assert abs(end.confidence - (1 - 2 * norm.cdf(-1.1))) < 4 * end.error


def test_ends_at_a_bound_are_left_out(gaussian, measured):
    """Where t does not reach its value within the bounds there is no end to test."""
    near = type(measured)([0.5, 0.0], np.eye(2), bounds=(0.0, 9.0))
    found, _ = ends_of(near, near, count=20)
    assert all(end.value > 0 for end in found)
    assert len(found) == 4


def test_without_other_data_there_are_no_toys(gaussian):
    """A likelihood that cannot make data says so, and no number is made up."""
    plain = gaussian([0.5, 0.0], np.eye(2))
    found, skipped = ends_of(plain, plain)
    assert found == ()
    assert "cannot make other data" in skipped[0].reason
