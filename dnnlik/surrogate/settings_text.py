"""Settings of a training as people write them: a name, and the text of a value."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.settings import TrainingSettings

__all__ = ["KINDS", "setting_of", "text_of"]

KINDS = {f.name: str(f.type) for f in fields(TrainingSettings)}
"""The type of each setting, as it is annotated."""

_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "bool": "true or false",
    "tuple[int, ...]": "whole numbers separated by commas",
}


def setting_of(name: str, text: str) -> Any:
    """One value of a setting, of its type; whether it means anything `TrainingSettings` knows.

    "none" is none where a setting may be (``learning_rate``, ``max_epochs``).

    >>> setting_of("draw", "0.8"), setting_of("standardise", "false"), setting_of("layers", "9,9")
    (0.8, False, (9, 9))

    Raises:
        InvalidInput: no such setting, or a text that is none of its values.
    """
    if name not in KINDS:
        raise InvalidInput(f"the settings are {', '.join(KINDS)}. Received: {name!r}")
    kind, _, optional = KINDS[name].partition(" | ")
    text = text.strip()
    if optional and text == "none":
        return None
    try:
        return _value(kind, text)
    except ValueError:
        raise InvalidInput(f"{name}: expected {_EXPECTED[kind]}. Received: {text!r}") from None


def _value(kind: str, text: str) -> Any:
    if kind.startswith("tuple"):
        return tuple(int(units) for units in text.split(","))
    if kind == "bool":
        return (False, True)[("false", "true").index(text)]
    if kind == "str":
        return text
    number = int(text) if kind == "int" else float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def text_of(value: Any) -> str:
    """The text that `setting_of` reads as a value.

    >>> text_of(True), text_of((9, 9)), text_of(None)
    ('true', '9,9', 'none')
    """
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool | None) else str(value)
