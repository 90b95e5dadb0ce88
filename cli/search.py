"""``dnnlik search``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import ProgressBar, print_json
from dnnlik.cli.ranges import COUNT, SEED
from dnnlik.cli.start import start_tensorflow
from dnnlik.cli.training import Training, training_options

__all__ = ["command"]

_BASE_SEED = 0  # of the training, where no seed is varied


def parse_vary(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, tuple[Any, ...]]:
    """``("seed=0,1",)`` → {"seed": (0, 1)}."""
    from dnnlik.exceptions import InvalidInput
    from dnnlik.surrogate.search import parse_values

    found: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name in found:
            raise click.BadParameter(
                f"expected SETTING=VALUES, each setting once. Received: {text!r}"
            )
        try:
            found[name] = parse_values(name, values)
        except InvalidInput as error:
            raise click.BadParameter(str(error)) from None
    return found


@click.command("search")
@click.argument("samples", type=FILE)
@click.option(
    "--vary",
    "varied",
    multiple=True,
    required=True,
    callback=parse_vary,
    metavar="SETTING=VALUES",
    help="Values of a field of TrainingSettings, with commas between them: peak_weight=1,5,20 "
    "or optimizer=muon,adam. Those of layers have '/' between them, because they have commas "
    "inside: layers=128,128/200,200,200. Repeat for more settings: every combination is tried.",
)
@click.option(
    "--random", type=COUNT, help="So many random ones of the combinations.  [default: all]"
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the choice of --random.")
@training_options
@click.option(
    "-o",
    "--output",
    type=FILE,
    default=Path("search"),
    show_default=True,
    help="Folder of everything.",
)
def command(
    samples: Path,
    varied: dict[str, tuple[Any, ...]],
    random: int | None,
    seed: int,
    training: Training,
    output: Path,
) -> None:
    """Train on SAMPLES with several settings, and keep the best as best.h5.

    Trials are judged on validation points. The other options are what all trials share. The
    same command goes on where it was stopped; trials that are there are not trained again,
    also when there are more values. The best of five: --vary seed=0,1,2,3,4
    """
    from dnnlik.sampling import Samples

    opened = Samples.open(samples)
    start_tensorflow()
    from dnnlik.surrogate.search import grid, some_of
    from dnnlik.trials import search

    trials = some_of(grid(training.settings(_BASE_SEED), varied), random, seed)
    with ProgressBar() as progress:
        found = search(opened, trials, output, workers=training.workers, progress=progress)
    _print_table(found, list(varied))
    print_json(
        {
            "surrogate": str(output / "best.h5"),
            "best": found[0].name,
            "trials": [trial.to_json() for trial in found],
        }
    )


def _print_table(trials: Any, names: list[str]) -> None:
    """A line a trial, best first, on stderr."""
    rows = [["trial", *names, "rms on posterior", "rms near maximum", "seconds"]]
    for trial in trials:
        settings = trial.settings.to_json()
        values = [_shown(settings[name]) for name in names]
        score = trial.score
        measured = ["failed", "", ""]
        if score is not None:
            errors = (score.rms_posterior, score.rms_near_maximum)
            measured = [*("-" if e is None else f"{e:.4g}" for e in errors), f"{score.seconds:.0f}"]
        rows.append([trial.name, *values, *measured])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip(), err=True)


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
