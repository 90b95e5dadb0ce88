"""Published workspaces against pyhf's NumPy backend."""

import json
import math
from decimal import Decimal, localcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyhf
import pytest
from scipy import stats
from scipy.special import gammaln, xlogy

from dnnlik.likelihoods import open_likelihood

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PATCH = {"patchset": "3L_patchset.json", "patch": "ERJR_300p0_100p0"}
WORKSPACES = {
    "three_regions_13p.json": {},
    "sbottom_66p.json": {},
    "stau_120p.json": {},
    "3L_background_only.json": PATCH,
}
SIZE = 200


@pytest.fixture(scope="module", params=WORKSPACES)
def opened(request):
    """``likelihood`` and pyhf's ``model``, ``data`` and ``free`` columns of one workspace."""
    if not DATA.is_dir():
        pytest.skip("the shared folder with published workspaces is absent")
    options = dict(WORKSPACES[request.param])
    document = json.loads((DATA / request.param).read_text())
    if "patchset" in options:
        options["patchset"] = DATA / options["patchset"]
        patches = pyhf.PatchSet(json.loads(options["patchset"].read_text()))
        document = patches[options["patch"]].apply(document)
    workspace = pyhf.Workspace(document, validate=False)
    model = workspace.model(validate=False)
    return SimpleNamespace(
        name=request.param,
        likelihood=open_likelihood(DATA / request.param, **options),
        model=model,
        data=workspace.data(model),
        free=~np.array(model.config.suggested_fixed()),
    )


def widths_of(model):
    """What one constraint width is for each parameter of pyhf's model, else 0.1: (d,)."""
    widths = np.full(model.config.npars, 0.1)
    for name in model.config.par_order:
        parameters = model.config.param_set(name)
        if parameters.constrained:
            widths[model.config.par_slice(name)] = parameters.width()
    return widths


def points_of(opened, where):
    """All parameters in pyhf's order, the fixed ones at their inits: (SIZE, all)."""
    generator = np.random.default_rng(5)
    init = np.array(opened.model.config.suggested_init())
    lower, upper = np.array(opened.model.config.suggested_bounds()).T
    if where == "inside":
        points = generator.uniform(lower, upper, (SIZE, len(init)))
    else:
        points = init + widths_of(opened.model) * generator.normal(size=(SIZE, len(init)))
        points = np.clip(points, lower, upper)
    return np.where(opened.free, points, init)


def exact_log_poisson(observed, rate):
    """ln of the Poisson probability of a large count, in 40 digits; Stirling's series."""
    with localcontext() as context:
        context.prec = 40
        a, rate = Decimal(observed), Decimal(rate)
        rest = 1 / (12 * a) - 1 / (360 * a**3) + 1 / (1260 * a**5) - 1 / (1680 * a**7)
        log_factorial = a * a.ln() - a + (2 * Decimal(math.pi) * a).ln() / 2 + rest
        return float(a * rate.ln() - rate - log_factorial)


def exact_constraint(model, point):
    """The auxiliary terms of pyhf's model at one point, term by term."""
    total = 0.0
    for name in model.config.par_order:
        parameters, columns = model.config.param_set(name), model.config.par_slice(name)
        if not parameters.constrained:
            continue
        if parameters.pdf_type == "normal":
            sigmas = getattr(parameters, "sigmas", 1.0)
            total += stats.norm.logpdf(point[columns], parameters.auxdata, sigmas).sum()
            continue
        for a, rate in zip(parameters.auxdata, point[columns] * parameters.factors, strict=True):
            large = a > 1000
            total += exact_log_poisson(a, rate) if large else xlogy(a, rate) - rate - gammaln(a + 1)
    return total


def rounding_of(model):
    """What a ln λ - λ - ln Γ(a+1) can lose in double precision, all Poisson terms together."""
    sets = [model.config.param_set(name) for name in model.config.par_order]
    counts = [
        np.asarray(s.auxdata) for s in sets if s.constrained and s.pdf_type == "poisson"
    ]  # fmt: skip
    terms = np.concatenate([np.zeros(1), *counts])
    # Parameters reach 10 in the bounds, so rates reach ten times the count.
    return 4 * np.finfo(float).eps * float((10 * terms * (1 + np.log1p(terms))).sum())


