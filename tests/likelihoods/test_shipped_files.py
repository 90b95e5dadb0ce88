"""The likelihoods that ship, against independent programs in plain Python and SciPy.

The files are no package: they are loaded by path, as the command line does.
"""

import importlib.util
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.parameters import ParameterSet

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "likelihoods"
PAPER_TOY = ROOT.parent / "shared" / "data" / "lhc_search_95p.json"
DATA = {
    "lhc_like_search": "data.json",
    "two_regions": "workspace.json",
    "mass_peak": "events.json",
}

needs_paper_toy = pytest.mark.skipif(
    not PAPER_TOY.is_file(), reason="the shared folder with the paper's toy search is absent"
)


def load(path):
    """Run a Python file under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"_test_{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(folder):
    return json.loads((SHIPPED / folder / DATA[folder]).read_text())


def compiled(log_main):
    """Value and gradient of a raw function, compiled as the library does."""

    @tf.function(jit_compile=True)
    def value_and_gradient(points):
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = log_main(points)
        return value, tape.gradient(value, points)

    return lambda points: [x.numpy() for x in value_and_gradient(tf.constant(points))]


def best_fit(log_main, parameters):
    """Maximum of log_main + log_constraint within the bounds: value and point (d,)."""
    value_and_gradient = compiled(log_main)

    def objective(scaled):
        points = (scaled * parameters.scales)[None]
        value, gradient = value_and_gradient(points)
        value += parameters.log_constraint(points)
        gradient += parameters.log_constraint_gradient(points)
        return -value[0], -gradient[0] * parameters.scales

    bounds = np.stack([parameters.lower, parameters.upper], axis=1) / parameters.scales[:, None]
    start = parameters.inits / parameters.scales
    options = {"maxiter": 2000, "ftol": 1e-15, "gtol": 1e-7, "maxcor": 30}
    result = minimize(objective, start, jac=True, bounds=bounds, options=options)
    assert result.success, result.message
    return -result.fun, result.x * parameters.scales


def finite_difference(log_main, points, steps):
    """Central differences, column by column, (n, d)."""
    columns = []
    for i, step in enumerate(steps):
        shift = np.zeros(len(steps))
        shift[i] = step
        difference = log_main(points + shift) - log_main(points - shift)
        columns.append(difference.numpy() / (2 * step))
    return np.stack(columns, axis=1)


# The LHC-like search ------------------------------------------------------------------


@pytest.fixture(scope="module")
def lhc():
    return load(SHIPPED / "lhc_like_search" / "likelihood.py")


def scalar_shape(delta, up, down):
    """p(δ) of arXiv:1809.05548 as it is printed, one number."""
    if delta > 1:
        return (0.5 * (3 * up + down) - 2) * delta - 0.5 * (up + down) + 2
    if delta < -1:
        return (2 - 0.5 * (3 * down + up)) * delta - 0.5 * (up + down) + 2
    middle = (delta - 1) * (delta + 1)
    return 0.5 * delta * (delta - 1) * down - middle + 0.5 * delta * (delta + 1) * up


def scalar_norm(document, category, deltas):
    """The product over sources of (1+K)^|δ|, one number."""
    factor = 1.0
    for (_, change), delta in zip(document["norm"].items(), deltas, strict=True):
        side = "up" if delta >= 0 else "down"
        factor *= (1 + change[side][category]) ** abs(delta)
    return factor


def scalar_category(document, category, bins, deltas):
    """Expected background of the bins of one category, without MC statistics."""
    source = dict(zip(document["norm"], deltas, strict=True))
    varied = []
    for i in bins:
        yield_ = document["background"][i]
        for name, change in document["shape"].items():
            yield_ *= scalar_shape(source[name], change["up"][i], change["down"][i])
        varied.append(yield_)
    if sum(varied) <= 0:
        return [-math.inf] * len(varied)
    total = sum(document["background"][i] for i in bins)
    scale = total * scalar_norm(document, category, deltas) / sum(varied)
    return [scale * v for v in varied]


def scalar_log_main(document, point):
    """The Poisson term of one point, bin by bin in plain Python."""
    size = document["bins_per_category"]
    mu, statistics, deltas = point[0], point[1:-4], point[-4:]
    total = 0.0
    for category in range(len(document["categories"])):
        bins = range(category * size, (category + 1) * size)
        background = scalar_category(document, category, bins, deltas)
        for i, expected in zip(bins, background, strict=True):
            error = (1 + document["mc_stat_epsilon"][i]) ** statistics[i]
            rate = mu * document["signal"][i] + expected * error
            if rate <= 0:
                return -math.inf
            observed = document["observed"][i]
            total += observed * math.log(rate) - rate - math.lgamma(observed + 1)
    return total


def search_points(rng, parameters, n, pull):
    """Points with μ uniform in the bounds and pulls of the given width."""
    points = np.clip(pull * rng.standard_normal((n, len(parameters))), -8, 8)
    points[:, 0] = rng.uniform(parameters.lower[0], parameters.upper[0], n)
    return points


def document_of(name):
    return json.loads(PAPER_TOY.read_text()) if name == "paper" else read("lhc_like_search")


SEARCHES = ["own", pytest.param("paper", marks=needs_paper_toy)]


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("pull", [0.0, 0.5, 1.0, 2.5])
def test_search_is_the_printed_formula(lhc, name, pull):
    """log_main is the scalar program at pulls inside, at and far outside one sigma."""
    document = document_of(name)
    parameters = ParameterSet(lhc.parameters_of(document))
    points = search_points(np.random.default_rng(7), parameters, 12, pull)
    points[:, -4:] = np.where(points[:, -4:] > 2, 1.0, points[:, -4:])
    expected = [scalar_log_main(document, point) for point in points]
    assert np.isfinite(expected).any()
    received = lhc.log_main_of(document)(points).numpy()
    np.testing.assert_allclose(received, expected, rtol=1e-12)


def test_search_has_the_documented_parameters(lhc):
    """95 in the order μ, MC statistics by category and bin, ISR, JES, LV, CR."""
    parameters = ParameterSet(lhc.parameters_of(read("lhc_like_search")))
    assert len(parameters) == 95
    assert parameters.names[:2] == ("mu", "MC_two_jets_0")
    assert parameters.names[-5:] == ("MC_four_jets_29", "ISR", "JES", "LV", "CR")
    assert parameters.poi_names == ("mu",)
    assert parameters["mu"].bounds == (-1, 5)
    assert all(p.bounds == (-8, 8) and p.constraint.sigma == 1 for p in parameters.items[1:])


def test_search_gradient_is_the_finite_difference(lhc):
    """The compiled gradient agrees with central differences away from the kinks."""
    document = read("lhc_like_search")
    log_main = lhc.log_main_of(document)
    points = search_points(
        np.random.default_rng(3), ParameterSet(lhc.parameters_of(document)), 4, 0.5
    )
    points[:, 0] = [-0.2, 0.3, 1.0, 4.0]
    value, gradient = compiled(log_main)(points)
    assert np.isfinite(value).all()
    np.testing.assert_allclose(
        gradient, finite_difference(log_main, points, np.full(95, 1e-5)), rtol=1e-6, atol=1e-6
    )


def test_search_slope_at_the_kink_is_the_one_from_above(lhc):
    """At δ = 0 the gradient is the limit from δ > 0, not the sum of both slopes."""
    point = np.zeros((1, 95))
    gradient = compiled(lhc.log_main_of(read("lhc_like_search")))
    np.testing.assert_allclose(gradient(point)[1], gradient(point + 1e-9)[1], atol=1e-5)


def test_search_is_finite_or_impossible_everywhere_inside_the_bounds(lhc):
    """In the whole box: never NaN, -inf exactly where the scalar program is, finite slopes."""
    document = read("lhc_like_search")
    parameters = ParameterSet(lhc.parameters_of(document))
    points = np.random.default_rng(5).uniform(parameters.lower, parameters.upper, (64, 95))
    corners = np.where(points[:16] > 0, parameters.upper, parameters.lower)
    points = np.concatenate([points, corners])
    value, gradient = compiled(lhc.log_main_of(document))(points)
    expected = np.array([scalar_log_main(document, point) for point in points])
    impossible = np.isneginf(expected)
    assert 0 < impossible.sum() < len(points)
    np.testing.assert_array_equal(np.isneginf(value), impossible)
    np.testing.assert_allclose(value[~impossible], expected[~impossible], rtol=1e-11)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("observed", "expected"), [(0, 0.0), (1, -np.inf)])
def test_a_rate_of_zero_allows_a_count_of_zero_alone(lhc, observed, expected):
    """Poisson(0 | 0) = 1, Poisson(1 | 0) = 0."""
    value = lhc.log_poisson(np.array([observed]), tf.zeros(1, tf.float64), np.zeros(1))
    assert value.numpy() == [expected]


def test_a_category_that_does_not_sum_to_a_positive_number_is_impossible(lhc):
    """Where the varied spectrum is negative as a whole its fractions mean nothing.

    However large the signal: p = 1 - 8 · 0.1251 is just below zero in every bin.
    """
    document = {**read("lhc_like_search"), "signal": [10.0] * 90}
    document["shape"] = {"ISR": {"up": [0.8749] * 90, "down": [1.1251] * 90}}
    point = np.zeros((1, 95))
    point[0, [0, 91]] = 5.0, 8.0
    value, gradient = compiled(lhc.log_main_of(document))(point)
    assert value == [-np.inf]
    assert np.isfinite(gradient).all()
    assert scalar_log_main(document, point[0]) == -math.inf


def test_search_fits(lhc):
    """The data were drawn at μ = 0: the fit is inside the bounds and near it."""
    document = read("lhc_like_search")
    _, point = best_fit(lhc.log_main_of(document), ParameterSet(lhc.parameters_of(document)))
    assert point[0] == pytest.approx(-0.0703, abs=1e-3)
    assert np.abs(point[1:]).max() < 3


@needs_paper_toy
def test_paper_toy_has_its_reference_maximum(lhc):
    """With the paper's numbers the maximum is -285.778330 at μ = -0.01317.

    The reference counts the uniform prior of μ as -ln 5, where the width of (-1, 5)
    gives -ln 6: the constant of the reference is used here.
    """
    document = document_of("paper")
    value, point = best_fit(lhc.log_main_of(document), ParameterSet(lhc.parameters_of(document)))
    assert value - math.log(5) == pytest.approx(-285.778330, abs=1e-4)
    assert point[0] == pytest.approx(-0.01317, abs=1e-4)
    np.testing.assert_allclose(point[-4:], [-0.0965, -0.1267, 0.1437, 0.0618], atol=2e-4)


@needs_paper_toy
def test_paper_toy_is_found_by_default(monkeypatch):
    """Without the environment variable the benchmark reads the shared file."""
    monkeypatch.delenv("DNNLIK_PAPER_TOY", raising=False)
    assert load(ROOT / "benchmarks" / "paper_toy.py").document() == document_of("paper")


def test_paper_toy_reads_the_file_of_the_environment(monkeypatch, tmp_path):
    """DNNLIK_PAPER_TOY names the file; one that is absent is an InvalidLikelihood."""
    toy = load(ROOT / "benchmarks" / "paper_toy.py")
    monkeypatch.setenv("DNNLIK_PAPER_TOY", str(SHIPPED / "lhc_like_search" / "data.json"))
    assert toy.document() == read("lhc_like_search")
    monkeypatch.setenv("DNNLIK_PAPER_TOY", str(tmp_path / "absent.json"))
    with pytest.raises(InvalidLikelihood, match=r"set DNNLIK_PAPER_TOY .*Received: .*absent\.json"):
        toy.document()


# The mass peak ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def peak():
    return load(SHIPPED / "mass_peak" / "likelihood.py")


def background_shape(mass, slope, curvature, lower, upper):
    """exp(-λx)(1 + c P(x)) of the README, not normalised."""
    x = (mass - lower) / (upper - lower)
    return np.exp(-slope * x) * (1 + curvature * (6 * x**2 - 6 * x + 1))


def scalar_peak_log_main(document, point):
    """The extended term of one point with scipy's truncated normal and a quadrature."""
    mu, scale, resolution, efficiency, expected, slope, curvature = point
    lower, upper = document["range"]
    mean = document["mass"] + document["mass_shift"] * scale
    width = document["width"] * (1 + document["width_effect"]) ** resolution
    edges = (lower - mean) / width, (upper - mean) / width
    masses = np.array(document["masses"])
    shape = (slope, curvature, lower, upper)
    area, _ = quad(background_shape, lower, upper, args=shape, epsabs=0, epsrel=1e-12)
    signal = mu * document["signal_yield"] * (1 + document["efficiency_effect"]) ** efficiency
    density = signal * stats.truncnorm.pdf(masses, *edges, mean, width)
    density += expected * background_shape(masses, *shape) / area
    return np.log(density).sum() - signal - expected if (density > 0).all() else -math.inf


