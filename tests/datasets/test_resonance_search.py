"""The resonance search: yields, weights, seeds, and what each variation does."""

import numpy as np
import pytest
from scipy.stats import poisson

from dnnlik.datasets.resonance_events import FEATURES, PILEUP, SPECTRA, collisions, features
from dnnlik.datasets.resonance_search import (
    CROSS_SECTIONS,
    LUMINOSITY,
    PILEUP_STEP,
    VARIED,
    recorded,
    resonance_search,
    variation_weights,
)

EVENTS = 20_000


@pytest.fixture(scope="module")
def samples():
    return resonance_search(EVENTS, seed=1)


@pytest.fixture(scope="module")
def drawn():
    return {name: collisions(s, EVENTS, np.random.default_rng(2)) for name, s in SPECTRA.items()}


def means(sample):
    return np.average(sample.features, axis=0, weights=sample.weights)


def test_the_samples(samples):
    """Five processes, two of each variation, another generator; rows of a process correspond."""
    expected = {f"{p}/{v}_{side}" for p in VARIED for v in VARIED[p] for side in ("up", "down")}
    assert set(samples) == {*CROSS_SECTIONS, *expected, "ttbar/generator_up"}
    for name, sample in samples.items():
        rows = EVENTS // 25 if name == "multijet" else EVENTS
        assert sample.features.shape == (rows, len(FEATURES))
        assert sample.weights.shape == (rows,)
        assert np.isfinite(sample.features).all()
        assert (sample.features >= 0).all()


@pytest.mark.parametrize("process", CROSS_SECTIONS)
def test_weights_sum_up_to_the_expected_events(samples, drawn, process):
    """All weights have one size, cross section times luminosity over the sum of signs, so that
    what is selected sums up to the selected part of the expected events."""
    weights = samples[process].weights
    used = weights[weights != 0]
    assert np.ptp(np.abs(used)) < 1e-12
    signed = 1 - 2 * SPECTRA[process].negative
    expected = CROSS_SECTIONS[process] * LUMINOSITY
    count = len(weights)
    assert abs(used[0]) == pytest.approx(expected / (signed * count), rel=5 / np.sqrt(count))
    shares = (used < 0).mean()
    assert shares == pytest.approx(SPECTRA[process].negative, abs=4 * np.sqrt(0.2 / len(used)))


def test_the_selection_is_in_the_weights(samples):
    """An event has weight 0 where it fails a cut, and there alone."""
    for sample in samples.values():
        mass, _, met, _, separation = sample.features.T
        passes = (mass > 80) & (mass < 600) & (met > 30) & (separation < 5)
        np.testing.assert_array_equal(sample.weights != 0, passes)


def test_the_seed_is_the_sample(samples):
    """A seed gives one sample, another seed another, a generator goes on."""
    again, other = resonance_search(200, seed=1), resonance_search(200, seed=2)
    generator = np.random.default_rng(1)
    first, second = (resonance_search(200, seed=generator) for _ in range(2))
    for name, sample in again.items():
        np.testing.assert_array_equal(sample.features, first[name].features)
        np.testing.assert_array_equal(sample.weights, first[name].weights)
        assert not np.any(sample.features == other[name].features)
        assert not np.any(sample.features == second[name].features)


