"""Generated workspaces that cross every modifier and code, against pyhf's NumPy backend."""

import functools

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnlik.histfactory.rates import log_poisson
from dnnlik.histfactory.specification import HISTOSYS_CODES, NORMSYS_CODES
from dnnlik.histfactory.workspace import specification_of
from dnnlik.likelihoods.histfactory import HistFactoryLikelihood

# Names that samples, channels, and both kinds of nuisance parameters share.
NUISANCES = ("alpha", "beta", "gamma")
LUMI = {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]], "inits": [1.0]}

codes = st.tuples(st.sampled_from(NORMSYS_CODES), st.sampled_from(HISTOSYS_CODES))
factors = st.floats(0.6, 1.6)
yields = st.one_of(st.floats(5.0, 60.0), st.just(0.0))


def lists(numbers, size):
    return st.lists(numbers, min_size=size, max_size=size)


@st.composite
def systematics(draw, nominal):
    """Normsys and histosys of one sample, often with the same nuisance parameter."""
    modifiers = []
    for name in draw(st.sets(st.sampled_from(NUISANCES))):
        data = {"hi": draw(factors), "lo": draw(factors)}
        modifiers.append({"name": name, "type": "normsys", "data": data})
    for name in draw(st.sets(st.sampled_from(NUISANCES))):
        up, down = (draw(lists(factors, len(nominal))) for _ in range(2))
        data = {
            "hi_data": [n * f for n, f in zip(nominal, up, strict=True)],
            "lo_data": [n * f for n, f in zip(nominal, down, strict=True)],
        }
        modifiers.append({"name": name, "type": "histosys", "data": data})
    return modifiers


@st.composite
def samples(draw, channel, number, size):
    """One sample: a signal with the parameter of interest, or a background."""
    nominal = draw(lists(yields, size))
    if sum(nominal) == 0:
        nominal[0] = 10.0
    modifiers = draw(systematics(nominal))
    if number == 0:
        modifiers.append({"name": "mu", "type": "normfactor", "data": None})
    elif draw(st.booleans()):
        modifiers.append({"name": "norm", "type": "normfactor", "data": None})
    if draw(st.booleans()):
        modifiers.append({"name": "lumi", "type": "lumi", "data": None})
    if draw(st.booleans()):
        data = draw(lists(st.one_of(st.just(0.0), st.floats(0.5, 5.0)), size))
        name = f"shapesys_{channel}_{number}"
        modifiers.append({"name": name, "type": "shapesys", "data": data})
    if draw(st.booleans()):
        data = draw(lists(st.one_of(st.just(0.0), st.floats(0.5, 5.0)), size))
        modifiers.append({"name": f"staterror_{channel}", "type": "staterror", "data": data})
    if draw(st.integers(0, 3)) == 0:
        # Shared between channels of one size, and between the samples of a channel.
        modifiers.append({"name": f"shape_{size}", "type": "shapefactor", "data": None})
    return {
        "name": f"sample_{number}",
        "data": nominal,
        "modifiers": draw(st.permutations(modifiers)),
    }


@st.composite
def workspaces(draw):
    """A workspace of pyhf's schema, parameters fixed and moved through the measurement."""
    channels, observations = [], []
    names = draw(st.permutations(["CR", "SR", "VR"]))[: draw(st.integers(1, 3))]
    for channel in names:
        size = draw(st.integers(1, 4))
        numbers = range(draw(st.integers(1, 3)))
        if channel != names[0]:
            # Not every sample is in every channel.
            numbers = [n for n in numbers if n == 0 or draw(st.booleans())]
        found = [draw(samples(channel, number, size)) for number in numbers]
        channels.append({"name": channel, "samples": found})
        data = draw(lists(st.one_of(st.just(0.0), st.integers(1, 90).map(float)), size))
        observations.append({"name": channel, "data": data})
    used = {m["name"] for c in channels for s in c["samples"] for m in s["modifiers"]}
    parameters = [LUMI] if "lumi" in used else []
    for name in sorted(used & {*NUISANCES, "norm"}):
        if draw(st.integers(0, 3)) == 0:
            init = draw(st.floats(0.3, 1.7))
            held = {"name": name, "fixed": draw(st.booleans()), "inits": [init]}
            parameters.append(held | {"bounds": [[-2.0, 3.0]]})
    config = {"poi": "mu", "parameters": parameters}
    return {
        "channels": channels,
        "observations": observations,
        "measurements": [{"name": "search", "config": config}],
        "version": "1.0.0",
    }