def peak_points(peak, n, seed=11):
    """Points all over the bounds, μ above zero so that densities stay positive."""
    parameters = ParameterSet(peak.PARAMETERS)
    points = np.random.default_rng(seed).uniform(parameters.lower, parameters.upper, (n, 7))
    points[:, 0] = np.abs(points[:, 0])
    return points


def test_peak_is_the_extended_likelihood(peak):
    """log_main is the program with truncnorm and quadrature, all over the bounds."""
    document = read("mass_peak")
    points = peak_points(peak, 12)
    expected = [scalar_peak_log_main(document, point) for point in points]
    assert np.isfinite(expected).all()
    received = peak.log_main_of(document)(points).numpy()
    np.testing.assert_allclose(received, expected, rtol=1e-10)


@pytest.mark.parametrize("nuisances", [(0.0, 0.0), (5.0, 5.0), (-5.0, -5.0), (4.0, -2.0)])
def test_peak_density_is_normalised(peak, nuisances):
    """The signal density integrates to one over the range."""
    document = read("mass_peak")
    lower, upper = document["range"]
    scale, resolution = (tf.constant([[x]], tf.float64) for x in nuisances)

    def density(mass):
        return peak.signal_density(np.array([mass]), scale, resolution, document).numpy()[0, 0]

    area, _ = quad(density, lower, upper, points=[document["mass"]], limit=200)
    assert area == pytest.approx(1, rel=1e-9)


