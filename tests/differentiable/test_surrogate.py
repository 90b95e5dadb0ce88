"""A likelihood of yields in place of the exact model: everything it is used for is the same.

The oracle is the HistFactory model of the same bins, built of the same tensors; around it
the closed form of one bin without uncertainty.
"""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences, gradients

from dnnlik.differentiable.fits import fit
from dnnlik.differentiable.information import fisher_information
from dnnlik.differentiable.limits import expected_limit
from dnnlik.differentiable.model import Data, HistFactoryModel, StatisticalModel
from dnnlik.differentiable.objectives import OBJECTIVES, Trained
from dnnlik.differentiable.statistics import (
    asimov_statistic,
    discovery_statistic,
    limit_statistic,
    statistic,
)
from dnnlik.differentiable.surrogate import SurrogateModel
from dnnlik.exceptions import InvalidInput, InvalidLikelihood, InvalidParameters
from dnnlik.histfactory.rates import poisson_terms
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter, Poisson

YIELDS = np.array([[6.0, 11.0], [50.0, 40.0], [7.0, -3.0]])
"""Signal, background and shift of the background by one standard deviation, in two bins."""

COLUMNS = [
    # Conditions and counts stand between the parameters: their order is nobody's concern.
    Parameter("n1", 50, (1, 200)),
    Parameter("alpha", 0.0, (-5, 5), Normal(0, 1)),
    *(Parameter(f"{kind}{i}", 10, (-50, 100)) for kind in "sbv" for i in (1, 2)),
    Parameter("mu", 1.0, (-5, 10), poi=True),
    Parameter("gamma", 1.0, (1e-10, 10), Poisson(25, 25)),
    Parameter("n2", 50, (1, 200)),
]
NAMES = [p.name for p in COLUMNS]


def log_main(points):
    """Two bins; the background of the second has a factor of its own."""
    column = dict(zip(NAMES, tf.unstack(tf.convert_to_tensor(points), axis=1), strict=True))
    terms = []
    for i, factor in (("1", 1.0), ("2", column["gamma"])):
        background = factor * (column["b" + i] + column["alpha"] * column["v" + i])
        rate = column["mu"] * column["s" + i] + background
        terms.append(poisson_terms(column["n" + i], rate))
    return tf.add_n(terms)


LIKELIHOOD = AnalyticLikelihood(COLUMNS, log_main)


def surrogate_of(yields):
    """The model of the likelihood at yields (3, 2), or (3, 2, models)."""
    signal, background, shift = tf.unstack(yields)

    def expected(points):
        alpha, mu, gamma = tf.unstack(points, axis=1)
        one = tf.ones_like(gamma)
        rate = mu * signal + (background + alpha * shift) * tf.stack([one, gamma])
        return tf.transpose(rate)

    conditions = {
        f"{kind}{i + 1}": part[i]
        for kind, part in zip("sbv", (signal, background, shift), strict=True)
        for i in (0, 1)
    }
    if yields.shape.rank == 2:
        signal, background, shift = (t[:, None] for t in (signal, background, shift))
    return SurrogateModel(LIKELIHOOD, expected, observed=["n1", "n2"], conditions=conditions)


def exact_of(yields):
    """The HistFactory model of the same yields; histosys and shapesys of 20 %."""
    signal, background, shift = tf.unstack(
        tf.transpose(yields, [0, *range(yields.shape.rank)[:0:-1]])
    )
    channels = []
    for i in (0, 1):
        part = slice(i, i + 1)
        here, moved = background[..., part], shift[..., part]
        varied = {"hi_data": here + moved, "lo_data": here - moved}
        modifiers = [{"name": "alpha", "type": "histosys", "data": varied}]
        if i:
            modifiers.append({"name": "gamma", "type": "shapesys", "data": 0.2 * here})
        mu = {"name": "mu", "type": "normfactor", "data": None}
        channels.append(
            {
                "name": f"SR{i + 1}",
                "samples": [
                    {"name": "signal", "data": signal[..., part], "modifiers": [mu]},
                    {"name": "background", "data": here, "modifiers": modifiers},
                ],
            }
        )
    return HistFactoryModel(channels, parameters=[{"name": "mu", "bounds": [[-5, 10]]}])


