"""What commands show: results on stdout, progress and advice on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from dnnlik.cli.options import Sampling
from tqdm import tqdm

__all__ = ["ProgressBar", "made_in", "print_advice", "print_json", "validation_summary"]


def print_json(document: Any) -> None:
    """The result of a command, on stdout; numbers that there are not are null already.

    Raises:
        ValueError: NaN or infinity, which are no JSON: see `dnnlik.documents.plain`.
    """
    click.echo(json.dumps(document, indent=2, allow_nan=False))


class ProgressBar:
    """A `dnnlik.sampling.Progress` drawn on stderr: a bar a stage, a line if no terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def __call__(self, text: str, done: int, total: int) -> None:
        stage = text.split(",")[0]
        if stage != self._stage:
            self.close()
            self._stage = stage
            if not sys.stderr.isatty():
                click.echo(text, err=True)
        if self._bar is None:
            self._bar = tqdm(
                total=total, file=sys.stderr, disable=not sys.stderr.isatty(), leave=True
            )
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """End the present bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def print_advice(likelihood: Any, sampling: Sampling) -> None:
    """On stderr, if a sampling would take long."""
    from dnnlik.refinement.advice import advice, is_differentiable, seconds_a_call

    cost = seconds_a_call(likelihood)
    for line in advice(
        cost, is_differentiable(likelihood), sampling.points, sampler=sampling.sampler
    ):
        click.echo(line, err=True)


def validation_summary(validation: dict[str, Any]) -> dict[str, Any]:
    """The few numbers of a validation that people look at first."""
    quadratic = validation["quadratic_error"]
    return {
        "passed": validation["passed"],
        "missed": [c["name"] for c in validation["checks"] if c["passed"] is False],
        "not_measured": [c["name"] for c in validation["checks"] if c["passed"] is None],
        "rms_error_posterior": validation["posterior_error"]["rms"],
        "rms_error_posterior_quadratic_alone": quadratic and quadratic["rms"],
        "effective_fraction": validation["effective_fraction"],
        "mean_error_t": {s["name"]: s["mean_error"] for s in validation["scans"]},
    }


def made_in(result: Any) -> dict[str, Any]:
    """What a whole chain says of itself."""
    return {
        "parameters": result.parameters,
        "points": result.points,
        "seconds": result.seconds,
    }
