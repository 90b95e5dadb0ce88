"""The quadratic beside the network: exact where the truth is quadratic, chosen where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.surrogate.baseline import expansion, quadratic_of, regression
from dnnlik.surrogate.data import split


@pytest.mark.parametrize("kind", ["hessian", "regression", "best"])
@pytest.mark.parametrize("gradients", [True, False])
def test_the_quadratic_of_a_gaussian_is_exact(gaussian_samples, kind, gradients):
    """For a quadratic main term every baseline is the main term, everywhere, whether it is
    found from gradients or from values."""
    gauss, samples = gaussian_samples
    assert samples.gradient is not None
    if not gradients:
        samples = replace(samples, gradient=None)
    which, found = quadratic_of(samples, kind)
    assert which == kind or kind == "best"
    np.testing.assert_allclose(
        found.value_of(samples.points), gauss.log_main(samples.points), atol=1e-7
    )


def test_without_a_baseline(samples):
    """None is none."""
    assert quadratic_of(samples, "none") == ("none", None)


def test_the_regression_is_least_squares(samples):
    """Of values: no other quadratic is nearer to these points; here one coefficient after
    the other is moved by a thousandth."""
    rows = replace(samples.rows(split(samples).train), gradient=None)
    found = regression(rows)

    def squares(quadratic):
        return np.sum((rows.log_main - quadratic.value_of(rows.points)) ** 2)

    best = squares(found)
    assert best < squares(expansion(samples))
    for i in range(3):
        for sign in (1, -1):
            step = sign * 1e-3 * np.eye(3)[i]
            assert squares(replace(found, gradient=found.gradient + step)) > best
            bent = found.hessian + sign * 1e-3 * np.outer(np.eye(3)[i], np.eye(3)[i])
            assert squares(replace(found, hessian=bent)) > best


def test_best_is_the_better_on_validation_points(samples):
    """Neither of the two has a smaller spread of errors on those of the posterior."""
    validation = samples.rows(split(samples).validation & samples.unbiased)

    def spread(kind):
        _, quadratic = quadratic_of(samples, kind)
        return np.std(validation.log_main - quadratic.value_of(validation.points))

    assert spread("best") == min(spread("hessian"), spread("regression"))
    assert spread("hessian") != spread("regression")


def test_few_points_are_not_fitted(samples):
    """With fewer points than four a coefficient the expansion stays."""
    few = samples.rows(np.arange(39))
    assert regression(replace(few, gradient=None)) is None
    without = replace(samples, gradient=None)
    short = without.rows(np.arange(45))  # of which some forty train
    for kind in ("regression", "best"):
        which, found = quadratic_of(short, kind)
        assert which == "hessian"
        np.testing.assert_array_equal(found.hessian, expansion(samples).hessian)
