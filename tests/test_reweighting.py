"""Samples under other priors, against products of Gaussians."""

from dataclasses import replace

import numpy as np
import pytest

from dnnlik.combination import with_priors
from dnnlik.exceptions import BelowThreshold, InvalidFile, InvalidInput, InvalidParameters
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.reweighting import resampled, reweighted
from dnnlik.sampling import Samples
from dnnlik.sampling.samples import STRATEGIES, Maximum
from dnnlik.sampling.store import SampleStore

ROWS = 8000
PRIOR = Normal(1.0, 0.5)
# A likelihood of 0 ± 1 times the prior: precision 1 + 4.
MEAN, WIDTH = 0.8, 5**-0.5


def gaussian():
    """μ = 0 ± 1 with a flat prior, and a nuisance parameter of its own."""
    parameters = [
        Parameter("mu", 0, (-8, 8), poi=True),
        Parameter("jes", 0, (-8, 8), Normal(0, 1)),
    ]
    return AnalyticLikelihood(parameters, lambda x: -0.5 * x[:, 0] ** 2)


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Independent draws of the posterior, and as many rows that follow something else."""
    likelihood, path = gaussian(), tmp_path_factory.mktemp("samples") / "samples.h5"
    request = {"likelihood": likelihood.digest, "points": 2 * ROWS}
    store = SampleStore.open(path, likelihood, 2 * ROWS, {"request": request})
    points = np.random.default_rng(1).normal(size=(2 * ROWS, 2))
    points[ROWS:] = np.clip(points[ROWS:] * 3, -8, 8)
    for first, strategy in ((0, "unbiased"), (ROWS, "profiled")):
        block = points[first : first + ROWS].reshape(-1, 40, 2)
        store.write(first, block, strategy=strategy, chain=first // ROWS, steps=range(len(block)))
    store.write_maximum(Maximum(np.zeros(2), 0.0, np.zeros(2), -np.diag([1.0, 0.0])))
    store.finish({})
    return Samples.open(path)


def test_a_flat_prior_becomes_a_normal_one(samples):
    """Mean and width of the product of two Gaussians, within the Monte Carlo error."""
    found = reweighted(samples, {"mu": PRIOR}).checked()
    mu = samples.points[found.rows, 0]
    mean = np.average(mu, weights=found.weights)
    width = np.sqrt(np.average((mu - mean) ** 2, weights=found.weights))
    error = WIDTH / np.sqrt(found.effective_points)
    assert abs(mean - MEAN) < 4 * error
    assert abs(width - WIDTH) < 4 * error / np.sqrt(2)
    np.testing.assert_allclose(found.after["mu"][0], [MEAN - WIDTH, MEAN + WIDTH], atol=0.1)
    np.testing.assert_allclose(found.before["mu"][0], [-1, 1], atol=0.1)
    assert found.rows.max() < ROWS
    assert found.weights.sum() == pytest.approx(1)


def test_the_effective_fraction_in_closed_form(samples):
    """(∫wp)²/∫w²p of two Gaussians: the mean weights of the draws are close to it."""
    # w = exp(-2 (μ-1)²), p normal: ⟨w⟩ and ⟨w²⟩ by completing the square.
    first = (1 + 4) ** -0.5 * np.exp(-0.5 * 4 / 5)
    second = (1 + 8) ** -0.5 * np.exp(-0.5 * 8 / 9)
    found = reweighted(samples, {"mu": PRIOR})
    assert found.effective_fraction == pytest.approx(first**2 / second, rel=0.05)
    assert found.effective_points == pytest.approx(found.effective_fraction * ROWS)


def test_the_same_prior_changes_nothing(samples):
    """Equal weights, and the interval of before."""
    found = reweighted(samples, {"mu": None})
    assert found.effective_fraction == pytest.approx(1)
    np.testing.assert_array_equal(found.before["mu"], found.after["mu"])


def test_a_correlated_sample_is_worth_less(samples):
    """Effective points start from those that the sampler measured."""
    chained = replace(samples, diagnostics={"effective_points": 400.0})
    found = reweighted(chained, {"mu": PRIOR})
    assert found.effective_points == pytest.approx(400 * found.effective_fraction)


@pytest.mark.parametrize("prior", [Normal(6, 0.1), Normal(0, 1e-4), Normal(500, 0.5)])
def test_a_prior_that_is_too_far(prior, samples):
    """Few points carry all weight: said in one line, and no overflow where none has any."""
    found = reweighted(samples, {"mu": prior})
    assert np.isfinite(found.weights).all()
    with pytest.raises(BelowThreshold, match="sample anew"):
        found.checked()


def test_too_few_points_for_an_interval(samples):
    """A good fraction of a small sample is not enough."""
    few = samples.rows(np.arange(150))
    found = reweighted(few, {"mu": PRIOR})
    assert found.effective_fraction > 0.3
    with pytest.raises(BelowThreshold, match="effective points"):
        found.checked()
    assert found.checked(points=10) is found


def test_resampled_points_follow_the_new_posterior(samples, tmp_path):
    """Unweighted, with the new prior in their terms, and each as often as its weight says."""
    found = reweighted(samples, {"mu": PRIOR})
    path = tmp_path / "new.h5"
    drawn = resampled(samples, found, path, points=3000, seed=4)
    assert len(drawn) == 3000
    assert drawn.unbiased.all()
    error = WIDTH / np.sqrt(found.effective_points)
    assert abs(drawn.points[:, 0].mean() - MEAN) < 4 * error
    assert drawn.parameters["mu"].prior == PRIOR
    np.testing.assert_allclose(drawn.log_prior, [PRIOR.log_density(x) for x in drawn.points[:, 0]])
    # Systematic: the copies of a row are its expected number, rounded.
    _, copies = np.unique(drawn.points[:, 0], return_counts=True)
    expected = 3000 * found.weights.max()
    assert np.floor(expected) <= copies.max() <= np.ceil(expected)
    # A row keeps its walker, which is what training holds out.
    chosen = np.searchsorted(np.sort(samples.points[:ROWS, 0]), drawn.points[:, 0])
    order = np.argsort(samples.points[:ROWS, 0])
    np.testing.assert_array_equal(drawn.walker, samples.walker[:ROWS][order][chosen])


def test_resampled_files_know_where_they_come_from(samples, tmp_path):
    """Provenance, the digest of the likelihood with the priors, the same again for a seed."""
    priors = {"mu": PRIOR}
    found = reweighted(samples, priors)
    first = resampled(samples, found, tmp_path / "a.h5", seed=1)
    request = first.provenance["request"]
    assert request["likelihood"] == with_priors(gaussian(), priors).digest
    assert request["resampled_from"] == samples.digest
    assert request["priors"] == {"mu": PRIOR.to_json()}
    few = resampled(samples, found, tmp_path / "few.h5", points=50, seed=1)
    assert few.diagnostics["effective_points"] == 50
    # By default as many as the weights are worth.
    assert len(first) == int(found.effective_fraction * ROWS)
    again = resampled(samples, found, tmp_path / "b.h5", seed=1)
    np.testing.assert_array_equal(first.points, again.points)
    assert resampled(samples, found, tmp_path / "a.h5", seed=1).digest == first.digest
    with pytest.raises(InvalidFile, match="another request"):
        resampled(samples, found, tmp_path / "a.h5", seed=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5", "few.h5"]


def test_samples_of_a_combination_have_the_digest_of_its_priors(samples, tmp_path):
    """Of a combination with priors too: what validates against the points is what they are of."""
    twice = with_priors(with_priors(gaussian(), {"mu": Normal(0, 9)}), {"mu": PRIOR})
    first = with_priors(gaussian(), {"mu": Normal(0, 9)})
    provenance = {"request": {**samples.provenance["request"], "likelihood": first.digest}}
    of_first = replace(samples, provenance=provenance)
    drawn = resampled(of_first, reweighted(of_first, {"mu": PRIOR}), tmp_path / "a.h5", seed=1)
    assert drawn.provenance["request"]["likelihood"] == twice.digest
    np.testing.assert_allclose(
        twice.log_density(samples.points),
        with_priors(gaussian(), {"mu": PRIOR}).log_density(samples.points),
    )


def test_gradients_go_along(samples, tmp_path):
    """Those of log_main do not depend on priors; files without them stay without."""
    with_gradient = replace(samples, gradient=-samples.points * [1.0, 0.0])
    found = reweighted(with_gradient, {"mu": PRIOR})
    drawn = resampled(with_gradient, found, tmp_path / "a.h5", seed=1)
    np.testing.assert_array_equal(drawn.gradient[:, 0], -drawn.points[:, 0])
    assert resampled(samples, found, tmp_path / "b.h5", seed=1).gradient is None


def test_bad_input(samples, tmp_path):
    """Unknown and constrained parameters, rows that follow nothing, numbers that are none."""
    with pytest.raises(InvalidParameters, match="Received: 'nothing'"):
        reweighted(samples, {"nothing": PRIOR})
    with pytest.raises(InvalidParameters, match="'jes' takes the place"):
        reweighted(samples, {"jes": PRIOR})
    profiled = replace(
        samples, strategy=np.full(2 * ROWS, STRATEGIES.index("profiled"), dtype=np.uint8)
    )
    with pytest.raises(InvalidInput, match="Received: 0 of them"):
        reweighted(profiled, {"mu": PRIOR})
    nowhere = replace(samples, log_prior=np.full(2 * ROWS, -np.inf))
    with pytest.raises(InvalidInput, match="finite prior"):
        reweighted(nowhere, {"mu": PRIOR})
    found = reweighted(samples, {"mu": PRIOR})
    for points, seed in ((0, 1), (10, -1)):
        with pytest.raises(InvalidInput, match=f"{points} points, seed {seed}"):
            resampled(samples, found, tmp_path / "x.h5", points=points, seed=seed)
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(InvalidFile):
        resampled(samples, found, occupied / "x.h5", seed=1)
