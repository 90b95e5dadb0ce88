"""The settings of a training that are options of their own, named as their fields."""

from __future__ import annotations

import click
from dnnlik.cli.grouping import together
from dnnlik.cli.ranges import COUNT, NOT_NEGATIVE, POSITIVE

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.settings_text import setting_of

__all__ = ["setting_options"]


def parse_layers(
    context: click.Context, option: click.Parameter, text: str | None
) -> tuple[int, ...] | None:
    """``"200,200"`` → (200, 200)."""
    try:
        return None if text is None else setting_of("layers", text)
    except InvalidInput:
        raise click.BadParameter(
            f"expected units separated by commas. Received: {text!r}"
        ) from None


setting_options = together(
    click.option(
        "--layers",
        callback=parse_layers,
        help="Units of the hidden layers.  [default: 200,200,200]",
    ),
    click.option(
        "--activation",
        type=click.Choice(["silu", "selu", "tanh"]),
        help="Of the hidden layers.  [default: silu]",
    ),
    click.option(
        "--bends/--no-bends",
        default=None,
        help="A second input for each normally constrained parameter, bent as the "
        "interpolations of systematics are.  [default: bends]",
    ),
    click.option(
        "--baseline",
        type=click.Choice(["best", "regression", "hessian", "none"]),
        help="The quadratic beside the network: fitted to the points, the expansion at the "
        "maximum, or the better one. none: the network learns all, constraints included.  "
        "[default: best]",
    ),
    click.option("--optimizer", type=click.Choice(["muon", "adam"]), help="[default: muon]"),
    click.option(
        "--learning-rate", type=POSITIVE, help="At the start.  [default: 0.005; of adam 0.001]"
    ),
    click.option(
        "--schedule",
        type=click.Choice(["cosine", "plateau"]),
        help="Of the rate: down to zero, or cut where the validation loss stays.  "
        "[default: cosine]",
    ),
    click.option("--batch-size", type=COUNT, help="Points a step.  [default: 1024]"),
    click.option("--steps", type=COUNT, help="Steps in all, in whole epochs.  [default: 10000]"),
    click.option("--max-epochs", type=COUNT, help="Epochs, in place of --steps."),
    click.option(
        "--gradient-weight",
        type=NOT_NEGATIVE,
        help="Weight of gradients in the loss.  [default: 4]",
    ),
    click.option(
        "--peak-weight",
        type=NOT_NEGATIVE,
        help="Extra weight of points at the maximum.  [default: 30]",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float64"]),
        help="Of the training.  [default: float32]",
    ),
    click.option(
        "--members",
        type=COUNT,
        help="Networks of an ensemble, which knows its uncertainty.  [default: 1]",
    ),
)
