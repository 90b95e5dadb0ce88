"""Parameters, their order, their checks and their closed-form terms."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from dnnlik.constraints import Normal, Poisson
from dnnlik.exceptions import InvalidParameters, InvalidPoints
from dnnlik.parameters import Parameter, ParameterSet

INF = math.inf


@pytest.fixture
def mixed():
    """One parameter of every kind: uniform, normal, Poisson, with a prior of its own."""
    return ParameterSet(
        [
            Parameter("mu", 0.5, (-1, 5), poi=True),
            Parameter("jes", 0, constraint=Normal(0.2, 1.5)),
            Parameter("gamma", 1, (1e-10, 10), Poisson(12.5, 10.0)),
            Parameter("k", 2, (0, INF), prior=Normal(2, 0.5)),
        ]
    )


@st.composite
def parameters(draw, name="theta"):
    """Any valid parameter, infinite bounds included."""
    width = st.one_of(st.floats(0.1, 100), st.just(INF))
    init = draw(st.floats(-100, 100))
    bounds = (init - draw(width), init + draw(width))
    kind = draw(st.sampled_from(["constraint", "prior", "free"]))
    if kind == "free" and not all(map(math.isfinite, bounds)):
        kind = "prior"
    normal = Normal(draw(st.floats(-5, 5)), draw(st.floats(0.1, 5)))
    extra = {} if kind == "free" else {kind: normal}
    return Parameter(name, init, bounds, poi=draw(st.booleans()), **extra)


sets = st.integers(1, 5).flatmap(
    lambda size: st.tuples(*(parameters(f"theta_{size - i}") for i in range(size)))
).map(ParameterSet)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": ""}, "needs a name"),
        ({"name": 3}, "needs a name"),
        ({"init": "zero"}, "needs a number"),
        ({"init": None}, "needs a number"),
        ({"init": math.nan}, "finite init"),
        ({"init": 2}, "outside its bounds"),
        ({"bounds": (0,)}, "two as bounds"),
        ({"bounds": (0, 1, 2)}, "two as bounds"),
        ({"bounds": (1, -1)}, "lower < upper"),
        ({"bounds": (0, 0)}, "lower < upper"),
        ({"bounds": (math.nan, 1)}, "lower < upper"),
        ({"bounds": (-INF, INF)}, "unbounded"),
        ({"bounds": (-1, INF)}, "unbounded"),
        ({"constraint": Normal(0, 1), "prior": Normal(0, 1)}, "takes no prior"),
    ],
)
def test_meaningless_parameters_are_refused(arguments, complaint):
    """A parameter that means nothing is one line that ends with what was received."""
    valid = {"name": "theta", "init": 0, "bounds": (-1, 1)}
    with pytest.raises(InvalidParameters, match=f"{complaint}.*Received: ") as caught:
        Parameter(**{**valid, **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("extra", [{"constraint": Normal(0, 1)}, {"prior": Normal(0, 1)}])
def test_a_constraint_or_a_prior_allows_infinite_bounds(extra):
    """Only a parameter that nothing keeps finite needs finite bounds."""
    assert Parameter("theta", 0, **extra).bounds == (-INF, INF)


@pytest.mark.parametrize(
    ("items", "complaint"),
    [
        ([], "at least one"),
        (["mu"], "dnnlik.Parameter objects"),
        ([Parameter("a", 0, (-1, 1)), Parameter("a", 0, (-2, 2))], "unique"),
    ],
)
def test_meaningless_sets_are_refused(items, complaint):
    """An empty set, things that are no parameters and repeated names are errors."""
    with pytest.raises(InvalidParameters, match=f"{complaint}.*Received"):
        ParameterSet(items)


def test_names_and_columns(mixed):
    """Names give columns; iteration, indices, inits and bounds share one order."""
    assert mixed.names == ("mu", "jes", "gamma", "k")
    assert mixed.poi_names == ("mu",)
    assert [mixed.index(name) for name in mixed.names] == [0, 1, 2, 3]
    assert [item.name for item in mixed] == list(mixed.names)
    assert mixed["gamma"] is mixed[2]
    assert "jes" in mixed
    assert "lumi" not in mixed
    assert len(mixed) == 4
    np.testing.assert_array_equal(mixed.inits, [0.5, 0, 1, 2])
    np.testing.assert_array_equal(mixed.lower, [-1, -INF, 1e-10, 0])
    np.testing.assert_array_equal(mixed.upper, [5, INF, 10, INF])


def test_an_unknown_name_lists_the_known(mixed):
    """The error of a wrong name shows the names there are."""
    with pytest.raises(InvalidParameters, match=r"mu, jes, gamma, k\. Received: 'MU'"):
        mixed.index("MU")


def test_scales_are_widths_or_a_twentieth_of_the_bounds(mixed):
    """Constraint or prior width where there is one, else (upper - lower)/20."""
    np.testing.assert_allclose(mixed.scales, [0.3, 1.5, math.sqrt(12.5) / 10, 0.5])


@pytest.mark.parametrize(
    "points",
    [
        [0.5, 0, 1, 2],
        [[0.5, 0, 1]],
        np.zeros((2, 5)),
        np.zeros((1, 2, 4)),
        3.0,
        [["a", "b", "c", "d"]],
        [[0.5, 0, 1], [0, 1]],
        [[0.5, 0, 1, math.nan]],
    ],
)
def test_points_of_the_wrong_kind_are_refused(mixed, points):
    """Wrong shapes, ragged lists, words and NaN are InvalidPoints in every method."""
    for method in (mixed.points, mixed.log_constraint, mixed.log_prior):
        with pytest.raises(InvalidPoints, match="Received: "):
            method(points)


def test_nan_is_located(mixed):
    """The error of a NaN names the parameter and the row."""
    with pytest.raises(InvalidPoints, match="nan for 'gamma' in row 1"):
        mixed.points([[0, 0, 1, 2], [0, 0, math.nan, 2]])


def test_log_constraint_and_prior_are_the_densities_of_scipy(mixed):
    """Constraints and priors of all kinds, summed over the columns, normalised."""
    points = np.array([[0.0, 0.3, 1.1, 1.5], [4.0, -2.0, 0.4, 3.0]])
    jes, gamma, k = points[:, 1], points[:, 2], points[:, 3]
    # A gamma density of shape a + 1 is the Poisson probability as a function of its rate.
    constraint = stats.norm.logpdf(jes, 0.2, 1.5) + stats.gamma.logpdf(10 * gamma, 13.5)
    np.testing.assert_allclose(mixed.log_constraint(points), constraint, rtol=1e-12)
    prior = stats.uniform.logpdf(points[:, 0], -1, 6) + stats.norm.logpdf(k, 2, 0.5)
    np.testing.assert_allclose(mixed.log_prior(points), prior, rtol=1e-12)


def test_log_constraint_gradient_is_the_finite_difference(mixed):
    """Central differences of log_constraint, zero for parameters without constraint."""
    points = np.array([[0.0, 0.3, 1.1, 1.5], [4.0, -2.0, 0.4, 3.0]])
    steps = 1e-6 * np.eye(4)
    difference = [
        (mixed.log_constraint(points + h) - mixed.log_constraint(points - h)) / 2e-6 for h in steps
    ]
    gradient = mixed.log_constraint_gradient(points)
    np.testing.assert_allclose(gradient, np.stack(difference, axis=1), atol=1e-7)
    assert not gradient[:, [0, 3]].any()


@pytest.mark.parametrize(
    ("column", "value", "inside"),
    [(0, -1, True), (0, 5, True), (0, 5.001, False), (2, 11, False), (3, -0.1, False)],
)
def test_outside_the_bounds_the_prior_is_zero(mixed, column, value, inside):
    """Any parameter beyond its bounds makes the log prior -inf; the ends belong to it."""
    points = mixed.inits[None].copy()
    points[0, column] = value
    assert mixed.inside(points).tolist() == [inside]
    assert np.isfinite(mixed.log_prior(points)).tolist() == [inside]
    assert inside or mixed.log_prior(points)[0] == -INF


@given(parameter_set=sets)
def test_json_round_trip(parameter_set):
    """Through real JSON text: the same parameters, order and digest, null for infinity."""
    text = json.dumps(parameter_set.to_json(), allow_nan=False)
    again = ParameterSet.from_json(json.loads(text))
    assert again == parameter_set
    assert again.names == parameter_set.names
    assert again.digest() == parameter_set.digest()


@pytest.mark.parametrize(
    "change",
    [
        {"bounds": [0]},
        {"bounds": None},
        {"bounds": ["a", "b"]},
        {"constraint": {"type": "cauchy"}},
        {"constraint": {"type": "normal", "mean": "x", "sigma": 1}},
        {"prior": {"type": "poisson", "observed": 1, "factor": 1}},
    ],
)
def test_damaged_json_is_refused(change):
    """A JSON object that is no parameter is an InvalidParameters."""
    document = Parameter("mu", 0, (-1, 1)).to_json() | change
    with pytest.raises(InvalidParameters, match="Received: "):
        Parameter.from_json(document)


@pytest.mark.parametrize("key", ["name", "init", "bounds", "constraint", "poi"])
def test_missing_json_keys_are_refused(key):
    """Every key but the prior is required."""
    document = Parameter("mu", 0, (-1, 1)).to_json()
    del document[key]
    with pytest.raises(InvalidParameters, match="Received: "):
        Parameter.from_json(document)


def test_the_digest_depends_on_order_and_content(mixed):
    """Another order or another bound is another digest."""
    other = ParameterSet([Parameter("mu", 0.5, (-1, 4), poi=True), *mixed.items[1:]])
    digests = {mixed.digest(), mixed.reordered(mixed.names[::-1]).digest(), other.digest()}
    assert len(digests) == 3


@given(data=st.data())
def test_reordering_permutes_columns_and_keeps_values(data):
    """The same point in another order has the same constraint and prior."""
    parameter_set = data.draw(sets)
    names = data.draw(st.permutations(parameter_set.names))
    other = parameter_set.reordered(names)
    assert other.names == tuple(names)
    points = parameter_set.inits[None]
    permuted = points[:, [parameter_set.index(name) for name in names]]
    for term in ("log_constraint", "log_prior"):
        np.testing.assert_allclose(
            getattr(other, term)(permuted), getattr(parameter_set, term)(points), rtol=1e-12
        )


@pytest.mark.parametrize(
    "names", [["mu"], ["mu", "jes", "gamma", "K"], ["mu", "mu", "jes", "gamma", "k"]]
)
def test_an_order_that_is_no_permutation_is_refused(mixed, names):
    """Missing, unknown and repeated names are errors."""
    with pytest.raises(InvalidParameters, match=r"each once.*Received: "):
        mixed.reordered(names)