def data_of(rows=1):
    """Counts and auxiliary data that are not those of any expectation."""
    counts = tf.constant([[63.0, 47.0]] * rows, tf.float64)
    return Data(counts, tf.constant([[0.3, 0.0, 27.0]] * rows, tf.float64))


STATISTICS = {
    "t": lambda m: statistic(m, data_of(m.models), {"mu": 0.4}),
    "t of two": lambda m: statistic(m, data_of(m.models), {"mu": 0.4, "alpha": 0.5}),
    "asimov": lambda m: asimov_statistic(m, {"mu": 0.0}, {"mu": 1.0}),
    "limit": lambda m: limit_statistic(m, data_of(m.models), "mu", 3.0),
    "discovery": lambda m: discovery_statistic(m, data_of(m.models), "mu"),
    "upper limit": lambda m: expected_limit(m, "mu"),
    "fitted": lambda m: fit(m, data_of(m.models)).points[:, 1],
    "information": lambda m: fisher_information(
        m, tf.constant([[0.2, 1.0, 1.1]] * m.models, tf.float64)
    )[:, 0, 1],
}
FUNCTIONS = STATISTICS | {
    name: lambda m, objective=objective: objective.function(Trained(m))
    for name, objective in OBJECTIVES.items()
    if not objective.needs_scores and not name.startswith("log_")
}


def traced(function):
    """A graph: loops of many small operations take their time without."""
    return tf.function(function, autograph=False)


def test_it_is_a_statistical_model():
    """The protocol, with the parameters that are left in the order of the exact model."""
    model, exact = surrogate_of(tf.constant(YIELDS)), exact_of(tf.constant(YIELDS))
    assert isinstance(model, StatisticalModel)
    assert exact.parameters.names == ("alpha", "mu", "gamma[0]")
    assert model.parameters.names == ("alpha", "mu", "gamma")
    assert model.models == exact.models == 1
    np.testing.assert_array_equal(model.precision, exact.precision)
    np.testing.assert_array_equal(model.fixed, exact.fixed)


