"""From events to a model: normalisation, batches, statistical uncertainties, templates."""

import numpy as np
import pyhf
import pytest
import tensorflow as tf
from analyses import (
    SHAPE,
    STAT,
    YIELDS,
    channel,
    cut_of,
    cut_problem,
    events_of,
    network_of,
    problem_of,
    trained_of,
)
from workspaces import assert_same_as_pyhf, scattered

from dnnlik.differentiable import Binning, Events
from dnnlik.differentiable.analysis import Batch, batches, drawn_rows, gathered, histograms_of
from dnnlik.differentiable.named import with_histograms
from dnnlik.exceptions import InvalidInput

EDGES = [-1.0, 0.5, 1.5, 3.0]


def test_whole_samples_have_their_expected_yields():
    """The sum of the weights becomes the yield, whatever they are; signs stay."""
    events = events_of(weights=True)
    problem = problem_of(events=events, yields={**YIELDS, "up": 0.0})
    for name, batch in batches(problem, events).items():
        np.testing.assert_allclose(tf.reduce_sum(batch.weights), problem.expected(name), atol=1e-9)
        if name != "up":
            np.testing.assert_array_equal(np.sign(batch.weights), np.sign(events[name].weights))


@pytest.mark.parametrize("size", [1, 2, 7, 59, 60, 100])
@pytest.mark.parametrize("weights", [False, True])
def test_batches_have_the_expected_yield(size, weights):
    """Each of them, of weights of any sign; but where these cancel, what is expected on
    average."""
    events = events_of(size=60, weights=weights)
    problem = problem_of(events=events)
    whole = batches(problem, events)["background"]
    (rows,) = drawn_rows([60], size, -(-60 // size), [0, 1])
    parts = [gathered(whole, tf.constant(step)) for step in rows]
    sums = np.array([part.weights.numpy().sum() for part in parts])
    share = min(size, 60) / 60
    raw = np.array([whole.weights.numpy()[step].sum() / share for step in rows])
    assert parts[0].share == share
    cancelled = raw <= 20
    np.testing.assert_allclose(sums[~cancelled], 100)
    np.testing.assert_allclose(sums[cancelled], raw[cancelled])


def test_batches_of_interference():
    """A sample of negative expected events: each batch has them, but where it has no weight."""
    weights = tf.constant([-3.0, 1.0, -2.0, -1.0, 2.0, -2.0], tf.float64)
    whole = Batch(tf.zeros([6, 1]), weights, 1.0)
    for rows, expected in (([0, 2], -5.0), ([3, 5], -5.0), ([4, 5], 0.0)):
        part = gathered(whole, tf.constant(rows))
        np.testing.assert_allclose(tf.reduce_sum(part.weights), expected)


@pytest.mark.parametrize(
    ("sizes", "batch", "steps"), [([60, 25, 3], 10, 6), ([7], 7, 1), ([5], 2, 3)]
)
def test_rows_of_an_epoch(sizes, batch, steps):
    """Every event of every sample is drawn, none twice before all are; a step has a batch,
    or all of a smaller sample; other epochs have another order."""
    rows = drawn_rows(sizes, batch, steps, [3, 1])
    for size, drawn in zip(sizes, rows, strict=True):
        assert drawn.shape == (steps, min(batch, size))
        assert set(drawn.ravel()) == set(range(size))
        first = drawn.ravel()[:size]
        assert len(set(first)) == size
    again, other = drawn_rows(sizes, batch, steps, [3, 1]), drawn_rows(sizes, batch, steps, [3, 2])
    np.testing.assert_array_equal(again[0], rows[0])
    assert not np.array_equal(other[0], rows[0])


def test_statistical_uncertainty_is_that_of_the_whole_sample():
    """√Σw² of the whole in hard bins; batches of any size have it on average, exactly over
    an epoch of batches that divide the sample."""
    events = events_of(size=60, weights=False, features=1)
    problem = problem_of(SHAPE, STAT, events=events)
    observable = cut_of(binning=Binning(EDGES, 0.2, "drop"), start=-9.0)
    _, held_out = problem.split(0)
    assert batches(problem, held_out)["background"].share == 0.25
    # Fewer events that are not from it are all there is of theirs.
    fewer = events_of(seed=1, size=6, weights=False, features=1)
    assert batches(problem, fewer)["background"].share == 1.0
    samples = batches(problem, events)
    found = histograms_of(problem, observable, samples, hard=True).uncertainties
    assert set(found) == {"background"}
    weights = events["background"].weights * 100 / events["background"].weights.sum()
    values = events["background"].features[:, 0].astype(float)
    expected = np.histogram(values, EDGES, weights=weights**2)[0]
    np.testing.assert_allclose(found["background"], np.sqrt(expected))
    for size in (4, 30):
        (rows,) = drawn_rows([60], size, 60 // size, [0])
        variances = []
        for step in rows:
            part = {**samples, "background": gathered(samples["background"], tf.constant(step))}
            drawn = histograms_of(problem, observable, part, hard=True).uncertainties
            variances.append(drawn["background"].numpy() ** 2)
        np.testing.assert_allclose(np.mean(variances, axis=0), expected)


NUMBERS = {"name": "CR", "samples": [
    {"name": "background", "data": [30.0, 40.0], "modifiers": [
        {"name": "shape", "type": "histosys",
         "data": {"hi_data": [31.0, 44.0], "lo_data": [29.0, 37.0]}},
        {"name": "free", "type": "normfactor", "data": None}]},
]}  # fmt: skip


def test_the_model_is_that_of_numpy_and_pyhf():
    """Several channels, one of numbers, one events twice; weights of both signs; a floor;
    staterror and shapesys of events: hard bins are numpy's, the likelihood is pyhf's."""
    events = events_of(weights=True)
    poisson = {"name": "poisson", "type": "shapesys", "data": "background"}
    channels = [
        channel(SHAPE, STAT), NUMBERS,
        channel(poisson, {"name": "free", "type": "normfactor", "data": None}, name="VR"),
    ]  # fmt: skip
    parameters = [{"name": "mu", "bounds": [[0.0, 9.0]], "inits": [1.0]}]
    problem = problem_of(events=events, channels=channels, floor=20.0, parameters=parameters)
    observable = cut_of(binning=Binning(EDGES, 0.2, "include"), start=-9.0)

    def histogram(name, power):
        weights = events[name].weights * YIELDS[name] / events[name].weights.sum()
        values = np.clip(events[name].features[:, 0].astype(float), EDGES[0], EDGES[-1])
        kept = events[name].features[:, 0] >= -9
        return np.histogram(values[kept], EDGES, weights=weights[kept] ** power)[0]

    filled = with_histograms(
        channels,
        lambda name: (histogram(name, 1) + 20).tolist(),
        lambda name: np.sqrt(histogram(name, 2)).tolist(),
    )
    reference = pyhf.Model(
        {"channels": filled, "parameters": parameters}, poi_name="mu", validate=False
    )
    model = trained_of(problem, observable, hard=True).model
    data = np.array(reference.expected_data(reference.config.suggested_init()))
    assert_same_as_pyhf(model, reference, data, scattered(model))


def test_samples_of_different_sizes():
    """Counted together by size, each as by itself."""
    events = {n: s[np.arange(size)] for (n, s), size in
              zip(events_of(features=1).items(), (60, 20, 20, 7), strict=True)}  # fmt: skip
    problem = problem_of(events=events)
    observable = cut_of(start=0.1)
    found = histograms_of(problem, observable, batches(problem, events), hard=True).yields
    for name, sample in events.items():
        share = (sample.features[:, 0] >= 0.1).mean()
        np.testing.assert_allclose(found[name], [YIELDS[name] * share])


@pytest.mark.parametrize("weights", [[1.0, -1.0], [0.0, 0.0], [-1.0, -2.0]])
def test_weights_that_cannot_be_normalised(weights):
    """A sum of zero, or of the other sign: one line that names the sample."""
    events = {**cut_problem().events, "signal": Events([[0.0], [1.0]], weights)}
    problem = cut_problem(events=events)
    with pytest.raises(InvalidInput, match=r"Received: .* in signal, of which 20") as error:
        batches(problem, events)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("lost", [1, 60])
def test_events_are_never_lost_to_nan(hard, lost):
    """A network whose output is NaN for one event or all gives NaN, not fewer events."""
    problem = problem_of()
    observable = network_of(problem)
    limit = np.sort(problem.events["signal"].features[:, 0])[-lost]
    network = observable.network

    def summary(features, training=False):
        out = network(features, training=training)[:, 0]
        return tf.where(features[:, 0] >= limit, tf.constant(np.nan), out)

    observable.summary = summary
    samples = {"signal": batches(problem, problem.events)["signal"]}
    yields = histograms_of(problem, observable, samples, hard=hard).yields["signal"]
    assert np.isnan(yields).all()


def test_bins_without_events():
    """Are empty, or have the floor, smooth and hard."""
    events = cut_problem().events
    observable = cut_of(binning=Binning([50.0, 60.0, 70.0], 0.1, "drop"))
    for floor in (0.0, 1e-3):
        problem = cut_problem(floor=floor)
        for hard in (True, False):
            found = histograms_of(problem, observable, batches(problem, events), hard=hard).yields
            np.testing.assert_array_equal(found["signal"], [floor, floor])


def test_signal_of_numbers():
    """With a network on background events alone there is a model, and there are no scores."""
    fixed = channel(SHAPE, signal=[4.0, 5.0, 6.0])
    problem = problem_of(channels=[fixed])
    trained = trained_of(problem, network_of(problem), hard=True)
    assert trained.model.expected_events(tf.ones([1, 2], tf.float64)).shape == (1, 3)
    with pytest.raises(InvalidInput, match="cross-entropy"):
        _ = trained.scores


def test_a_sample_that_is_missing():
    """One line with its name, whoever asks for its events."""
    problem = problem_of()
    events = {name: problem.events[name] for name in ("signal", "up", "down")}
    with pytest.raises(InvalidInput, match=r"needs events of background. Received: none"):
        batches(problem, events)
