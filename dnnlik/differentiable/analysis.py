"""From events to a statistical model: what happens inside a training step.

All pure functions of tensors; nothing in here leaves the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.events import Events
from dnnlik.differentiable.model import HistFactoryModel
from dnnlik.differentiable.named import with_histograms
from dnnlik.differentiable.objectives import Scores, Trained
from dnnlik.differentiable.observables import Classifier, Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.statistics import root
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = [
    "Batch",
    "Histograms",
    "analysed",
    "batches",
    "drawn_rows",
    "gathered",
    "has_scores",
    "histograms_of",
    "model_of",
]


class Batch(NamedTuple):
    """Events of one sample, as tensors.

    ``weights`` (n,) float64 sum up to the expected events of the sample, those of a random
    part of it too; ``share``: which part of all events it is, for the statistical uncertainty
    of all.
    """

    features: tf.Tensor
    weights: tf.Tensor
    share: float


class Histograms(NamedTuple):
    """Histograms (bins,) of each sample of events, and their statistical uncertainties."""

    yields: dict[str, tf.Tensor]
    uncertainties: dict[str, tf.Tensor]


def batches(
    problem: Problem, events: Mapping[str, Events], names: Sequence[str] | None = None
) -> dict[str, Batch]:
    """Whole samples as batches, normalised to their expected yields: of the names that the
    problem uses, or of some of them.

    Raises:
        InvalidInput: a sample that is not there, or weights that cannot be normalised.
    """
    names = problem.names if names is None else names
    missing = [name for name in names if name not in events]
    if missing:
        raise InvalidInput(f"the problem needs events of {', '.join(missing)}. Received: none")
    return {
        name: Batch(
            tf.constant(sample.features),
            tf.constant(sample.weights * _scale(name, problem.expected(name), sample)),
            sample.share,
        )
        for name, sample in ((name, events[name]) for name in names)
    }


def _scale(name: str, expected: float, sample: Events) -> float:
    """From weights to expected events."""
    total = float(sample.weights.sum())
    if total == 0 or expected / total < 0:
        raise InvalidInput(
            "weights of events sum up to a number of the sign of the expected events. "
            f"Received: {total:g} in {name}, of which {expected:g} events are expected"
        )
    return expected / total


def has_scores(problem: Problem, observable: Observable) -> bool:
    """Whether there are events of every class, and an observable that tells as many apart."""
    classes = problem.classes(variations=False)
    return (
        isinstance(observable, Classifier) and observable.classes == len(classes) and all(classes)
    )


def analysed(
    problem: Problem,
    observable: Observable,
    samples: Mapping[str, Batch],
    *,
    hard: bool,
    training: bool = False,
    with_model: bool = True,
) -> Trained:
    """The model, and the scores, of batches of all samples, or of those that are there."""
    summaries = _summaries(observable, samples, training)
    scores = None
    if has_scores(problem, observable):
        scores = _scores(problem, cast(Classifier, observable), summaries, samples)
    if not with_model:
        return Trained(None, scores)
    templates = _templates(problem, observable, summaries, samples, hard=hard)
    channels = with_histograms(
        problem.channels,
        lambda name: templates.yields[name],
        lambda name: templates.uncertainties[name],
    )
    return Trained(model_of(problem, channels), scores)


def model_of(problem: Problem, channels: Sequence[JSON]) -> HistFactoryModel:
    """The model of a problem whose channels have histograms in place of names."""
    return HistFactoryModel(channels, problem.pois, problem.parameters, widths=problem.widths)


def histograms_of(
    problem: Problem, observable: Observable, samples: Mapping[str, Batch], *, hard: bool
) -> Histograms:
    """The histograms of batches of all samples, the floor of the problem included."""
    summaries = _summaries(observable, samples, training=False)
    return _templates(problem, observable, summaries, samples, hard=hard)


def _templates(
    problem: Problem,
    observable: Observable,
    summaries: Mapping[str, tf.Tensor],
    samples: Mapping[str, Batch],
    *,
    hard: bool,
) -> Histograms:
    count = observable.hard if hard else observable.smooth
    weights = {name: sample.weights for name, sample in samples.items()}
    yields = _counted(count, summaries, weights)
    # Of the whole sample: a batch of a tenth of it has ten times the variance.
    squares = {
        name: tf.square(samples[name].weights) * samples[name].share
        for name in samples
        if name in problem.statistical
    }
    variances = _counted(count, summaries, squares)
    return Histograms(
        {
            name: histogram + problem.floor + _nothing(summaries[name])
            for name, histogram in yields.items()
        },
        {name: root(histogram) for name, histogram in variances.items()},
    )


def _nothing(summary: tf.Tensor) -> tf.Tensor:
    """0; NaN if one of the summaries is, which hard bins and cuts would not count."""
    lost = tf.reduce_any(tf.math.is_nan(summary))
    return tf.where(lost, tf.constant(np.nan, tf.float64), tf.constant(0.0, tf.float64))


def _counted(
    count: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    summaries: Mapping[str, tf.Tensor],
    weights: Mapping[str, tf.Tensor],
) -> dict[str, tf.Tensor]:
    """Histograms (bins,) by name, float64, in the order of the weights.

    Samples of equally many events are counted together: hundreds of variations are one
    operation.
    """
    found: dict[str, tf.Tensor] = {}
    for size in sorted({int(w.shape[0]) for w in weights.values()}):
        names = [name for name, w in weights.items() if int(w.shape[0]) == size]
        histograms = count(
            tf.stack([summaries[name] for name in names]),
            tf.stack([weights[name] for name in names]),
        )
        rows = tf.unstack(tf.cast(histograms, tf.float64), num=len(names))
        found |= dict(zip(names, rows, strict=True))
    return {name: found[name] for name in weights}


def _summaries(
    observable: Observable, samples: Mapping[str, Batch], training: bool
) -> dict[str, tf.Tensor]:
    """The summaries of each sample, from one call of the observable for all of them; in blocks
    where nothing is trained, so that millions of events do not fill the memory."""
    features = tf.concat([sample.features for sample in samples.values()], axis=0)
    sizes = [int(sample.features.shape[0]) for sample in samples.values()]
    rows = sum(sizes)
    blocks = [features[i : i + _BLOCK] for i in range(0, rows, _BLOCK)]
    found = [observable.summary(x, training=training) for x in ([features] if training else blocks)]
    return dict(zip(samples, tf.split(tf.concat(found, axis=0), sizes), strict=True))


_BLOCK = 2**17


def _scores(
    problem: Problem,
    observable: Classifier,
    summaries: Mapping[str, tf.Tensor],
    samples: Mapping[str, Batch],
) -> Scores:
    def of(names: Sequence[str], number: int) -> tuple[tf.Tensor, tf.Tensor]:
        present = [name for name in names if name in samples]
        summary = tf.concat([summaries[name] for name in present], axis=0)
        weights = tf.concat([samples[name].weights for name in present], axis=0)
        return observable.probabilities(summary)[:, number], weights

    nominal, varied = (
        tuple(of(names, number) for number, names in enumerate(problem.classes(variations)))
        for variations in (False, True)
    )
    return Scores(nominal, varied)


def gathered(sample: Batch, rows: tf.Tensor) -> Batch:
    """A random part of a sample, normalised to what is expected of the whole.

    Where negative weights happen to cancel the positive ones, to what is expected on average.
    """
    share = int(rows.shape[0]) / int(sample.weights.shape[0])
    weights = tf.gather(sample.weights, rows) / share
    expected, total = tf.reduce_sum(sample.weights), tf.reduce_sum(weights)
    usable = total / expected > _CANCELLED  # expected events may be negative: interference
    weights *= tf.where(usable, expected / tf.where(usable, total, expected), tf.ones_like(total))
    return Batch(tf.gather(sample.features, rows), weights, share * sample.share)


_CANCELLED = 0.2


def drawn_rows(
    sizes: Sequence[int], batch: int, steps: int, seed: Sequence[int]
) -> list[np.ndarray]:
    """For each sample the rows (steps, batch) of an epoch: each sample shuffled, and begun
    again where it ends; (steps, size) where it has fewer than a batch. The same rows for
    samples of equal size, which may be variations of one another."""
    rows = []
    for size in sizes:
        rng, width = np.random.default_rng(seed), min(batch, size)
        rounds = -(-steps * width // size)
        order = np.concatenate([rng.permutation(size) for _ in range(rounds)])
        rows.append(order[: steps * width].reshape(steps, width).astype(np.int32))
    return rows