def pyhf_model(workspace, normsys_code, histosys_code):
    """pyhf's own model of the first measurement, with the codes, and its data."""
    opened = pyhf.Workspace(workspace)
    settings = {
        "normsys": {"interpcode": normsys_code},
        "histosys": {"interpcode": histosys_code},
    }
    model = opened.model(modifier_settings=settings)
    return model, np.array(opened.data(model))


def likelihood_of(workspace, normsys_code, histosys_code):
    specification = specification_of(
        workspace, normsys_code=normsys_code, histosys_code=histosys_code
    )
    return HistFactoryLikelihood(specification, digest="")


def uncompiled_log_likelihood(likelihood, points):
    """The tensor program run eagerly: compiling every example would take minutes."""
    observed = tf.constant(likelihood.specification.observed)
    main = log_poisson(observed, tf.constant(likelihood.expected_events(points))).numpy()
    return main + likelihood.log_constraint(points) + likelihood.fixed_constraint


def random_points(parameters, seed, size=6):
    """Points inside the bounds, most of them within a few units of the inits, and the inits."""
    generator = np.random.default_rng(seed)
    points = parameters.inits + generator.normal(0, 1.2, (size, len(parameters)))
    points[-1] = parameters.inits
    return np.clip(points, parameters.lower, parameters.upper)


def assert_same(received, likelihood, model, data, points):
    """pyhf's logpdf to 1e-9 where no rate is negative or empty; -inf where one is."""
    main = model.config.nmaindata
    for value, point in zip(received, likelihood.all_parameters(points), strict=True):
        rates = model.expected_data(point, include_auxdata=False)
        if (rates < 0).any() or (data[:main][rates == 0] > 0).any():
            assert value == -np.inf
        else:
            expected = model.logpdf(point, data)[0]
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(workspace=workspaces(), codes=codes, seed=st.integers(0, 2**32 - 1))
def test_every_workspace_is_what_pyhf_makes_of_it(workspace, codes, seed):
    """Parameters, rates and log-likelihood of a generated workspace are pyhf's."""
    model, data = pyhf_model(workspace, *codes)
    likelihood = likelihood_of(workspace, *codes)
    config, parameters = model.config, likelihood.parameters
    free = ~np.array(config.suggested_fixed())
    assert list(parameters.names) == list(np.array(config.par_names)[free])
    np.testing.assert_array_equal(parameters.inits, np.array(config.suggested_init())[free])
    np.testing.assert_array_equal(parameters.lower, np.array(config.suggested_bounds())[free, 0])
    np.testing.assert_array_equal(parameters.upper, np.array(config.suggested_bounds())[free, 1])
    assert parameters.poi_names == (config.poi_name,)
    np.testing.assert_array_equal(likelihood.specification.observed, data[: config.nmaindata])

    points = random_points(parameters, seed)
    full = likelihood.all_parameters(points)
    expected = [model.expected_data(point, include_auxdata=False) for point in full]
    np.testing.assert_allclose(likelihood.expected_events(points), expected, rtol=1e-9, atol=1e-9)
    assert_same(uncompiled_log_likelihood(likelihood, points), likelihood, model, data, points)


