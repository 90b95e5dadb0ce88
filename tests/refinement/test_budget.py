"""Every call is counted, limited and kept."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.exceptions import BudgetExhausted, InvalidFile, InvalidPoints
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.refinement.budget import CountedLikelihood

POINTS = np.array([[0.5, 0.0, 1.0], [1.0, 0.5, 0.9], [2.0, -0.5, 1.1]])


def test_each_point_costs_one_call_once(counting, tmp_path):
    """Repeated points, also within one batch, are answered from what is kept."""
    function, likelihood = counting
    counted = CountedLikelihood(likelihood, 5, tmp_path / "calls")
    repeated = np.concatenate([POINTS, POINTS[::-1]])
    value = counted.log_likelihood(repeated)
    assert counted.made == function.calls == 3
    np.testing.assert_array_equal(value, likelihood.log_likelihood(repeated))
    assert counted.left == 2
    assert (counted.rows_of(POINTS[::-1]) == [2, 1, 0]).all()


def test_what_is_too_much_is_not_begun(counting, tmp_path):
    """Six new points with five calls left: none is made, and the error counts them."""
    function, likelihood = counting
    counted = CountedLikelihood(likelihood, 5, tmp_path / "calls")
    many = np.repeat(POINTS, 2, axis=0) + np.arange(6)[:, None] * 1e-3
    with pytest.raises(BudgetExhausted, match=r"6 more calls.*Received: 5 left of 5") as caught:
        counted.log_main(many)
    assert caught.value.exit_code == 4
    assert function.calls == counted.made == 0


def test_calls_survive(counting, tmp_path):
    """Another process finds them; of a record that was cut off only that one is lost."""
    function, likelihood = counting
    path = tmp_path / "calls"
    first = CountedLikelihood(likelihood, 9, path, identity={"seed": 1})
    first.round = 4
    first.evaluate(POINTS)
    path.write_bytes(path.read_bytes()[:-3])
    again = CountedLikelihood(likelihood, 9, path, identity={"seed": 1})
    assert again.made == 2
    np.testing.assert_array_equal(again.records, first.records[:2])
    assert (again.records[:, 0] == 4).all()
    again.evaluate(POINTS)
    assert function.calls == 4
    with pytest.raises(InvalidFile, match=r"of another request.*Received: "):
        CountedLikelihood(likelihood, 9, path, identity={"seed": 2})


def test_a_call_with_gradient_is_one_call(tmp_path):
    """Values and gradients of both terms are those of the likelihood, also from disk."""
    exact = AnalyticLikelihood(
        [Parameter("mu", 0, (-5, 5), poi=True), Parameter("jes", 0, (-5, 5), Normal(0.3, 2))],
        lambda x: -tf.cosh(x[:, 0]) - tf.square(x[:, 0] * x[:, 1]),
    )
    points = np.array([[0.5, 1.0], [-1.0, 2.0]])
    CountedLikelihood(exact, 4, tmp_path / "calls").value_and_gradient(points)
    kept = CountedLikelihood(exact, 4, tmp_path / "calls")
    for found, expected in zip(
        kept.value_and_gradient(points), exact.value_and_gradient(points), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(kept.log_main(points), exact.log_main(points), rtol=1e-12)
    assert kept.made == 2


def test_likelihoods_without_gradient_offer_none(counting, tmp_path):
    """So that nothing takes differences for gradients; wrong points are an error."""
    counted = CountedLikelihood(counting[1], 4, tmp_path / "calls")
    assert not hasattr(counted, "value_and_gradient")
    with pytest.raises(InvalidPoints, match="shape"):
        counted.evaluate(np.zeros((1, 2)))
