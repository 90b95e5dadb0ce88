"""A search for a resonance beside four backgrounds, small and with everything that hurts.

Events are those of `dnnlik.datasets.resonance_events`; nothing is anybody's data. Features (n, 5)
are in the order of `FEATURES`: mass and transverse momentum of the two jets, missing transverse
momentum, transverse mass of lepton and missing momentum, and the distance of the jets in η and φ.

Weights are cross section times luminosity over the sum of generator weights, which are -1 for
some events of ttbar, wjets and single_top, as from generators at next-to-leading order. An event
that fails the selection (`selected`) has weight 0 instead of being left out: what a variation
does to it stays in its row.

>>> samples = resonance_search(1000, seed=1)
>>> samples["ttbar"].features.shape, len(samples["multijet"].weights)
((1000, 5), 40)
>>> samples["ttbar/jes_up"].features.shape, bool((samples["wjets"].weights < 0).any())
((1000, 5), True)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnlik.datasets.resonance_events import (
    FEATURES,
    OTHER_GENERATOR,
    PILEUP,
    SPECTRA,
    Collisions,
    collisions,
    features,
    selected,
)
from dnnlik.exceptions import InvalidInput

__all__ = [
    "CROSS_SECTIONS",
    "FEATURES",
    "LUMINOSITY",
    "STEPS",
    "VARIED",
    "Sample",
    "recorded",
    "resonance_search",
    "variation_weights",
]

Array = NDArray[np.float64]

LUMINOSITY = 300.0
"""In inverse femtobarns."""

CROSS_SECTIONS: Mapping[str, float] = {
    "signal": 0.60,
    "ttbar": 10.0,
    "wjets": 8.0,
    "single_top": 2.0,
    "multijet": 3.0,
}
"""In femtobarns, before `selected`, tags included."""

STEPS = {"jes": 0.03, "jer": 0.15, "soft": 0.15}
"""One standard deviation: relative, of jet momenta, of their resolution, of soft momenta."""

PILEUP_STEP = 2.0
"""One standard deviation of the mean number of collisions in a bunch crossing."""

_EXPERIMENT = ("jes", "jer", "soft", "btag", "pileup")
VARIED: Mapping[str, tuple[str, ...]] = {
    "signal": _EXPERIMENT,
    "ttbar": (*_EXPERIMENT, "mistag"),
    "wjets": (*_EXPERIMENT, "mistag", "scale"),
    "single_top": _EXPERIMENT,
    "multijet": (),
}
"""What varies the events of each process, up and down; ttbar has ``generator`` up as well."""


class Sample(NamedTuple):
    """``features`` (n, 5) and ``weights`` (n,), which sum up to the events that are expected after
    the selection."""

    features: Array
    weights: Array


def resonance_search(events: int = 20_000, *, seed: int | np.random.Generator) -> dict[str, Sample]:
    """Samples of each process, ``"ttbar"``, and of its variations, ``"ttbar/jes_up"``.

    Args:
        events: simulated events of a process, of multijet a twenty-fifth.
        seed: of all randomness; variations have the events of the nominal sample, but for
            ``"ttbar/generator_up"``.
    """
    generator = np.random.default_rng(seed)
    found: dict[str, Sample] = {}
    for process, spectrum in SPECTRA.items():
        number = max(1, events // 25) if process == "multijet" else events
        drawn = collisions(spectrum, number, generator)
        found[process] = _sample(process, drawn)
        for name in VARIED[process]:
            found |= {
                f"{process}/{name}_{side}": _sample(process, drawn, name, sign)
                for side, sign in (("up", 1), ("down", -1))
            }
    other = collisions(OTHER_GENERATOR, events, generator)
    found["ttbar/generator_up"] = _sample("ttbar", other)
    return found


def recorded(strength: float = 1.0, *, seed: int | np.random.Generator) -> Array:
    """Features (n, 5) of events as a detector records them, selected, in random order.

    Poisson numbers of each process, of the signal ``strength`` times as many; no weights.
    """
    generator = np.random.default_rng(seed)
    parts = []
    for process, spectrum in SPECTRA.items():
        expected = CROSS_SECTIONS[process] * LUMINOSITY
        expected *= strength if process == "signal" else 1.0
        number = int(generator.poisson(expected))
        parts.append(features(collisions(spectrum, number, generator)))
    rows = generator.permutation(np.concatenate(parts))
    return np.asarray(rows[selected(rows)])


def _sample(process: str, drawn: Collisions, variation: str = "", sign: int = 0) -> Sample:
    """Features and weights of a process, varied by ``sign`` standard deviations."""
    moved = {variation: sign * STEPS[variation]} if variation in STEPS else {}
    rows = features(drawn, **moved)
    if drawn.sign.sum() <= 0:
        raise InvalidInput(
            f"signs of events sum up to a positive number: more events. Received: {len(drawn.sign)}"
        )
    weights = drawn.sign * CROSS_SECTIONS[process] * LUMINOSITY / drawn.sign.sum()
    if variation and not moved:
        weights = weights * variation_weights(drawn, variation, sign)
    return Sample(rows, np.where(selected(rows), weights, 0.0))


def variation_weights(drawn: Collisions, name: str, sign: int) -> Array:
    """Factors (n,) on the weights of events, for one standard deviation up (1) or down (-1).

    ``btag``, ``mistag``: of the tags of both jets, 3 % and more at high momentum for b jets,
    20 % for others; ``pileup``: the ratio of two Poisson probabilities; ``scale``: of the
    generator of wjets, asymmetric and growing with the momentum of the jets.
    """
    if name == "pileup":
        mean = PILEUP + sign * PILEUP_STEP
        return np.asarray((mean / PILEUP) ** drawn.pileup * math.exp(PILEUP - mean))
    hard = np.linalg.norm(drawn.jets[..., :2], axis=-1)
    if name == "scale":
        size = 0.25 if sign > 0 else 0.15
        return np.asarray(1.0 + sign * size * (0.5 + hard.sum(axis=1) / 200.0))
    error = np.where(drawn.is_b, 0.03 + 0.03 * np.minimum(hard / 200.0, 2.0), 0.0)
    if name == "mistag":
        error = np.where(drawn.is_b, 0.0, 0.2)
    return np.asarray(np.prod(1.0 + sign * error, axis=1))
