"""pyhf as a function of points, with any codes and measurement, and no answer where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from generated_workspaces import ALL_CODES, EXAMPLE, LUMI, likelihood_of, pyhf_model

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.histfactory.independent import pyhf_log_likelihood, pyhf_name


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_it_is_logpdf(codes):
    """The value of pyhf's own model, channels in its order, with each pair of codes."""
    model, data = pyhf_model(EXAMPLE, *codes)
    point = np.array(model.config.suggested_init())
    point[model.config.par_slice("alpha")] = 0.7
    values = pyhf_log_likelihood(EXAMPLE, normsys_code=codes[0], histosys_code=codes[1])
    assert values(point[None])[0] == model.logpdf(point, data)[0]


def test_an_impossible_point_has_no_answer():
    """NaN where a rate is negative, without a warning; its neighbours are not touched."""
    likelihood = likelihood_of(EXAMPLE, "code4", "code4p")
    points = np.tile(likelihood.parameters.inits, (3, 1))
    points[1, likelihood.parameters.index("mu")] = -500.0
    found = pyhf_log_likelihood(EXAMPLE)(likelihood.all_parameters(points))
    assert np.isfinite(found).tolist() == [True, False, True]


def test_the_measurement_is_chosen_by_name():
    """Another measurement holds the luminosity elsewhere; an unknown one is an error."""
    moved = {"name": "lumi", "auxdata": [1.1], "sigmas": [0.02], "inits": [1.1]}
    second = {"name": "other", "config": {"poi": "mu", "parameters": [{**LUMI, **moved}]}}
    workspace = {**EXAMPLE, "measurements": [*EXAMPLE["measurements"], second]}
    point = np.array(pyhf_model(EXAMPLE, "code4", "code4p")[0].config.suggested_init())[None]
    first, other = (pyhf_log_likelihood(workspace, measurement=m) for m in (None, "other"))
    # The constraint of the luminosity is 5 of its widths away: -½ 25.
    assert first(point)[0] - other(point)[0] == pytest.approx(12.5)
    with pytest.raises(InvalidLikelihood, match="Received: "):
        pyhf_log_likelihood(workspace, measurement="none")
    assert pyhf_name().startswith("pyhf 0.7")