def test_a_truncated_peak_is_normalised(peak):
    """So it does when the range cuts half of the peak away."""
    document = {**read("mass_peak"), "mass": 100.0}
    zero = tf.zeros((1, 1), tf.float64)
    masses = np.linspace(*document["range"], 60_001)
    density = peak.signal_density(masses, zero, zero, document).numpy()[0]
    assert np.trapezoid(density, masses) == pytest.approx(1, rel=1e-7)


@pytest.mark.parametrize("slope", [0.5, 1.8, 5.0])
@pytest.mark.parametrize("curvature", [-0.9, 0.0, 1.5])
def test_background_density_is_normalised_and_positive(peak, slope, curvature):
    """At the corners of the bounds it integrates to one and is nowhere negative."""
    document = read("mass_peak")
    lower, upper = document["range"]
    shape = [tf.constant([[x]], tf.float64) for x in (slope, curvature)]

    def density(mass):
        return peak.background_density(np.array([mass]), *shape, document).numpy()[0, 0]

    assert quad(density, lower, upper)[0] == pytest.approx(1, rel=1e-9)
    grid = peak.background_density(np.linspace(lower, upper, 2001), *shape, document)
    assert grid.numpy().min() > 0


def test_peak_gradient_is_the_finite_difference(peak):
    """The compiled gradient agrees with central differences."""
    log_main = peak.log_main_of(read("mass_peak"))
    points = peak_points(peak, 4)
    steps = 1e-5 * np.array([1, 1, 1, 1, 1000, 1, 1])
    _, gradient = compiled(log_main)(points)
    difference = finite_difference(log_main, points, steps)
    np.testing.assert_allclose(gradient, difference, rtol=1e-6, atol=1e-5)


