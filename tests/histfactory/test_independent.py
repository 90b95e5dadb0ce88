"""pyhf as a function of points, with any codes and measurement, and no answer where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from generated_workspaces import ALL_CODES, EXAMPLE, LUMI, likelihood_of, pyhf_model

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.independent import independent_likelihood


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_it_is_logpdf(codes):
    """The value of pyhf's own model, channels in its order, with each pair of codes."""
    model, data = pyhf_model(EXAMPLE, *codes)
    point = np.array(model.config.suggested_init())
    point[model.config.par_slice("alpha")] = 0.7
    found = independent_likelihood(EXAMPLE, normsys_code=codes[0], histosys_code=codes[1])
    assert found.source.startswith("pyhf 0.7")
    assert found.values(point[None])[0] == model.logpdf(point, data)[0]


def test_an_impossible_point_has_no_answer():
    """NaN where a rate is negative, without a warning; its neighbours are not touched."""
    likelihood = likelihood_of(EXAMPLE, "code4", "code4p")
    points = np.tile(likelihood.parameters.inits, (3, 1))
    points[1, likelihood.parameters.index("mu")] = -500.0
    found = independent_likelihood(EXAMPLE).values(likelihood.all_parameters(points))
    assert np.isfinite(found).tolist() == [True, False, True]


def test_the_measurement_is_chosen_by_name():
    """Another measurement holds the luminosity elsewhere; an unknown one is an error."""
    moved = {"name": "lumi", "auxdata": [1.1], "sigmas": [0.02], "inits": [1.1]}
    second = {"name": "other", "config": {"poi": "mu", "parameters": [{**LUMI, **moved}]}}
    workspace = {**EXAMPLE, "measurements": [*EXAMPLE["measurements"], second]}
    point = np.array(pyhf_model(EXAMPLE, "code4", "code4p")[0].config.suggested_init())[None]
    first, other = (
        independent_likelihood(workspace, measurement=m).values for m in (None, "other")
    )
    # The constraint of the luminosity is 5 of its widths away: -½ 25.
    assert first(point)[0] - other(point)[0] == pytest.approx(12.5)
    with pytest.raises(InvalidLikelihood, match="Received: "):
        independent_likelihood(workspace, measurement="none")


def with_count(count):
    """A bin whose background is known as if from so many events of a simulation."""
    background = {
        "name": "background",
        "data": [50.0],
        "modifiers": [{"name": "mc", "type": "shapesys", "data": [50.0 / np.sqrt(count)]}],
    }
    signal = {
        "name": "signal",
        "data": [5.0],
        "modifiers": [{"name": "mu", "type": "normfactor", "data": None}],
    }
    return {
        "channels": [{"name": "SR", "samples": [signal, background]}],
        "observations": [{"name": "SR", "data": [53.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }  # fmt: skip


@pytest.mark.parametrize(("count", "close"), [(9e3, 1e-10), (2e4, 1e-9), (2e11, 1e-2)])
def test_large_counts_keep_their_digits(count, close):
    """The tensor program, whose terms are written around their maximum, to 1e-11 whatever the
    count; pyhf alone loses digits as the count grows."""
    likelihood = likelihood_of(with_count(count), "code4", "code4p")
    width = count**-0.5
    points = likelihood.all_parameters(np.array([[1.0, 1.0], [0.5, 1 + width], [2.0, 1 - width]]))
    points = points[:, [likelihood.parameters.index(n) for n in ("mu", "mc[0]")]]
    found = independent_likelihood(with_count(count))
    np.testing.assert_allclose(
        found.values(points), likelihood.log_likelihood(points), rtol=1e-11, atol=1e-10
    )
    model, data = pyhf_model(with_count(count), "code4", "code4p")
    alone = [model.logpdf(point, data)[0] for point in points]
    np.testing.assert_allclose(alone, found.values(points), atol=close)
    assert ("digits" in found.source) == (count > 1e4)
