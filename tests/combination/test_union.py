"""Names and parameters of a combination: what is one, what stays apart, what contradicts."""

import pytest

from dnnlik.combination.union import names_in_union, renamed, union_of
from dnnlik.exceptions import InvalidParameters
from dnnlik.parameters import Normal, Parameter, ParameterSet, Poisson

FIRST = ParameterSet(
    [
        Parameter("mu", 1, (0, 5), poi=True),
        Parameter("jes", 0, (-5, 5), Normal(0, 1)),
        Parameter("a", 1, (0, 2)),
    ]
)
SECOND = ParameterSet(
    [
        Parameter("jes", 0.5, (-3, 8), Normal(0, 1)),
        Parameter("b", 1, (0, 2), prior=Normal(1, 2)),
        Parameter("mu", 2, (0.5, 9), poi=True),
    ]
)


def changed(**terms):
    """FIRST's jes with other terms, alone in a set."""
    return ParameterSet([Parameter("jes", **{"init": 0, "bounds": (-5, 5), **terms})])


def test_the_union_has_the_first_members_order_and_inits():
    """Names in order of appearance, the intersection of bounds, the first init."""
    union = union_of([FIRST, SECOND])
    assert union.names == ("mu", "jes", "a", "b")
    assert union["jes"].bounds == (-3, 5)
    assert union["jes"].init == 0
    assert union["mu"].bounds == (0.5, 5)
    assert union["b"] == SECOND["b"]
    assert union.poi_names == ("mu",)


def test_an_init_outside_the_common_bounds_moves_into_them():
    """The start of the combination is a point of it."""
    low = ParameterSet([Parameter("k", 0.1, (0, 2))])
    high = ParameterSet([Parameter("k", 1.5, (1, 3))])
    assert union_of([low, high])["k"].init == 1


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"constraint": Normal(0, 2)}, r"sigma=1.0\) and Normal\(mean=0.0, sigma=2.0"),
        ({"constraint": Poisson(4, 4), "init": 1}, r"the constraint of 'jes'.*Poisson"),
        ({}, "the constraint of 'jes'.* and None"),
        ({"constraint": Normal(0, 1), "poi": True}, "the poi of 'jes'.*False and True"),
        ({"constraint": Normal(0, 1), "bounds": (6, 9), "init": 7}, r"\(-5.0, 5.0\) and \(6"),
    ],
)
def test_contradictions_name_the_parameter_and_both_values(other, complaint):
    """Another constraint, flag or range of bounds of a shared parameter is an error."""
    with pytest.raises(InvalidParameters, match=complaint):
        union_of([FIRST, changed(**other)])


def test_priors_must_agree():
    """A parameter with a prior here and none there is not the same parameter."""
    free = ParameterSet([Parameter("b", 1, (0, 2))])
    with pytest.raises(InvalidParameters, match=r"the prior of 'b'.*Normal"):
        union_of([SECOND, free])


def test_what_is_not_shared_gets_the_number_of_its_member():
    """Only names that would collide change; renaming comes before."""
    names = names_in_union([FIRST, SECOND], [{"a": "b"}, {}], ["mu"])
    assert names == [("mu", "1.jes", "1.b"), ("2.jes", "2.b", "mu")]
    assert renamed(FIRST, names[0]).names == names[0]


@pytest.mark.parametrize(
    ("rename", "shared", "complaint"),
    [
        ([{"nothing": "x"}, {}], None, "member 1 .*Received: 'nothing'"),
        ([{}, {"b": "jes"}], None, "member 2 the same name. Received: 'jes'"),
        ([{}, {}], ["a"], "Received: 'a', which is in 1"),
        ([{}, {}], ["nothing"], "Received: 'nothing', which is in 0"),
        ([{"jes": "mu_jes"}, {}], ["jes"], "Received: 'jes', which is in 1"),
    ],
)
def test_names_that_mean_nothing(rename, shared, complaint):
    """Unknown names, one name for two parameters, and nothing to share are errors."""
    with pytest.raises(InvalidParameters, match=complaint):
        names_in_union([FIRST, SECOND], rename, shared)
