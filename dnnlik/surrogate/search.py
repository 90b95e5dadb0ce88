"""A search over training settings: the grid that is asked for, and how a trial is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidInput
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.surrogate.settings import TrainingSettings
from dnnlik.surrogate.settings_text import KINDS, setting_of

__all__ = ["NEAR", "Score", "grid", "parse_values", "score_of", "some_of"]

NEAR = 5.0
"""Drop of the log-likelihood below its maximum up to which a point is near it."""

_EXPECTED = {
    "int": "whole numbers separated by commas",
    "float": "numbers separated by commas",
    "str": "words separated by commas",
    "bool": "true, false or both separated by a comma",
    "tuple[int, ...]": "networks separated by '/', their units by commas: 128,128/200,200,200",
}


def parse_values(name: str, text: str) -> tuple[Any, ...]:
    """The values of a setting, written with commas between them; of ``layers``, whose
    values have commas themselves, with '/' between networks.

    Repeated values count once. "none" is none where a setting may be (``learning_rate``,
    ``max_epochs``).

    >>> parse_values("peak_weight", "1,5,20")
    (1.0, 5.0, 20.0)
    >>> parse_values("layers", "128,128/200,200,200")
    ((128, 128), (200, 200, 200))

    Raises:
        InvalidInput: no such setting, or values that are none of it.
    """
    if name not in KINDS:
        raise InvalidInput(
            f"the settings that can be varied are {', '.join(KINDS)}. Received: {name!r}"
        )
    kind = KINDS[name].partition(" | ")[0]
    try:
        parts = text.split("/" if kind.startswith("tuple") else ",")
        values = [setting_of(name, part) for part in parts]
    except InvalidInput:
        raise InvalidInput(f"{name}: expected {_EXPECTED[kind]}. Received: {text!r}") from None
    for value in values:
        TrainingSettings(**{name: value})  # raises where it means nothing
    return tuple(dict.fromkeys(values))


def grid(
    base: TrainingSettings, varied: Mapping[str, Sequence[Any]]
) -> tuple[TrainingSettings, ...]:
    """Every combination of the values, the last setting running fastest.

    >>> [s.seed for s in grid(TrainingSettings(), {"seed": (4, 5)})]
    [4, 5]

    Raises:
        InvalidInput: a setting without values, or a combination that means nothing.
    """
    empty = [name for name, values in varied.items() if not values]
    if empty or not varied:
        raise InvalidInput(
            f"a search varies settings, each with values. Received: none of {empty or 'any'}"
        )
    return tuple(
        replace(base, **dict(zip(varied, values, strict=True)))
        for values in product(*varied.values())
    )


def some_of(
    trials: Sequence[TrainingSettings], count: int | None, seed: int
) -> tuple[TrainingSettings, ...]:
    """``count`` of them drawn without replacement, in their order; all for None or more.

    Raises:
        InvalidInput: fewer than one.
    """
    if count is None or count >= len(trials):
        return tuple(trials)
    if count < 1:
        raise InvalidInput(f"a random search has at least one trial. Received: {count}")
    rows = np.random.default_rng(seed).choice(len(trials), count, replace=False)
    return tuple(trials[row] for row in sorted(rows))


@dataclass(frozen=True)
class Score:
    """How good a surrogate is on validation points: errors of ln L (natural log).

    Attributes:
        rms_posterior: root mean square on draws of the posterior (on all points, where
            the samples have none).
        rms_near_maximum: the same on points of every kind where ln L is less than `NEAR`
            below its maximum; None without any.
        seconds: of all epochs of all members, compiling included.
    """

    rms_posterior: float | None
    rms_near_maximum: float | None
    seconds: float


def score_of(samples: Samples, description: SurrogateDescription) -> Score:
    """Judge a surrogate on the validation points of the samples that it was trained on.

    The epoch was chosen on the same points; the test points remain for the validation.
    """
    rows = samples.rows(split(samples).validation)
    error = SurrogateLikelihood(description).log_likelihood(rows.points) - rows.log_likelihood
    posterior = rows.unbiased if rows.unbiased.any() else np.ones(len(rows), bool)
    return Score(
        rms_posterior=_rms(error[posterior]),
        rms_near_maximum=_rms(error[rows.drop < NEAR]),
        seconds=round(sum(record["seconds"] for record in description.history), 2),
    )


def _rms(error: NDArray[np.float64]) -> float | None:
    """None without points, or where it is no number."""
    found = float(np.sqrt(np.mean(error**2))) if error.size else math.nan
    return found if math.isfinite(found) else None
