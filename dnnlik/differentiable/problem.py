"""What is to be optimised: events, and the statistical model that is made of them.

The model is written as the channels of a pyhf workspace, with the *names of event samples*
where a workspace has histograms::

    Problem(
        events={"signal": Events(x_s), "background": Events(x_b), "up": ..., "down": ...},
        yields={"signal": 20, "background": 100, "up": 100, "down": 100},
        channels=[{"name": "SR", "samples": [
            {"name": "signal", "data": "signal",
             "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
            {"name": "background", "data": "background",
             "modifiers": [{"name": "shape", "type": "histosys",
                            "data": {"hi_data": "up", "lo_data": "down"}}]}]}])

Numbers where a workspace has numbers stay what they are: templates that are not trained. A
name as the data of staterror or shapesys is the statistical uncertainty of those events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

from dnnlik.differentiable.events import Events
from dnnlik.differentiable.named import histograms_in, histograms_of
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["Problem"]


@dataclass(frozen=True)
class Problem:
    """Events, and the model that is made of them.

    Attributes:
        name: for files and figures.
        events: by name; all with the same number of features.
        channels: see the module.
        yields: expected events of a sample before any cut, by the name of its events; by
            default the sum of their weights.
        poi: the parameter of interest, or several.
        parameters: as in a pyhf measurement: bounds, inits, fixed flags.
        widths: of the auxiliary measurements of parameters of normsys and histosys, in units
            of their variation, where it is not 1; ``math.inf``: there is none.
        floor: expected events added to every bin of every histogram of events, so that none
            is empty.
        held_out: events for evaluation, by name; by default a quarter of ``events``. Statistical
            uncertainties are then those of all events, not of the part that is looked at.

    Raises:
        InvalidInput: names without events, events that do not fit each other, or no parameter of
            interest.

    >>> mu = {"name": "mu", "type": "normfactor", "data": None}
    >>> samples = [{"name": "signal", "data": "peak", "modifiers": [mu]},
    ...            {"name": "background", "data": "flat", "modifiers": []}]
    >>> events = {"peak": Events([[0.9], [1.0]]), "flat": Events([[0.2], [0.7], [1.4]])}
    >>> problem = Problem(events, [{"name": "SR", "samples": samples}], yields={"peak": 10})
    >>> problem.names, problem.expected("peak"), problem.expected("flat")
    (('peak', 'flat'), 10.0, 3.0)
    """

    events: Mapping[str, Events]
    channels: Sequence[JSON]
    yields: Mapping[str, float] = field(default_factory=dict)
    poi: str | Sequence[str] = "mu"
    parameters: Sequence[JSON] = ()
    floor: float = 0.0
    widths: Mapping[str, float] = field(default_factory=dict)
    held_out: Mapping[str, Events] | None = None
    name: str = "analysis"

    def __post_init__(self) -> None:
        # Plain numbers, for files.
        object.__setattr__(self, "floor", float(self.floor))
        for name in ("channels", "yields", "parameters", "widths"):
            object.__setattr__(self, name, _plain(getattr(self, name)))
        try:
            used = set(histograms_in(self.channels))
            samples = [(c["name"], s) for c in self.channels for s in c["samples"]]
            _ = [(s["name"], m["name"]) for _, s in samples for m in s["modifiers"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(
                "channels are a list of objects with name and samples, samples have name, data and "
                f"modifiers, as in a pyhf workspace. Received: {type(error).__name__} {error}"
            ) from error
        if not used:
            raise InvalidInput(
                "the channels name no events: there is nothing to train. Received: 0"
            )
        for what, names in (("events", self.events), ("held-out events", self.held_out)):
            if names is not None and used - set(names):
                raise InvalidInput(
                    f"the channels need {what} of these names. Received: none for "
                    f"{', '.join(sorted(used - set(names)))}"
                )
        given = (*self.events.items(), *(self.held_out or {}).items())
        other = {n: type(e).__name__ for n, e in given if not isinstance(e, Events)}
        if other:
            raise InvalidInput(f"events are of the class Events. Received: {other}")
        pois = (self.poi,) if isinstance(self.poi, str) else tuple(self.poi or ())
        if not pois or len(set(pois)) < len(pois):
            raise InvalidInput(
                f"there is a parameter of interest, or several different ones. Received: {self.poi}"
            )
        if set(self.yields) - set(self.events):
            raise InvalidInput(
                f"yields are of the events {', '.join(sorted(self.events))}. "
                f"Received: {', '.join(sorted(self.yields))}"
            )
        bad = {n: y for n, y in (*self.yields.items(), ("floor", self.floor)) if not 0 <= y < inf}
        if bad:
            raise InvalidInput(f"yields and floor are finite and not negative. Received: {bad}")
        widths = {name: sample.features.shape[1] for name, sample in self.events.items()}
        for name, sample in (self.held_out or {}).items():
            widths[f"{name}, held out"] = sample.features.shape[1]
        if len(set(widths.values())) > 1:
            raise InvalidInput(f"all events have the same features. Received: {widths}")

    @property
    def pois(self) -> tuple[str, ...]:
        """The parameters of interest."""
        return (self.poi,) if isinstance(self.poi, str) else tuple(self.poi)

    @property
    def names(self) -> tuple[str, ...]:
        """The events that the channels use, each once, in their order there."""
        return tuple(dict.fromkeys(histograms_in(self.channels)))

    @property
    def statistical(self) -> frozenset[str]:
        """The events whose statistical uncertainty the model contains."""
        samples = [s for channel in self.channels for s in channel["samples"]]
        found = [histograms_of(s) for s in samples]
        return frozenset(name for names in found for name, use in names if use == "uncertainty")

    @property
    def features(self) -> int:
        """Number of features of an event."""
        return int(self.events[self.names[0]].features.shape[1])

    def expected(self, name: str) -> float:
        """Expected events of a sample before any cut."""
        return float(self.yields.get(name, self.events[name].weights.sum()))

    def split(self, seed: int) -> tuple[dict[str, Events], dict[str, Events]]:
        """Events to train on and held-out events, by name.

        Samples of equally many events are split alike: a variation may be the nominal events
        themselves, moved or weighted otherwise, and must stay beside them.
        """
        used = {name: self.events[name] for name in self.names}
        if self.held_out is not None:
            return used, {name: self.held_out[name] for name in self.names}
        train, held_out = {}, {}
        for name, sample in used.items():
            if len(sample) < 2:
                raise InvalidInput(
                    "a sample of which a quarter is held out has at least two events. "
                    f"Received: {len(sample)} in {name}"
                )
            order = np.random.default_rng([seed, 0]).permutation(len(sample))
            cut = max(1, len(sample) // 4)
            held_out[name], train[name] = sample.part(order[:cut]), sample.part(order[cut:])
        return train, held_out

    def classes(self, variations: bool) -> tuple[tuple[str, ...], ...]:
        """The events of each class that a network may separate: those of samples that no
        parameter of interest scales, then of those that each of them does (the first, where
        several do). ``variations``: those of the first class too."""
        found: list[dict[str, None]] = [{} for _ in range(1 + len(self.pois))]
        for sample in (s for channel in self.channels for s in channel["samples"]):
            scales = [m["name"] for m in sample["modifiers"]]
            number = next((i for i, poi in enumerate(self.pois, 1) if poi in scales), 0)
            parts = sample if variations and not number else {**sample, "modifiers": []}
            wanted = histograms_of(parts, statistical=False)
            found[number] |= dict.fromkeys(name for name, _ in wanted)
        return tuple(tuple(names) for names in found)


def _plain(document: Any) -> Any:
    """A document with lists and numbers in place of arrays."""
    if isinstance(document, Mapping):
        return {key: _plain(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [_plain(value) for value in document]
    return np.asarray(document).tolist() if hasattr(document, "__array__") else document
