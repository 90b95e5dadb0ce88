"""Channels of a pyhf workspace that name samples of events where it has histograms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dnnlik.typing import JSON

__all__ = ["histograms_in", "histograms_of", "with_histograms"]


def histograms_in(channels: Sequence[JSON]) -> Iterator[str]:
    """The names of events in channels, in order, some more than once."""
    for channel in channels:
        for sample in channel["samples"]:
            yield from (name for name, _ in histograms_of(sample))


def with_histograms(
    channels: Sequence[JSON],
    histogram: Callable[[str], Any],
    uncertainty: Callable[[str], Any],
) -> list[JSON]:
    """The channels with histograms in place of names.

    ``histogram(name)`` gives that of events, ``uncertainty(name)`` their statistical one.
    """

    def filled(data: Any) -> Any:
        return histogram(data) if isinstance(data, str) else data

    def modifier(document: JSON) -> JSON:
        data: Any = document.get("data")
        if document["type"] == "histosys":
            return {**document, "data": {key: filled(part) for key, part in data.items()}}
        if isinstance(data, str):
            return {**document, "data": uncertainty(data)}
        return document

    def sample(document: JSON) -> JSON:
        modifiers = [modifier(m) for m in document["modifiers"]]
        return {**document, "data": filled(document["data"]), "modifiers": modifiers}

    return [{**channel, "samples": [sample(s) for s in channel["samples"]]} for channel in channels]


def histograms_of(sample: JSON, statistical: bool = True) -> Iterator[tuple[str, str]]:
    """Names of events in a sample, each with what it is for."""
    if isinstance(sample["data"], str):
        yield sample["data"], "nominal"
    for modifier in sample["modifiers"]:
        data = modifier.get("data")
        if modifier["type"] == "histosys":
            for key in ("hi_data", "lo_data"):
                if isinstance(data[key], str):
                    yield data[key], key
        elif statistical and isinstance(data, str):
            yield data, "uncertainty"