@pytest.mark.parametrize("where", ["inside", "near"])
def test_log_likelihood_is_that_of_pyhf(opened, where):
    """pyhf's logpdf to 1e-9; -inf exactly where a rate is negative.

    A negative rate makes pyhf take its logarithm or, if nothing was counted, give a
    number that means nothing. Some workspaces have Poisson terms of 10¹¹ counts, where
    pyhf's own sum is good to 10⁻³ only: there the main term is pyhf's and the
    auxiliary terms are in 40 digits, and pyhf's sum agrees within its rounding.
    """
    points = points_of(opened, where)
    model, data, main = opened.model, opened.data, opened.model.config.nmaindata
    rates = np.array([model.expected_data(p, include_auxdata=False) for p in points])
    possible = (rates >= 0).all(axis=1)
    assert possible.any()
    if where == "near":
        assert possible.mean() > 0.5
    received = opened.likelihood.log_likelihood(points[:, opened.free])
    assert (received[~possible] == -np.inf).all()

    received, points = received[possible], points[possible]
    counts = np.array(data[:main])
    expected = [model.mainlogpdf(counts, p).item() + exact_constraint(model, p) for p in points]
    np.testing.assert_allclose(received, expected, rtol=1e-9)
    whole = [model.logpdf(p, data)[0] for p in points]
    np.testing.assert_allclose(received, whole, rtol=1e-9, atol=rounding_of(model))


def test_most_workspaces_leave_pyhf_its_digits(opened):
    """Only the three-lepton search needs an allowance for pyhf's rounding."""
    allowed = rounding_of(opened.model)
    assert allowed < 1e-7 or opened.name == "3L_background_only.json"


def test_expected_events_are_those_of_pyhf(opened):
    """Every bin's rate, channels in pyhf's order, negative ones included."""
    points = points_of(opened, "near")[:50]
    model = opened.model
    expected = np.array([model.expected_data(p, include_auxdata=False) for p in points])
    received = opened.likelihood.expected_events(points[:, opened.free])
    np.testing.assert_allclose(received, expected, rtol=1e-11, atol=1e-11)


def test_gradient_is_the_finite_difference(opened):
    """Central differences of the log-likelihood, at points where every rate is positive."""
    likelihood, p = opened.likelihood, opened.likelihood.parameters
    generator = np.random.default_rng(8)
    start = np.clip(p.inits, p.lower + 0.05 * p.scales, p.upper - 0.05 * p.scales)
    candidates = start + 0.04 * p.scales * generator.uniform(-1, 1, (20, len(p)))
    usable = np.isfinite(likelihood.log_likelihood(candidates))
    assert usable.any()
    for point in candidates[usable][:3]:
        steps = np.diag(1e-5 * p.scales)
        _, gradient = likelihood.value_and_gradient(point[None])
        ahead, behind = (likelihood.log_likelihood(point + s * steps) for s in (1, -1))
        slopes = (ahead - behind) / 2e-5
        np.testing.assert_allclose(gradient[0] * p.scales, slopes, rtol=1e-5, atol=1e-5)


def test_value_with_gradient_is_the_value(opened):
    """`value_and_gradient` gives the same number as `log_likelihood`."""
    p = opened.likelihood.parameters
    points = p.inits + 0.01 * p.scales * np.random.default_rng(1).normal(size=(3, len(p)))
    value, gradient = opened.likelihood.value_and_gradient(points)
    np.testing.assert_allclose(value, opened.likelihood.log_likelihood(points), rtol=1e-13)
    assert gradient.shape == points.shape


def test_parameters_are_those_of_pyhf(opened):
    """Names, order, inits, bounds and the parameter of interest, without the fixed ones."""
    config, p, free = opened.model.config, opened.likelihood.parameters, opened.free
    np.testing.assert_array_equal(p.names, np.array(config.par_names)[free])
    np.testing.assert_array_equal(p.inits, np.array(config.suggested_init())[free])
    bounds = np.array(config.suggested_bounds())[free]
    np.testing.assert_array_equal(np.stack([p.lower, p.upper], axis=1), bounds)
    assert p.poi_names == (config.poi_name,)


def test_constraints_are_those_of_pyhf(opened):
    """Which parameters have an auxiliary measurement, and the width it gives them."""
    widths, constrained = widths_of(opened.model), []
    for name in opened.model.config.par_order:
        parameters = opened.model.config.param_set(name)
        constrained += [parameters.constrained] * parameters.n_parameters
    for i, parameter in zip(np.flatnonzero(opened.free), opened.likelihood.parameters, strict=True):
        assert (parameter.constraint is not None) == constrained[i]
        if parameter.constraint is not None and hasattr(parameter.constraint, "sigma"):
            assert parameter.constraint.scale == pytest.approx(widths[i], rel=1e-12)


def test_fixed_parameters_stay_at_their_inits(opened):
    """The parameters that pyhf suggests to fix are none of ours, and keep their init."""
    config = opened.model.config
    expected = {
        name: init
        for name, init, fixed in zip(
            config.par_names, config.suggested_init(), config.suggested_fixed(), strict=True
        )
        if fixed
    }
    assert opened.likelihood.fixed_values == expected
    assert not set(expected) & set(opened.likelihood.parameters.names)


def test_observed_counts_are_those_of_the_workspace(opened):
    """The main measurement, channels in pyhf's order, without the auxiliary data."""
    config = opened.model.config
    received = opened.likelihood.specification.observed
    np.testing.assert_array_equal(received, opened.data[: config.nmaindata])
    assert opened.likelihood.specification.channels == tuple(config.channel_nbins.items())
