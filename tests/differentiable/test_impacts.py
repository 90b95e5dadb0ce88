"""Expected impacts: against closed forms, and the fits of the inference room."""

import json

import numpy as np
import pytest
from analyses import cut_of, cut_problem, network_of, problem_of
from workspaces import factor, sample, scale, shape

import dnnlik
from dnnlik import inference
from dnnlik.differentiable import HistFactoryModel, evaluate
from dnnlik.differentiable.impacts import expected_impacts, impacts_of_model


def channel(name, signal, background, *modifiers):
    parts = [sample("signal", signal, factor("mu")), sample("background", background, *modifiers)]
    return {"name": name, "samples": parts}


def test_parts_of_a_counting_experiment():
    """One bin s + b with b known to 10 %: √(s+b)/s, 0.1 b/s, and their sum in quadrature; the
    impact is the systematic part, and negative."""
    channels = [channel("SR", [10.0], [90.0], shape("b", [99.0], [81.0]))]
    (found,) = impacts_of_model(HistFactoryModel(channels))
    assert found.statistical == pytest.approx(1.0)
    assert found.systematic == pytest.approx(0.9)
    assert found.total == pytest.approx(np.hypot(1.0, 0.9))
    assert found.impacts == {"b": pytest.approx(-0.9)}


@pytest.mark.parametrize("kind", ["staterror", "shapesys"])
def test_few_simulated_events_are_systematic(kind):
    """A background of 90 ± 9, with a normal or a Poisson measurement: the part of a counting
    experiment that is not √(s+b)/s."""
    uncertain = {"name": "b", "type": kind, "data": [9.0]}
    (found,) = impacts_of_model(HistFactoryModel([channel("SR", [10.0], [90.0], uncertain)]))
    assert found.statistical == pytest.approx(1.0)
    assert found.systematic == pytest.approx(0.9, rel=0.06)  # staterror is relative to s + b


def test_a_free_normalisation_is_statistical():
    """A background that only a control region measures floats in the statistical part."""
    free = factor("k")
    channels = [channel("SR", [10.0], [90.0], free), channel("CR", [0.0], [900.0], free)]
    (found,) = impacts_of_model(HistFactoryModel(channels))
    assert found.total == found.statistical == pytest.approx(np.sqrt(100 + 90**2 / 900) / 10)
    assert found.systematic == 0
    assert found.impacts["k"] == pytest.approx(-9 / 30)


def test_impacts_are_those_of_fits(tmp_path):
    """With small variations as the shifts of the fitted signal, both sides on average, that the
    inference room finds by fits to the Asimov data of the nominal signal."""
    variations = (shape("shape", [52.0, 47.0], [48.0, 53.0]), scale("rate", 1.02, 0.98))
    channels = [channel("SR", [4.0, 8.0], [50.0, 50.0], *variations)]
    (found,) = impacts_of_model(HistFactoryModel(channels))
    document = {
        "channels": channels,
        "observations": [{"name": "SR", "data": [54.0, 58.0]}],
        "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }
    (tmp_path / "workspace.json").write_text(json.dumps(document))
    likelihood = dnnlik.open_likelihood(tmp_path / "workspace.json")
    fitted = inference.uncertainties(likelihood, inference.fit(likelihood))
    exact = inference.impacts(likelihood, fitted)
    assert set(found.impacts) == set(exact.names) == {"shape", "rate"}
    for name, (up, down) in zip(exact.names, exact.postfit, strict=True):
        assert found.impacts[name] == pytest.approx((up - down) / 2, rel=0.02)
    assert found.total == pytest.approx(fitted.errors[likelihood.parameters.index("mu")], rel=1e-4)


def test_the_total_is_the_objective():
    """`sigma_mu` of the same events, and a JSON document sorted by size."""
    problem = problem_of(floor=0.1)
    observable = network_of(problem)
    (found,) = expected_impacts(problem, observable, problem.events)
    assert found.total == pytest.approx(evaluate(problem, observable, problem.events)["sigma_mu"])
    assert 0 < found.statistical < found.total
    document = found.to_json()
    sizes = [abs(value) for value in document["impacts"].values()]
    assert sizes == sorted(sizes, reverse=True)
    assert document["poi"] == "mu"


def test_nothing_uncertain():
    """Without nuisance parameters all of the uncertainty is statistical."""
    problem = cut_problem()
    (found,) = expected_impacts(problem, cut_of(), problem.events)
    assert found.total == found.statistical
    assert found.impacts == {}
