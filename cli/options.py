"""Options that several commands have, and what their values are made into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from dnnlik.cli.grouping import grouped, together
from dnnlik.cli.ranges import COUNT, SEED
from numpy.typing import NDArray

__all__ = [
    "FILE",
    "gradients_option",
    "likelihood_arguments",
    "parse_values",
    "publication",
    "publication_options",
    "sampler_option",
    "sampling_options",
    "validation_options",
]

FILE = click.Path(path_type=Path)

likelihood_arguments = together(
    click.argument("likelihood", type=FILE),
    click.option("--patchset", type=FILE, help="A pyhf patchset (JSON)."),
    click.option("--patch", help="Name of one patch of the patchset."),
    click.option("--measurement", help="Measurement of the workspace.  [default: the first]"),
)
"""LIKELIHOOD with --patchset, --patch, --measurement."""


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


sampling_options = together(
    click.option(
        "--points", type=COUNT, default=100_000, show_default=True, help="Points to sample."
    ),
    click.option(
        "--strategy",
        type=click.Choice(["mixed", "unbiased", "profiled"]),
        default="mixed",
        show_default=True,
        help="unbiased: the posterior; mixed: 70 % of it, 30 % from the profiled maxima.",
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
)

sampler_option = click.option(
    "--sampler",
    type=click.Choice(["emcee", "hamiltonian"]),
    default="emcee",
    show_default=True,
    help="Of the posterior. hamiltonian: far faster; needs gradients, which every "
    "workspace and every likelihood in TensorFlow has.",
)

gradients_option = click.option(
    "--gradients/--no-gradients",
    default=True,
    show_default=True,
    help="Keep gradients for training, where the likelihood has them: half of the file.",
)

publication_options = together(
    click.option("--title", help="Title of the publication."),
    click.option(
        "--author",
        "authors",
        multiple=True,
        help='"Family, Given"; repeat for more. Without one no citation is written.',
    ),
    click.option("--license", default="CC-BY-4.0", show_default=True, help="SPDX identifier."),
    click.option(
        "--accept-below-threshold",
        is_flag=True,
        help="Publish in spite of a failed validation; the files say so.",
    ),
)


def parse_values(
    context: click.Context, option: click.Parameter, text: str | None
) -> NDArray[np.float64] | None:
    if text is None:
        return None
    try:
        low, high, count = text.split(":")
        values = np.linspace(float(low), float(high), int(count))
        if not values.size or not np.isfinite(values).all():
            raise ValueError
        return values
    except ValueError:
        raise click.BadParameter(f"expected LOW:HIGH:COUNT. Received: {text!r}") from None


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


def publication(title: str | None, authors: tuple[str, ...], license: str, name: str) -> Any:
    """The `dnnlik.Publication` of the options; ``name`` stands in for a title."""
    from dnnlik.bundle.card import Publication

    return Publication(title or f"Surrogate likelihood {name}", tuple(authors), license)
