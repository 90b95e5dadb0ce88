"""HistFactory workspaces that cross every modifier and code, and what pyhf makes of them."""

from __future__ import annotations

import numpy as np
import pyhf
import pytest
from hypothesis import strategies as st

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