def test_expected_data_are_those_of_the_exact_model():
    """Counts and auxiliary measurements, at points of several models too."""
    yields = tf.constant(np.stack([YIELDS, 1.1 * YIELDS], axis=-1))
    points = tf.constant([[0.5, 1.0, 1.1], [-0.5, 0.0, 0.9]], tf.float64)
    expected, oracle = (m.expected_data(points) for m in (surrogate_of(yields), exact_of(yields)))
    np.testing.assert_allclose(expected.main, oracle.main, rtol=1e-14)
    np.testing.assert_allclose(expected.auxiliary, oracle.auxiliary, rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_those_of_the_exact_model(name):
    """Every test statistic, limit and objective, and its gradient in all yields: 1e-9."""

    def value_and_gradient(make):
        @traced
        def both(yields):
            with tf.GradientTape() as tape:
                tape.watch(yields)
                value = tf.reduce_sum(FUNCTIONS[name](make(yields)))
            return value, tape.gradient(value, yields)

        return (tensor.numpy() for tensor in both(tf.constant(YIELDS)))

    value, slope = value_and_gradient(surrogate_of)
    wanted, wanted_slope = value_and_gradient(exact_of)
    assert np.isfinite(wanted)
    np.testing.assert_allclose(value, wanted, rtol=1e-9)
    np.testing.assert_allclose(slope, wanted_slope, rtol=1e-9, atol=1e-9 * abs(wanted_slope).max())


@pytest.mark.parametrize("name", ["t", "asimov", "fitted", "upper limit"])
def test_many_models_at_once(name):
    """Conditions (models,) are so many analyses: each as if it were alone."""
    alone = [tf.constant(YIELDS * factor) for factor in (1.0, 0.8, 1.3)]
    function = traced(lambda yields: STATISTICS[name](surrogate_of(yields)))
    separate = np.concatenate([function(yields) for yields in alone])
    np.testing.assert_allclose(function(tf.stack(alone, axis=-1)), separate, rtol=1e-9)


@pytest.mark.parametrize("name", ["asimov", "fitted", "upper limit"])
def test_gradients_are_finite_differences(name):
    """In every yield, through conditions and expected events alike."""

    @traced
    def function(yields):
        return tf.reduce_sum(STATISTICS[name](surrogate_of(yields)))

    _, (slope,) = gradients(function, YIELDS)
    (wanted,) = differences(lambda y: function(tf.constant(y)), YIELDS, step=1e-3)
    np.testing.assert_allclose(slope, wanted, rtol=1e-6, atol=1e-7 * abs(wanted).max())


def test_it_compiles():
    """Under XLA, gradients included, the same numbers as without."""

    def both(yields):
        with tf.GradientTape() as tape:
            tape.watch(yields)
            value = asimov_statistic(surrogate_of(yields), {"mu": 1.0}, {"mu": 0.0})
        return value, tape.gradient(value, yields)

    compiled = tf.function(both, jit_compile=True, autograph=False)
    for got, wanted in zip(compiled(tf.constant(YIELDS)), both(tf.constant(YIELDS)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9)


ONE_BIN = [
    Parameter("mu", 1, (0, 5), poi=True),
    Parameter("s", 10, (5, 20)),
    Parameter("n", 60, (40, 90)),
]


def counted(points):
    """Events n where mu·s + 50 are expected."""
    rate = points[:, 0] * points[:, 1] + 50.0
    return points[:, 2] * tf.math.log(rate) - rate


ONE_BIN_LIKELIHOOD = AnalyticLikelihood(ONE_BIN, counted)


def one_bin(s=12.0, **changes):
    """The model of the closed forms at a signal s."""
    arguments = {
        "likelihood": ONE_BIN_LIKELIHOOD,
        "expected": lambda points: points * s + 50.0,
        "observed": ["n"],
        "conditions": {"s": s},
    }
    return SurrogateModel(**(arguments | changes))


def test_the_closed_form_of_one_bin():
    """q₀ of the expected data is 2[(s+b) ln(1+s/b) - s], its slope 2 ln(1+s/b)."""

    def q0(s):
        return asimov_statistic(one_bin(s), {"mu": 1.0}, {"mu": 0.0})[0]

    value, (slope,) = gradients(q0, np.float64(12.0))
    np.testing.assert_allclose(value, 2 * (62 * np.log(62 / 50) - 12), rtol=1e-12)
    np.testing.assert_allclose(slope, 2 * np.log(62 / 50), rtol=1e-12)


def test_what_does_not_depend_on_the_parameters_cancels():
    """ln n! in the likelihood changes no statistic: surrogates learn it or not."""

    def with_factorial(points):
        return counted(points) - tf.math.lgamma(points[:, 2] + 1)

    model = one_bin(likelihood=AnalyticLikelihood(ONE_BIN, with_factorial))
    values = [asimov_statistic(m, {"mu": 1.0}, {"mu": 0.0}) for m in (one_bin(), model)]
    np.testing.assert_allclose(*values, rtol=1e-12)


@pytest.mark.parametrize(
    ("s", "n", "mu"),
    [
        (4.9, 60.0, 1.0),
        (20.1, 60.0, 1.0),
        (12.0, 39.0, 1.0),
        (12.0, 60.0, 5.1),
        (12.0, 60.0, np.nan),
    ],
    ids=["condition below", "condition above", "count", "parameter", "no number"],
)
def test_nothing_is_said_outside_of_the_domain(s, n, mu):
    """NaN instead of an extrapolation, and of every statistic made of it."""
    model = one_bin(s)
    data = Data(tf.constant([[n]], tf.float64), tf.zeros([1, 1], tf.float64))
    assert np.isnan(model.log_likelihood(tf.constant([[mu]], tf.float64), data)[0])
    if mu == 1.0:
        assert np.isnan(statistic(model, data, {"mu": 0.0})[0])


@pytest.mark.parametrize(("s", "n", "mu"), [(5.0, 40.0, 0.0), (20.0, 90.0, 5.0)])
def test_the_ends_of_the_domain_belong_to_it(s, n, mu):
    """A value at the bounds themselves."""
    data = Data(tf.constant([[n]], tf.float64), tf.zeros([1, 1], tf.float64))
    value = one_bin(s).log_likelihood(tf.constant([[mu]], tf.float64), data)
    np.testing.assert_allclose(value, n * np.log(mu * s + 50) - mu * s - 50, rtol=1e-12)


def test_a_training_step_outside_is_recognised():
    """Compiled, where no value is known beforehand: an objective that is NaN."""

    @tf.function(jit_compile=True, autograph=False)
    def step(s):
        return OBJECTIVES["cls"].function(Trained(one_bin(s)))

    assert np.isnan(step(tf.constant(25.0, tf.float64)))
    assert np.isnan(step(tf.constant(np.nan, tf.float64)))
    assert np.isfinite(step(tf.constant(15.0, tf.float64)))


@pytest.mark.parametrize(
    ("error", "message", "changes"),
    [
        (InvalidParameters, "no parameter of this name", {"conditions": {"x": 1.0}}),
        (InvalidParameters, "no parameter of this name", {"observed": ["m"]}),
        (InvalidParameters, "once", {"conditions": {"n": 1.0}}),
        (InvalidParameters, "once", {"observed": ["n", "n"]}),
        (InvalidParameters, "is left", {"conditions": {"s": 10.0, "mu": 1.0}}),
        (InvalidParameters, "observed count", {"observed": []}),
        (InvalidInput, "are finite", {"conditions": {"s": np.nan}}),
        (InvalidInput, "are finite", {"conditions": {"s": [10.0, np.inf]}}),
        (InvalidInput, "of shape", {"conditions": {"s": [[10.0]]}}),
        (InvalidLikelihood, "TensorFlow", {"likelihood": object()}),
        (
            InvalidLikelihood,
            "TensorFlow",
            {"likelihood": AnalyticLikelihood([Parameter("mu", 1, (0, 5))], lambda p: -p[:, 0])},
        ),
    ],
)
def test_what_cannot_be_a_model_is_refused(error, message, changes):
    """One line that says what was wrong and what was received."""
    with pytest.raises(error, match=message) as caught:
        one_bin(**changes)
    assert "Received: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lengths_of_conditions_agree():
    """Two analyses of one condition and three of another are none."""
    conditions = {"s1": [1.0, 2.0], "s2": 3.0, "b1": [1.0, 2.0, 3.0]}
    with pytest.raises(InvalidInput, match="the same for all"):
        SurrogateModel(LIKELIHOOD, lambda p: p, observed=["n1", "n2"], conditions=conditions)


def test_shapes_of_events_and_data_are_checked():
    """Events and data have one column for each count, and one row for each point."""
    point = tf.ones([1, 1], tf.float64)
    with pytest.raises(InvalidLikelihood, match=r"shape \(1, 1\)"):
        one_bin(expected=lambda points: points[:, 0]).expected_data(point)
    with pytest.raises(InvalidLikelihood, match="1 observed counts"):
        one_bin().log_likelihood(point, Data(tf.ones([1, 2], tf.float64), point))


def test_one_name_is_a_list_of_one():
    """``observed="n"`` means the column n, not its letters."""
    assert one_bin(observed="n").parameters.names == ("mu",)
