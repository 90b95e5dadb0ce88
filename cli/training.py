"""The options of a training, and the settings that they make."""

from __future__ import annotations

from typing import Any

import click
from dnnlik.cli.grouping import together

__all__ = ["given_settings", "training_options", "training_settings"]

training_options = together(
    click.option(
        "--recipe",
        type=click.Choice(["default", "paper"]),
        default="default",
        show_default=True,
        help="Settings that the options below change. paper: those of arXiv:1911.03305; its "
        "two layers of 5000 units take days without a GPU, --layers 500,500 hours.",
    ),
    click.option("--layers", help="Units of the hidden layers.  [default: 200,200,200]"),
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
        "--learning-rate", type=float, help="At the start.  [default: 0.005; of adam 0.001]"
    ),
    click.option(
        "--schedule",
        type=click.Choice(["cosine", "plateau"]),
        help="Of the rate: down to zero, or cut where the validation loss stays.  "
        "[default: cosine]",
    ),
    click.option("--batch-size", type=int, help="Points a step.  [default: 512]"),
    click.option("--steps", type=int, help="Steps in all, in whole epochs.  [default: 20000]"),
    click.option("--max-epochs", type=int, help="Epochs, in place of --steps."),
    click.option(
        "--gradient-weight", type=float, help="Weight of gradients in the loss.  [default: 4]"
    ),
    click.option(
        "--peak-weight", type=float, help="Extra weight of points at the maximum.  [default: 5]"
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float64"]),
        help="Of the training.  [default: float32]",
    ),
    click.option(
        "--members",
        type=int,
        help="Networks of an ensemble, which knows its uncertainty.  [default: 1]",
    ),
    click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Members that are trained at the same time.",
    ),
)


def parse_layers(text: str) -> tuple[int, ...]:
    """``"200,200"`` → (200, 200)."""
    try:
        return tuple(int(units) for units in text.split(","))
    except ValueError:
        raise click.BadParameter(
            f"expected units separated by commas. Received: {text!r}", param_hint="--layers"
        ) from None


def training_settings(options: dict[str, Any], seed: int) -> Any:
    """The `dnnlik.TrainingSettings` of the training options, which are taken out."""
    from dnnlik.surrogate.settings import recipe

    return recipe(options["recipe"], **given_settings(options), seed=seed)


def given_settings(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of `dnnlik.TrainingSettings` that training options give."""
    names = [name for name in options if name not in ("recipe", "workers")]
    given = {name: options[name] for name in names if options[name] is not None}
    if "layers" in given:
        given["layers"] = parse_layers(given["layers"])
    return given
