"""The table of Asimov values: what it is made of, what it gives, what it refuses."""

import json

import numpy as np
import pytest

from dnnlik.asimov import AsimovCurve, curve_named, curves_from_json, curves_to_json
from dnnlik.exceptions import InvalidInput


def counting_root(mu, signal=12.0, background=50.0):
    """√q_{μ,A} of n = b over a known background: arXiv:1007.1727, eq. 96 with n = b."""
    rate = mu * signal + background
    return np.sqrt(2 * (rate - background - background * np.log(rate / background)))


@pytest.fixture
def curve():
    values = 5 * np.linspace(0, 1, 25) ** 2
    return AsimovCurve("mu", values, counting_root(values))


def test_interpolation_of_a_closed_form(curve):
    """Between the values of the table within 10⁻⁴ of a counting experiment's closed form."""
    values = np.linspace(0.01, 5, 999)
    np.testing.assert_allclose(curve.root_at(values), counting_root(values), rtol=1e-4)
    assert curve.root_at([0.0]).tolist() == [0.0]
    assert curve.end == 5


def test_interpolation_is_monotone():
    """A table with a knee gives no bumps."""
    knee = AsimovCurve("mu", [0, 1, 2, 3, 4], [0, 0.01, 0.02, 5, 5.01])
    assert (np.diff(knee.root_at(np.linspace(0, 4, 400))) > 0).all()


@pytest.mark.parametrize("value", [5.0001, -1e-9, np.nan, np.inf])
def test_nothing_is_extrapolated(curve, value):
    """A value beyond the table, or none, is refused with its range."""
    assert not curve.covers([1.0, value])
    with pytest.raises(InvalidInput, match=r"known from 0 to 5\. Received: "):
        curve.root_at([1.0, value])


GOOD = [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    "bad",
    [
        [0.0, 1.0, np.nan, 3.0],
        [0.0, 1.0, 2.0, np.inf],
        [0.0, 2.0, 1.0, 3.0],
        [0.0, 1.0, 1.0, 3.0],
        [0.1, 1.0, 2.0, 3.0],
        [0.0, 1.0, 2.0],
        [GOOD],
        ["a", 1.0, 2.0, 3.0],
        [0.0, None, 2.0, 3.0],
        None,
        3.0,
        [0.0, [1.0], 2.0, 3.0],
    ],
)
@pytest.mark.parametrize("which", ["values", "root"])
def test_bad_tables_are_refused(which, bad):
    """NaN, infinity, a fall, a flat piece, no 0 first, too few or no numbers: one line."""
    with pytest.raises(InvalidInput, match=rf"{which} of an Asimov curve are .*Received: ") as c:
        AsimovCurve("mu", **{"values": GOOD, "root": GOOD, which: bad})
    assert "\n" not in str(c.value)


def test_other_bad_tables():
    """Unequal lengths and no name."""
    with pytest.raises(InvalidInput, match="Received: 5 for 4"):
        AsimovCurve("mu", GOOD, [*GOOD, 4.0])
    with pytest.raises(InvalidInput, match="name of a parameter"):
        AsimovCurve("", GOOD, GOOD)


def test_a_table_cannot_change(curve):
    """It is a copy, and read-only."""
    values = np.array(GOOD)
    table = AsimovCurve("mu", values, values)
    values[1] = 7
    assert table.values.tolist() == GOOD
    with pytest.raises(ValueError, match="read-only"):
        table.root[0] = 1


def test_json_round_trip(curve):
    """Every number, through text."""
    text = json.dumps(curves_to_json([curve]))
    (found,) = curves_from_json(json.loads(text), ["jes", "mu"])
    assert found.poi == "mu"
    np.testing.assert_array_equal(found.values, curve.values)
    np.testing.assert_array_equal(found.root, curve.root)
    assert found == curve
    assert hash(found) == hash(curve)
    assert found != AsimovCurve("jes", curve.values, curve.root)
    assert found != AsimovCurve("mu", curve.values, 2 * curve.root)
    assert curve_named([curve], "mu") is curve
    assert curve_named([curve], "other") is None


@pytest.mark.parametrize("document", [{}, None, "x", [3], [{"poi": "mu"}]])
def test_json_that_means_nothing(document):
    """No list, no object, an object without its keys."""
    with pytest.raises(InvalidInput, match="Received: "):
        curves_from_json(document, ["mu"])


def test_curves_of_unknown_or_repeated_parameters(curve):
    """A curve belongs to a parameter of the likelihood, and is alone there."""
    with pytest.raises(InvalidInput, match=r"Received: \['mu'\]"):
        curves_from_json(curves_to_json([curve]), ["other"])
    with pytest.raises(InvalidInput, match="one each"):
        curves_from_json(curves_to_json([curve, curve]), ["mu"])
