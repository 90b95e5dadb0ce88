"""A likelihood where a pyhf model is expected."""

import json

import numpy as np
import pyhf
import pytest
from pyhf_models import TWO_REGIONS

from dnnlik import open_likelihood
from dnnlik.exceptions import InvalidInput, InvalidPoints
from dnnlik.pyhf_interface import PyhfModel


@pytest.fixture(scope="module")
def pair():
    """The adapter of a workspace, and pyhf's own model with its data."""
    workspace = pyhf.Workspace(json.loads(TWO_REGIONS.read_text()))
    theirs = workspace.model()
    return PyhfModel(open_likelihood(TWO_REGIONS)), theirs, workspace.data(theirs)


def test_values_are_those_of_pyhf(pair):
    """logpdf and its two parts, of one point and of several, as pyhf's own model gives them."""
    model, theirs, data = pair
    init = np.array(model.config.suggested_init())
    points = init + 0.1 * np.random.default_rng(1).uniform(-1, 1, (4, init.size))
    aux = np.array(data[len(data) - len(theirs.config.auxdata) :])
    expected = np.array([theirs.logpdf(point, data)[0] for point in points])
    np.testing.assert_allclose(model.logpdf(points, model.data), expected, rtol=1e-9)
    assert model.logpdf(points[0], model.data).shape == (1,)
    parts = model.mainlogpdf([], points) + model.constraint_logpdf([], points)
    np.testing.assert_allclose(parts, expected, rtol=1e-9)
    aux_value = np.ravel(theirs.constraint_logpdf(aux, points[0]))[0]
    np.testing.assert_allclose(model.constraint_logpdf([], points[0]), [aux_value], rtol=1e-9)


def test_the_parameters_are_those_of_pyhf(pair):
    """Names, order, slices, starts, bounds and the parameter of interest."""
    config, theirs = pair[0].config, pair[1].config
    assert config.par_names == list(theirs.par_names)
    assert config.par_order == list(theirs.par_order)
    assert [config.par_slice(n) for n in config.par_order] == [
        theirs.par_slice(n) for n in theirs.par_order
    ]
    assert (config.poi_name, config.poi_index) == (theirs.poi_name, theirs.poi_index)
    assert config.npars == theirs.npars
    np.testing.assert_allclose(config.suggested_init(), theirs.suggested_init())
    np.testing.assert_allclose(config.suggested_bounds(), theirs.suggested_bounds())


def test_fits_and_statistics_of_pyhf_run_on_it(pair):
    """pyhf's own minimiser ends at the same maximum and test statistic on either."""
    model, theirs, data = pair
    pyhf.set_backend("numpy", pyhf.optimize.minuit_optimizer(tolerance=1e-3))
    try:
        ours, ours_value = pyhf.infer.mle.fit(model.data, model, return_fitted_val=True)
        found, value = pyhf.infer.mle.fit(data, theirs, return_fitted_val=True)
        arguments = [
            (m.config.suggested_init(), m.config.suggested_bounds(), m.config.suggested_fixed())
            for m in (model, theirs)
        ]
        q = pyhf.infer.test_statistics.qmu_tilde(2.0, model.data, model, *arguments[0])
        expected = pyhf.infer.test_statistics.qmu_tilde(2.0, data, theirs, *arguments[1])
    finally:
        pyhf.set_backend("numpy")
    np.testing.assert_allclose(ours_value, value, atol=1e-4)
    np.testing.assert_allclose(ours, found, atol=1e-2)
    np.testing.assert_allclose(q, expected, atol=1e-3)


def test_what_it_cannot_do_is_an_error(pair):
    """Other data, expected data, an unknown name, a wrong shape and a NaN."""
    model = pair[0]
    init = model.config.suggested_init()
    with pytest.raises(InvalidInput, match="the data are inside"):
        model.logpdf(init, [51.0, 48.0])
    with pytest.raises(InvalidInput, match="the observed data alone"):
        model.expected_data(init)
    with pytest.raises(InvalidInput, match="Received: 'nothing'"):
        model.config.par_slice("nothing")
    with pytest.raises(InvalidPoints, match="shape"):
        model.logpdf(init[:-1], model.data)
    with pytest.raises(InvalidPoints, match="nan"):
        model.logpdf([np.nan] * len(init), model.data)