EXAMPLE = {
    "channels": [
        {
            "name": "SR",
            "samples": [
                {
                    "name": "signal",
                    "data": [6.0, 9.0, 4.0],
                    "modifiers": [
                        {"name": "mu", "type": "normfactor", "data": None},
                        {"name": "lumi", "type": "lumi", "data": None},
                        {"name": "alpha", "type": "normsys", "data": {"hi": 1.2, "lo": 0.85}},
                    ],
                },
                {
                    "name": "background",
                    "data": [40.0, 30.0, 20.0],
                    "modifiers": [
                        {"name": "alpha", "type": "normsys", "data": {"hi": 0.9, "lo": 1.15}},
                        {
                            "name": "alpha",
                            "type": "histosys",
                            "data": {"hi_data": [44.0, 30.0, 17.0], "lo_data": [37.0, 29.0, 22.0]},
                        },
                        {
                            "name": "beta",
                            "type": "histosys",
                            "data": {"hi_data": [41.0, 33.0, 21.0], "lo_data": [38.0, 28.0, 20.0]},
                        },
                        {"name": "mc", "type": "staterror", "data": [2.0, 2.0, 1.5]},
                        {"name": "fakes", "type": "shapesys", "data": [4.0, 0.0, 3.0]},
                    ],
                },
            ],
        },
        {
            "name": "CR",
            "samples": [
                {
                    "name": "background",
                    "data": [100.0, 80.0],
                    "modifiers": [
                        {"name": "alpha", "type": "normsys", "data": {"hi": 1.1, "lo": 0.95}},
                        {"name": "free", "type": "shapefactor", "data": None},
                        {"name": "lumi", "type": "lumi", "data": None},
                    ],
                }
            ],
        },
    ],
    "observations": [
        {"name": "CR", "data": [97.0, 85.0]},
        {"name": "SR", "data": [45.0, 41.0, 22.0]},
    ],
    "measurements": [{"name": "search", "config": {"poi": "mu", "parameters": [LUMI]}}],
    "version": "1.0.0",
}
ALL_CODES = [(n, h) for n in NORMSYS_CODES for h in HISTOSYS_CODES]


@functools.cache
def example(normsys_code, histosys_code):
    return likelihood_of(EXAMPLE, normsys_code, histosys_code)


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_compiled_program_is_what_pyhf_says(codes):
    """The compiled program with each pair of codes, at many points."""
    model, data = pyhf_model(EXAMPLE, *codes)
    likelihood = example(*codes)
    points = random_points(likelihood.parameters, seed=3, size=16)
    received = likelihood.log_likelihood(points)
    assert np.isfinite(received).sum() > 8
    assert_same(received, likelihood, model, data, points)


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_compiled_gradient_is_the_finite_difference_of_pyhf(codes):
    """Central differences of pyhf's logpdf, at the inits too, where codes 0 and 1 have kinks."""
    model, data = pyhf_model(EXAMPLE, *codes)
    likelihood, step = example(*codes), 1e-5
    inits = likelihood.parameters.inits
    for point in (inits, inits + 0.1 * np.random.default_rng(4).uniform(-1, 1, inits.size)):
        _, gradient = likelihood.value_and_gradient(point[None])
        shifted = [
            likelihood.all_parameters(point + sign * step * np.eye(inits.size)) for sign in (1, -1)
        ]
        ahead, behind = ([model.logpdf(p, data)[0] for p in points] for points in shifted)
        slopes = (np.array(ahead) - np.array(behind)) / (2 * step)
        np.testing.assert_allclose(gradient[0], slopes, rtol=1e-5, atol=1e-4)


def test_gradient_where_a_factor_is_zero():
    """At μ = 0 the slopes are those of pyhf from above: no division by the factor."""
    likelihood = example("code4", "code4p")
    point = likelihood.parameters.inits.copy()
    column = likelihood.parameters.index("mu")
    point[column] = 0.0
    _, gradient = likelihood.value_and_gradient(point[None])
    assert np.isfinite(gradient).all()
    ahead = np.stack([point, point, point])
    ahead[1:, column] = 1e-5, 2e-5
    values = likelihood.log_likelihood(ahead)
    slope = (4 * values[1] - 3 * values[0] - values[2]) / 2e-5
    assert gradient[0, column] == pytest.approx(slope, rel=1e-5)


def test_negative_rate_is_impossible_with_a_gradient_of_numbers():
    """-inf where pyhf gives NaN, and no NaN in the gradient either."""
    likelihood = example("code4", "code4p")
    point = likelihood.parameters.inits.copy()
    point[likelihood.parameters.index("fakes[0]")] = -1.0
    value, gradient = likelihood.value_and_gradient(point[None])
    assert value[0] == -np.inf
    assert np.isfinite(gradient).all()
