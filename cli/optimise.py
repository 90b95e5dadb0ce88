"""``dnnlik optimise``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import ProgressBar, print_json
from dnnlik.cli.ranges import COUNT, NOT_NEGATIVE, POSITIVE, SEED
from dnnlik.cli.setting_options import parse_layers
from dnnlik.cli.start import start_tensorflow

from dnnlik.documents import plain

__all__ = ["command"]

_SHOWN = (
    "cls", "p0", "significance", "limit", "sigma_mu", "sigma_sum", "asimov_significance",
    "cross_entropy",
)  # fmt: skip


@click.command("optimise")
@click.argument("problem")
@click.option(
    "--objective",
    default="cls",
    show_default=True,
    help="Or a sum, such as 'cls + 0.5*p0', or a method, 'inferno' or 'sannt', with its histogram "
    "and numbers in place of the defaults below; a wrong name lists all.",
)
@click.option("--benchmark", type=click.IntRange(0, 4), help="Of the mixture.  [default: 2]")
@click.option("--bins", type=COUNT, help="Of the histogram.  [default: 5]")
@click.option(
    "--layers",
    callback=parse_layers,
    help="Units of the hidden layers.  [default: 128,128,128,128]",
)
@click.option("--epochs", type=COUNT, help="Passes over the events.  [default: 60]")
@click.option("--batch-size", type=COUNT, help="Events of each sample.  [default: 500]")
@click.option(
    "--learning-rate", type=POSITIVE, help="Of Adam, at the start.  [default: 0.001; of cuts 0.05]"
)
@click.option(
    "--pretraining", type=SEED, help="Epochs of cross-entropy before the others.  [default: 0]"
)
@click.option(
    "--keep-cross-entropy",
    type=NOT_NEGATIVE,
    help="How much of that of the pretraining may be lost (natural logarithm).  [default: any]",
)
@click.option("--bandwidth", type=POSITIVE, help="Of the smooth histogram.  [default: 0.09]")
@click.option("--train-edges", is_flag=True, help="Train the bin edges as well.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of all randomness.")
@click.option("--device", help="Such as GPU:0.  [default: TensorFlow's choice]")
@click.option("-o", "--output", type=FILE, required=True, help="Folder of everything.")
def command(
    problem: str,
    objective: str,
    benchmark: int | None,
    bins: int | None,
    layers: tuple[int, ...] | None,
    bandwidth: float | None,
    train_edges: bool,
    seed: int,
    device: str | None,
    output: Path,
    keep_cross_entropy: float | None,
    **training: float | None,
) -> None:
    """Train the analysis PROBLEM through its own statistical inference.

    PROBLEM is `blobs`, `cut`, `mixture`, `normals`, `resonance`, `two_signals`, or a
    Python file that defines problem(seed). A killed training goes on when the same
    command is given again.
    """
    start_tensorflow()
    from dnnlik.analysis_files import write_analysis
    from dnnlik.devices import on_device
    from dnnlik.differentiable.constraint import Constraint
    from dnnlik.differentiable.methods import settings_of
    from dnnlik.differentiable.optimisation import optimise
    from dnnlik.differentiable.shipped import observable_of, open_problem

    constraint = None if keep_cross_entropy is None else Constraint(tolerance=keep_cross_entropy)
    settings = settings_of(objective, seed=seed, constraint=constraint, **training)
    with on_device(device), ProgressBar() as progress:
        opened, make = open_problem(problem, seed, benchmark=benchmark)
        observable = observable_of(
            opened, objective, make, bins=bins, layers=layers, seed=seed,
            bandwidth=bandwidth, train_edges=train_edges,
        )  # fmt: skip
        result = optimise(
            opened, observable, settings, state=output / "state.npz", progress=progress
        )
        files = write_analysis(result, output, progress=progress)
    _print_table(result)
    print_json(_document(result, output, files))


def _document(result: Any, output: Path, files: list[str]) -> dict[str, Any]:
    return {
        "problem": result.problem.name,
        "objective": result.settings.objective,
        "best_epoch": result.best_epoch,
        "epochs": len(result.history) - 1,
        "metrics": plain(result.metrics),
        "seconds": round(result.seconds, 1),
        "output": str(output),
        "files": files,
    }


def _print_table(result: Any) -> None:
    """Before and after, for people, on stderr; stdout has the same as JSON."""
    first, best = result.history[0], result.metrics
    click.echo(f"{'held-out events, hard bins':<28}{'untrained':>12}{'trained':>12}", err=True)
    for name in (n for n in _SHOWN if n in first):
        click.echo(f"{name:<28}{first[name]:>12.4g}{best[name]:>12.4g}", err=True)
    for name, value in result.observable.describe().items():
        click.echo(f"{name:<28}{first[name]:>12.4g}{value:>12.4g}", err=True)
    pretraining = result.settings.pretraining
    click.echo(f"best epoch {result.best_epoch} of {len(result.history) - 1}", err=True)
    if "cross_entropy_bound" in best:
        click.echo("(the bound is that of the events of the training)", err=True)
    if 0 < result.best_epoch <= pretraining:
        click.echo(
            f"it is one of the {pretraining} of the pretraining: {result.settings.objective} did "
            "not improve on a classifier; a lower learning rate or more epochs may help",
            err=True,
        )
    if result.best_epoch == 0:
        click.echo(
            "no epoch improved on the start: more epochs or another learning rate may help",
            err=True,
        )
