"""Events of the processes of `dnnlik.datasets.resonance_search`: what is drawn, and what is
measured of it.

A resonance X of 250 GeV decays into two b jets, and is produced with a W that decays into a
lepton and a neutrino. Top pairs, W + jets, single top and multijet events with a false lepton
look alike. Decays are those of two bodies; spectra, responses of jets, soft momenta and pile-up
are made up. GeV, natural units.

>>> drawn = collisions(SPECTRA["signal"], 1000, np.random.default_rng(1))
>>> nominal, scaled = features(drawn), features(drawn, jes=0.03)
>>> float(round(np.median(nominal[:, 0]), -1)), (scaled / nominal)[:, :2].round(2).max().tolist()
(250.0, 1.03)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dnnlik.datasets.kinematics import decayed, directions, distance, momenta

__all__ = [
    "FEATURES",
    "OTHER_GENERATOR",
    "PILEUP",
    "SPECTRA",
    "Collisions",
    "Spectrum",
    "collisions",
    "features",
    "selected",
]

Array = NDArray[np.float64]

FEATURES = ("m_jj", "pt_jj", "met", "mt", "dr_jj")
"""Columns: GeV, and ΔR without a unit."""

PILEUP = 40.0
"""Mean number of collisions in a bunch crossing."""

_W_MASS = 80.4


@dataclass(frozen=True)
class Spectrum:
    """What the events of a process are drawn from.

    Attributes:
        mass: of the two jets: centre of a normal, or start of a gamma distribution.
        width: of the normal, or scale of the gamma distribution of shape 2.
        peaked: whether the mass is normal.
        momentum: mean transverse momentum of the two jets, exponential.
        forward: 0 for isotropic decays, towards 1 for jets along the direction of flight.
        extra: mean of additional missing momentum, exponential, as of a lost lepton.
        flavours: probability that a jet is a b jet.
        negative: share of events with generator weight -1.
        leptonic: whether lepton and neutrino come from a W.
    """

    mass: float
    width: float
    momentum: float
    peaked: bool = False
    forward: float = 0.0
    extra: float = 0.0
    flavours: float = 1.0
    negative: float = 0.0
    leptonic: bool = True


SPECTRA: Mapping[str, Spectrum] = {
    "signal": Spectrum(250.0, 8.0, 110.0, peaked=True),
    "ttbar": Spectrum(60.0, 65.0, 90.0, extra=35.0, negative=0.1, flavours=0.95),
    "wjets": Spectrum(30.0, 80.0, 70.0, forward=0.6, flavours=0.6, negative=0.2),
    "single_top": Spectrum(50.0, 70.0, 60.0, forward=0.3, extra=10.0, flavours=0.9, negative=0.1),
    "multijet": Spectrum(40.0, 90.0, 50.0, forward=0.5, flavours=0.5, leptonic=False),
}
"""By process."""

OTHER_GENERATOR = Spectrum(45.0, 78.0, 115.0, extra=45.0, negative=0.1, flavours=0.95)
"""ttbar as another generator has it."""


class Collisions(NamedTuple):
    """Events before anything is varied.

    ``jets`` (n, 2, 3): true momenta; ``response`` (n, 2): measured over true momentum;
    ``is_b`` (n, 2); ``lepton`` (n, 2), ``neutrino`` (n, 2), ``soft`` (n, 2): transverse momenta;
    ``pileup`` (n,): number of collisions; ``sign`` (n,): generator weight, 1 or -1.
    """

    jets: Array
    response: Array
    is_b: NDArray[np.bool_]
    lepton: Array
    neutrino: Array
    soft: Array
    pileup: Array
    sign: Array


def collisions(spectrum: Spectrum, events: int, generator: np.random.Generator) -> Collisions:
    """Draw events of a process."""
    mass = generator.gamma(2.0, spectrum.width, events) + spectrum.mass
    if spectrum.peaked:
        mass = generator.normal(spectrum.mass, spectrum.width, events)
    momentum = generator.exponential(spectrum.momentum, events)
    azimuth = generator.uniform(-math.pi, math.pi, events)
    parent = momenta(momentum, generator.normal(0.0, 1.0, events), azimuth)
    jets = decayed(mass, parent, directions(events, generator, spectrum.forward))
    lepton, neutrino = _leptons(spectrum, -parent, generator)
    pileup = generator.poisson(PILEUP, events).astype(float)
    noise = generator.normal(size=(events, 2)) * 2.0 * np.sqrt(pileup)[:, None]
    hard = np.linalg.norm(jets[..., :2], axis=-1)
    resolution = np.sqrt(0.06**2 + 0.9**2 / np.maximum(hard, 10.0))
    return Collisions(
        jets=jets,
        response=np.maximum(generator.normal(1.0, resolution), 0.2),
        is_b=generator.random((events, 2)) < spectrum.flavours,
        lepton=lepton,
        neutrino=neutrino,
        soft=noise,
        pileup=pileup,
        sign=np.where(generator.random(events) < spectrum.negative, -1.0, 1.0),
    )


def _leptons(
    spectrum: Spectrum, recoil: Array, generator: np.random.Generator
) -> tuple[Array, Array]:
    """Transverse momenta of lepton and neutrino, (n, 2) each."""
    events = len(recoil)
    if spectrum.leptonic:
        pair = decayed(np.full(events, _W_MASS), recoil, directions(events, generator))
    else:  # a jet that is taken for a lepton, and no neutrino
        azimuth = generator.uniform(-math.pi, math.pi, events)
        false = momenta(30.0 + generator.exponential(20.0, events), 0.0 * azimuth, azimuth)
        pair = np.stack([false, 0.0 * false], axis=1)
    size = generator.exponential(spectrum.extra, events)
    azimuth = generator.uniform(-math.pi, math.pi, events)
    return pair[:, 0, :2], pair[:, 1, :2] + momenta(size, 0.0 * size, azimuth)[:, :2]


def features(drawn: Collisions, jes: float = 0.0, jer: float = 0.0, soft: float = 0.0) -> Array:
    """Features (n, 5) with jets scaled by 1 + jes, their resolution by 1 + jer, and soft momenta
    by 1 + soft; what jets gain the missing momentum loses."""
    response = (1.0 + jes) * (1.0 + (1.0 + jer) * (drawn.response - 1.0))
    jets = response[..., None] * drawn.jets
    total = jets.sum(axis=1)
    lost = (jets - drawn.jets).sum(axis=1)[:, :2]
    missing = drawn.neutrino - lost + (1.0 + soft) * drawn.soft
    sizes = [np.linalg.norm(part, axis=-1) for part in (total[:, :2], missing, drawn.lepton)]
    mass2 = np.linalg.norm(jets, axis=-1).sum(axis=1) ** 2 - (total**2).sum(axis=-1)
    mt2 = 2.0 * (sizes[1] * sizes[2] - (missing * drawn.lepton).sum(axis=-1))
    mass, mt = (np.sqrt(np.maximum(square, 0.0)) for square in (mass2, mt2))
    return np.stack([mass, sizes[0], sizes[1], mt, distance(drawn.jets)], axis=-1)


def selected(rows: Array) -> NDArray[np.bool_]:
    """Events (n, 5) with 80 < m_jj < 600 and missing momentum above 30 GeV, ΔR below 5: (n,)."""
    return (rows[:, 0] > 80.0) & (rows[:, 0] < 600.0) & (rows[:, 2] > 30.0) & (rows[:, 4] < 5.0)