def test_features_are_those_of_the_momenta(drawn):
    """Against four-vectors added up by hand, for jets as measured."""
    events = drawn["ttbar"]
    found = features(events)
    first, second = (events.response[:, i, None] * events.jets[:, i] for i in range(2))
    cosine = (first * second).sum(axis=1)
    sizes = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    np.testing.assert_allclose(found[:, 0] ** 2, 2 * (sizes - cosine), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(found[:, 1], np.hypot(*(first + second)[:, :2].T), rtol=1e-10)
    lost = first + second - events.jets.sum(axis=1)
    missing = events.neutrino - lost[:, :2] + events.soft
    np.testing.assert_allclose(found[:, 2], np.hypot(*missing.T), rtol=1e-10)
    angle = np.arctan2(*missing.T) - np.arctan2(*events.lepton.T)
    product = np.hypot(*missing.T) * np.hypot(*events.lepton.T)
    expected = 2 * product * (1 - np.cos(angle))
    np.testing.assert_allclose(found[:, 3] ** 2, expected, rtol=1e-6, atol=1e-4)


def test_the_resonance_has_its_mass(drawn):
    """True mass of the signal: 250 ± 8 GeV, within four standard errors."""
    jets = drawn["signal"].jets
    energy, total = np.linalg.norm(jets, axis=-1).sum(axis=1), jets.sum(axis=1)
    mass = np.sqrt(energy**2 - (total**2).sum(axis=1))
    assert mass.mean() == pytest.approx(250, abs=4 * 8 / np.sqrt(EVENTS))
    assert mass.std() == pytest.approx(8, abs=4 * 8 / np.sqrt(2 * EVENTS))


def test_a_lepton_and_a_neutrino_of_a_w(drawn):
    """Their transverse mass ends at that of the W, but not where momentum is lost or none."""
    for process, ends in (("signal", True), ("wjets", True), ("ttbar", False)):
        events = drawn[process]
        sizes = np.hypot(*events.lepton.T) * np.hypot(*events.neutrino.T)
        square = 2 * (sizes - (events.lepton * events.neutrino).sum(axis=1))
        assert bool(np.sqrt(square.max()) <= 80.4 + 1e-6) == ends
    assert not drawn["multijet"].neutrino.any()


def test_the_jet_energy_scale(samples):
    """Masses and momenta of the jets are 3 % up and down in every event, their distance stays,
    and the missing momentum moves, by no more than the jets do."""
    nominal = samples["ttbar"].features
    for side, factor in (("up", 1.03), ("down", 0.97)):
        varied = samples[f"ttbar/jes_{side}"].features
        np.testing.assert_allclose(varied[:, :2], factor * nominal[:, :2], rtol=1e-9, atol=1e-5)
        np.testing.assert_array_equal(varied[:, 4], nominal[:, 4])
        moved = np.abs(varied[:, 2] - nominal[:, 2])
        assert (moved <= 0.03 * nominal[:, 1] + 1e-9).all()
        assert moved.max() > 1


def test_the_jet_resolution(samples):
    """The peak of the signal is wider up, narrower down; its middle stays."""
    core = [np.percentile(samples[n].features[:, 0], [16, 50, 84])
            for n in ("signal/jer_down", "signal", "signal/jer_up")]  # fmt: skip
    widths = [high - low for low, _, high in core]
    assert widths[0] < 0.95 * widths[1] < 0.95 * 0.95 * widths[2]
    assert max(middle for _, middle, _ in core) - min(middle for _, middle, _ in core) < 1.0


def test_soft_momenta_move_the_missing_momentum_alone(samples):
    """Jets stay; a multijet-like event without a neutrino would scale by the step."""
    nominal, up = samples["wjets"].features, samples["wjets/soft_up"].features
    np.testing.assert_array_equal(up[:, [0, 1, 4]], nominal[:, [0, 1, 4]])
    assert (up[:, 2] != nominal[:, 2]).all()
    events = collisions(SPECTRA["multijet"], 100, np.random.default_rng(1))._replace(
        response=np.ones((100, 2))
    )
    ratio = features(events, soft=0.15)[:, 2] / features(events)[:, 2]
    np.testing.assert_allclose(ratio, 1.15, rtol=1e-9)


def test_pile_up_is_a_ratio_of_poisson_probabilities(drawn):
    """Of each number of collisions; the mean weight is 1."""
    counts = drawn["ttbar"].pileup
    for sign in (1, -1):
        weights = variation_weights(drawn["ttbar"], "pileup", sign)
        ratio = poisson.pmf(counts, PILEUP + sign * PILEUP_STEP) / poisson.pmf(counts, PILEUP)
        np.testing.assert_allclose(weights, ratio, rtol=1e-10)
        assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / np.sqrt(EVENTS))


def test_tags(drawn):
    """b jets have errors of 3 to 9 % each, others of 20 %; each variation leaves the other's
    jets alone."""
    events = drawn["wjets"]
    others = (~events.is_b).sum(axis=1)
    for sign in (1, -1):
        np.testing.assert_allclose(
            variation_weights(events, "mistag", sign), (1 + 0.2 * sign) ** others, rtol=1e-12
        )
        tagged = variation_weights(events, "btag", sign) ** sign
        assert (tagged[others == 2] == 1).all()
        assert ((tagged[others == 0] > 1.06 - 0.01) & (tagged[others == 0] < 1.21)).all()


def test_the_scale_is_asymmetric(samples):
    """The rate of wjets moves more up than down, and harder jets more."""
    totals = [samples[n].weights.sum() for n in ("wjets/scale_down", "wjets", "wjets/scale_up")]
    up, down = totals[2] / totals[1] - 1, 1 - totals[0] / totals[1]
    assert up > 1.5 * down > 0.1
    assert means(samples["wjets/scale_up"])[1] > means(samples["wjets"])[1]
    np.testing.assert_array_equal(samples["wjets/scale_up"].features, samples["wjets"].features)


def test_another_generator_is_other_events(samples):
    """Harder ones, of about the same rate."""
    nominal, other = samples["ttbar"], samples["ttbar/generator_up"]
    assert not np.any(nominal.features == other.features)
    assert other.weights.sum() == pytest.approx(nominal.weights.sum(), rel=0.05)
    assert means(other)[1] > 1.1 * means(nominal)[1]


def test_recorded_events_are_those_that_are_expected(samples):
    """Selected, without weights; on average as many as the weights say, with and without signal,
    and with the same mean mass."""
    generator = np.random.default_rng(5)
    backgrounds = [samples[name] for name in CROSS_SECTIONS if name != "signal"]
    signal = samples["signal"].weights.sum()
    expected = sum(sample.weights.sum() for sample in backgrounds)
    for strength in (0.0, 2.0):
        many = [recorded(strength, seed=generator) for _ in range(20)]
        mean = np.mean([len(rows) for rows in many])
        rate = expected + strength * signal
        # The simulated rate of multijet is the least known: 800 events before the selection.
        assert mean == pytest.approx(rate, abs=4 * np.sqrt(rate / 20) + 40)
        if not strength:
            mass = np.concatenate(many)[:, 0].mean()
            wanted = sum(means(s)[0] * s.weights.sum() for s in backgrounds) / expected
            assert mass == pytest.approx(wanted, rel=0.02)
    np.testing.assert_array_equal(recorded(seed=3), recorded(seed=3))