def test_a_negative_density_is_impossible(peak):
    """A narrow, deeply negative peak: minus infinity, and a gradient without NaN."""
    document = read("mass_peak")
    points = np.array([[-1.0, 0.0, -5.0, 5.0, 1000.0, 2.0, 0.0]])
    value, gradient = compiled(peak.log_main_of(document))(points)
    assert scalar_peak_log_main(document, points[0]) == -math.inf
    assert value == [-np.inf]
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("density", "slope"), [(0.0, 0.0), (-2.0, 0.0), (4.0, 0.25)])
def test_the_logarithm_has_a_finite_slope(peak, density, slope):
    """Minus infinity with slope zero at and below zero, else the logarithm with 1/density."""
    value, gradient = compiled(peak.safe_log)(np.array([density]))
    assert value == pytest.approx(math.log(density) if density > 0 else -math.inf)
    assert gradient == [slope]


def test_peak_fits(peak):
    """The fit finds the truth of the generator within its errors, and S + B = N."""
    document = read("mass_peak")
    _, point = best_fit(peak.log_main_of(document), ParameterSet(peak.PARAMETERS))
    assert point[0] == pytest.approx(0.889, abs=2e-3)
    assert point[4] == pytest.approx(1424.65, abs=0.1)
    signal = point[0] * document["signal_yield"]
    assert signal + point[4] == pytest.approx(len(document["masses"]), abs=1e-2)


