"""Options that several commands have, and what their values are made into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from dnnlik.cli.grouping import grouped
from dnnlik.cli.ranges import COUNT, SEED
from dnnlik.cli.start import Source
from numpy.typing import NDArray

__all__ = [
    "FILE",
    "Sampling",
    "gradients_option",
    "likelihood_arguments",
    "parse_values",
    "sampling_options",
    "validation_options",
]

FILE = click.Path(path_type=Path)


def _source(likelihood: Path, **choice: Any) -> Source:
    return Source(likelihood, **choice)


likelihood_arguments = grouped(
    "likelihood",
    _source,
    click.argument("likelihood", type=FILE),
    click.option("--patchset", type=FILE, help="A pyhf patchset (JSON)."),
    click.option("--patch", help="Name of one patch of the patchset."),
    click.option("--measurement", help="Measurement of the workspace.  [default: the first]"),
)
"""LIKELIHOOD with --patchset, --patch, --measurement: a `Source`, as ``likelihood``."""


@dataclass(frozen=True)
class Sampling:
    """What is to be sampled; the fields are arguments of `dnnlik.sample` and `dnnlik.run`."""

    points: int
    strategy: str | dict[str, float]
    sampler: str
    thin: int
    seed: int


def parse_mix(
    context: click.Context, option: click.Parameter, text: str | None
) -> dict[str, float] | None:
    """``"unbiased=0.7,profiled=0.3"`` → the mapping; what it may hold the library knows."""
    if text is None:
        return None
    try:
        pairs = [part.split("=") for part in text.split(",")]
        mix = {kind.strip(): float(share) for kind, share in pairs}
    except ValueError:
        mix, pairs = {}, []
    if not mix or len(mix) < len(pairs):
        raise click.BadParameter(f"expected KIND=SHARE,KIND=SHARE,... Received: {text!r}")
    return mix


def _sampling(strategy: str, mix: dict[str, float] | None, **values: Any) -> Sampling:
    return Sampling(strategy=mix or strategy, **values)


sampling_options = grouped(
    "sampling",
    _sampling,
    click.option(
        "--points", type=COUNT, default=100_000, show_default=True, help="Points to sample."
    ),
    click.option(
        "--strategy",
        type=click.Choice(["wide", "mixed", "unbiased", "profiled"]),
        default="wide",
        show_default=True,
        help="unbiased: the posterior; mixed: 70 % of it, 30 % from the profiled maxima; wide: "
        "60 % and 20 %, and points farther out, where a surrogate else makes up maxima.",
    ),
    click.option(
        "--mix",
        callback=parse_mix,
        help="Instead of --strategy: shares of unbiased, profiled, tempered (the posterior, "
        "wider) and boundary (rays to its far ends), e.g. "
        "unbiased=0.6,profiled=0.3,tempered=0.1.",
    ),
    click.option(
        "--thin",
        type=COUNT,
        default=1,
        show_default=True,
        help="Store one step in so many of a sampler of the posterior, or more where a chain is "
        "short: slower, and more independent points.",
    ),
    click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of all randomness."),
    click.option(
        "--sampler",
        type=click.Choice(["emcee", "hamiltonian"]),
        default="emcee",
        show_default=True,
        help="Of the posterior. hamiltonian: far faster; needs gradients, which every "
        "workspace and every likelihood in TensorFlow has.",
    ),
)
"""A `Sampling`, as ``sampling``."""

gradients_option = click.option(
    "--gradients/--no-gradients",
    default=True,
    show_default=True,
    help="Keep gradients for training, where the likelihood has them: half of the file.",
)


_MOST_VALUES = 100_000


def parse_values(
    context: click.Context, option: click.Parameter, text: str | None
) -> NDArray[np.float64] | None:
    """``"0:1:3"`` → (0, 0.5, 1)."""
    if text is None:
        return None
    try:
        low, high, count = text.split(":")
        if not 1 <= int(count) <= _MOST_VALUES:
            raise ValueError
        with np.errstate(all="ignore"):  # what is not finite is refused below
            values = np.linspace(float(low), float(high), int(count))
        if not np.isfinite(values).all():
            raise ValueError
        return values
    except ValueError:
        raise click.BadParameter(
            f"expected LOW:HIGH:COUNT, with a COUNT of at most {_MOST_VALUES}. Received: {text!r}"
        ) from None


def _request(surrogate_sampler: str | None, **values: Any) -> Any:
    from dnnlik.validation.request import Request

    return Request(sampler=surrogate_sampler, **values)


validation_options = grouped(
    "request",
    _request,
    click.option(
        "--scan",
        callback=parse_values,
        help="Values of the parameter of interest for t, LOW:HIGH:COUNT.  [default: up to t = 9]",
    ),
    click.option(
        "--scan-parameter",
        "scan_parameters",
        multiple=True,
        help="Scan t of this parameter as well; repeat for more.",
    ),
    click.option(
        "--surrogate-sampler",
        type=click.Choice(["emcee", "hamiltonian"]),
        help="Of points from the surrogate.  [default: that of the samples]",
    ),
    click.option("--quick", is_flag=True, help="Draw no points from the surrogate."),
    click.option(
        "--toys",
        default=0,
        show_default=True,
        type=click.IntRange(min=0),
        help="Random datasets a hypothesis, for the confidence of intervals.",
    ),
)
"""The `dnnlik.validation.request.Request` of a validation, as ``request``."""
