"""The bounded quadratic model against scipy's bounded least squares."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from dnnlik.inference.quadratic import QuadraticModel, curvature_widths, definite


def random_models(count, size, seed, width):
    """Slopes, informations and boxes around zero that cut into most of the steps."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(count, size, size))
    information = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(size)
    slope = 3 * rng.normal(size=(count, size))
    lower, upper = -rng.uniform(0, width, (2, count, size))
    return slope, information, lower, -upper


def model_of(slope, information, lower, upper, **changes):
    held = ((lower == 0) & (slope < 0)) | ((upper == 0) & (slope > 0))
    widths = 1 / np.sqrt(np.diagonal(information, axis1=1, axis2=2))
    fields = {"held": held, "damping": np.zeros(len(slope)), "widths": widths} | changes
    return QuadraticModel(slope=slope, information=information, lower=lower, upper=upper, **fields)


@pytest.mark.parametrize("size", [1, 3, 10])
def test_step_without_bounds_is_newtons(size):
    """Far from the bounds the step is the inverse information times the slope."""
    slope, information, _, _ = random_models(20, size, size, 1.0)
    far = np.full_like(slope, 1e3)
    model = model_of(slope, information, -far, far)
    expected = np.linalg.solve(information, slope[:, :, None])[:, :, 0]
    step = model.step()
    np.testing.assert_allclose(step, expected, rtol=1e-9, atol=1e-12)
    half = 0.5 * np.einsum("ni,ni->n", slope, expected)
    np.testing.assert_allclose(model.promise(step), half, rtol=1e-9)


@pytest.mark.parametrize("size", [2, 5, 12])
def test_step_within_bounds_is_the_best(size):
    """Inside the box, and as high as scipy's exact bounded solution, to a hundredth."""
    slope, information, lower, upper = random_models(60, size, 7, 1.0)
    model = model_of(slope, information, lower, upper)
    step = model.step()
    assert (step >= lower).all()
    assert (step <= upper).all()
    promise, best = model.promise(step), np.empty(60)
    for i in range(60):
        root = np.linalg.cholesky(information[i]).T
        target = np.linalg.solve(root.T, slope[i])
        exact = lsq_linear(root, target, bounds=(lower[i], upper[i]), tol=1e-12).x
        best[i] = slope[i] @ exact - 0.5 * exact @ information[i] @ exact
    assert (promise <= best + 1e-6).all()
    assert (promise >= 0.99 * best).all()


def test_held_parameters_stay():
    """What is held does not move, and the others know."""
    slope, information, _, _ = random_models(10, 4, 3, 1.0)
    held = np.zeros((10, 4), dtype=bool)
    held[:, 1] = True
    far = np.full_like(slope, 1e3)
    step = model_of(slope, information, -far, far, held=held).step()
    others = [0, 2, 3]
    part = np.linalg.solve(information[np.ix_(range(10), others, others)], slope[:, others, None])
    assert not step[:, 1].any()
    np.testing.assert_allclose(step[:, others], part[:, :, 0], rtol=1e-9)


def test_damping_turns_and_shortens_the_step():
    """With much damping the step is along the slope in units of the widths, and short."""
    slope, information, _, _ = random_models(10, 4, 5, 1.0)
    far = np.full_like(slope, 1e3)
    damping = np.full(10, 1e8)
    model = model_of(slope, information, -far, far, damping=damping)
    np.testing.assert_allclose(model.step(), model.widths**2 * slope / 1e8, rtol=1e-4)


def test_definite_information():
    """A concave Hessian is only negated; another becomes positive definite."""
    rng = np.random.default_rng(0)
    roots = rng.normal(size=(12, 5, 5))
    hessians = -(roots @ roots.transpose(0, 2, 1)) - 0.1 * np.eye(5)
    hessians[6:] += 4 * np.eye(5)
    widths = curvature_widths(hessians, np.ones(5))
    held = np.zeros((12, 5), dtype=bool)
    information = definite(hessians, widths, held)
    np.testing.assert_allclose(information[:6], -hessians[:6], rtol=1e-12)
    assert (np.linalg.eigvalsh(information) > 0).all()


def test_hessians_that_are_not_finite():
    """NaN is no information: the natural widths stand for it."""
    hessians = np.full((1, 2, 2), np.nan)
    widths = curvature_widths(hessians, np.array([2.0, 0.5]))
    assert widths.tolist() == [[2.0, 0.5]]
    information = definite(hessians, widths, np.zeros((1, 2), dtype=bool))
    np.testing.assert_allclose(information[0], np.diag([0.25, 4.0]))