# The two regions ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def regions():
    """The workspace, validated against pyhf's schema, as (model, data)."""
    workspace = pyhf.Workspace(read("two_regions"))
    model = workspace.model()
    return model, workspace.data(model)


def test_two_regions_is_what_its_readme_says(regions):
    """17 parameters, μ the parameter of interest, every common kind of modifier."""
    model, _ = regions
    kinds = {kind for _, kind in model.config.modifiers}
    assert model.config.npars == 17
    assert model.config.poi_name == "mu"
    assert model.config.channel_nbins == {"CR": 3, "SR": 6}
    assert kinds == {
        "normfactor", "lumi", "normsys", "histosys", "staterror", "shapesys"
    }  # fmt: skip


def test_two_regions_fits(regions):
    """pyhf's fit converges with every parameter strictly inside its bounds."""
    model, data = regions
    point = np.asarray(pyhf.infer.mle.fit(data, model))
    lower, upper = np.array(model.config.suggested_bounds()).T
    assert ((lower < point) & (point < upper)).all()
    assert point[model.config.poi_index] == pytest.approx(0.64, abs=0.01)
    at_zero, value = (
        float(pyhf.infer.mle.twice_nll(p, data, model)[0])
        for p in (pyhf.infer.mle.fixed_poi_fit(0.0, data, model), point)
    )
    assert 0.5 < at_zero - value < 4


def box_of(model):
    """Lower and upper ends of the bounds, cut at five constraint widths, each (d,)."""
    init = np.array(model.config.suggested_init())
    lower, upper = np.array(model.config.suggested_bounds()).T
    widths = np.full(len(init), np.inf)
    for name in model.config.par_order:
        parameters = model.config.param_set(name)
        if parameters.constrained:
            widths[model.config.par_slice(name)] = parameters.width()
    return np.maximum(lower, init - 5 * widths), np.minimum(upper, init + 5 * widths)


def test_two_regions_has_positive_rates_within_five_sigma(regions):
    """No rate falls to zero in the box of bounds and five constraint widths.

    Tried are all corners of the parameters that several bins share, those of
    single bins at their lower ends, and points all over the box.
    """
    model, _ = regions
    lower, upper = box_of(model)
    shared = [i for i, name in enumerate(model.config.par_names) if "[" not in name]
    corners = np.zeros((2 ** len(shared), len(lower)))
    corners[:, shared] = list(itertools.product([0, 1], repeat=len(shared)))
    inside = np.random.default_rng(1).uniform(size=(200, len(lower)))
    for fraction in np.concatenate([corners, inside]):
        point = lower + fraction * (upper - lower)
        assert model.expected_data(point, include_auxdata=False).min() > 0


# The data -----------------------------------------------------------------------------


@pytest.mark.parametrize("folder", DATA)
def test_generators_reproduce_the_committed_data(folder):
    """The same seed writes the same bytes; another seed other data; below 100 kB."""
    generate = load(SHIPPED / folder / "generate.py")
    committed = (SHIPPED / folder / DATA[folder]).read_text()
    assert generate.text() == committed
    assert generate.text(seed=generate.SEED + 1) != committed
    assert len(committed) < 100_000


@pytest.mark.parametrize("folder", DATA)
def test_every_folder_documents_its_parameters(folder):
    """The README gives the two commands, and a table with the parameter of interest."""
    text = (SHIPPED / folder / "README.md").read_text()
    definition = "workspace.json" if folder == "two_regions" else "likelihood.py"
    assert f"python likelihoods/{folder}/generate.py" in text
    assert f"dnnlik run likelihoods/{folder}/{definition}" in text
    assert "| `mu` |" in text
