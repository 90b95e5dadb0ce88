"""The numbers that options take; what means nothing is wrong usage, exit code 2."""

from __future__ import annotations

import math
from typing import Any

import click

__all__ = ["COUNT", "FRACTION", "NOT_NEGATIVE", "POSITIVE", "SEED"]


class _Number(click.FloatRange):
    """A range of finite numbers: NaN compares with no end of a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"expected a finite number. Received: {value}", param, ctx)
        return number


COUNT = click.IntRange(min=1)
SEED = click.IntRange(min=0)
POSITIVE = _Number(min=0, min_open=True)
NOT_NEGATIVE = _Number(min=0)
FRACTION = _Number(min=0, max=1, min_open=True, max_open=True)
