"""``dnnlik run --calls``: a slow likelihood from a limited number of calls."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click
from dnnlik.cli.grouping import grouped
from dnnlik.cli.output import ProgressBar, made_in, print_json
from dnnlik.cli.publishing import Publishing
from dnnlik.cli.ranges import COUNT, NOT_NEGATIVE
from dnnlik.cli.training import Training

from dnnlik.documents import plain

__all__ = ["Refinement", "learn", "refinement_options", "refuse_without_meaning"]

_MEANINGLESS = {
    *("points", "strategy", "mix", "sampler", "thin"),
    *("scan", "scan_parameters", "surrogate_sampler", "quick", "toys"),
    *(field.name for field in fields(Publishing)),
    "accept_below_threshold",
}
"""Of --calls, which has samples of its own and ends before a validation and a bundle."""


@dataclass(frozen=True)
class Refinement:
    """--calls, and the fields of `RefinementSettings` that are given with it."""

    calls: int
    changes: dict[str, Any]


def _refinement(calls: int | None, **values: Any) -> Refinement | None:
    given = {name: value for name, value in values.items() if value is not None}
    if calls is None and given:
        raise click.UsageError("--rounds and --power are of --calls. Received: no --calls")
    return None if calls is None else Refinement(calls, given)


refinement_options = grouped(
    "refinement",
    _refinement,
    click.option(
        "--calls",
        type=COUNT,
        help="Learn a slow likelihood from at most so many calls (points), chosen as it is "
        "learned; instead of --points and --strategy. Ends with accuracy.json, without a bundle. "
        "Defaults of the training are then those for few points: two --members, 4000 --steps.",
    ),
    click.option(
        "--rounds",
        type=COUNT,
        help="Of --calls: how often points are chosen by what was learned.  [default: 3]",
    ),
    click.option(
        "--power",
        type=NOT_NEGATIVE,
        help="Of --calls: points are drawn in proportion to the uncertainty to this power, 0 as "
        "the posterior gives them.  [default: 1]",
    ),
)


def refuse_without_meaning(context: click.Context) -> None:
    """Options that `--calls` has no use for."""
    given = click.core.ParameterSource.COMMANDLINE
    named = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name in _MEANINGLESS and context.get_parameter_source(parameter.name) == given
    ]
    if named:
        raise click.UsageError(
            "--calls chooses its points itself, and ends before a validation: leave out what is "
            f"of them. Received: {', '.join(named)}"
        )


def learn(
    likelihood: Any, output: Path, refinement: Refinement, seed: int, training: Training
) -> None:
    """Learn a slow likelihood into a folder, and print how well."""
    from dnnlik import workflow
    from dnnlik.refinement import RefinementSettings, small_data_settings

    if training.recipe == "default":  # few points have other defaults
        settings = training.changed(small_data_settings(refinement.calls, seed=seed))
    else:
        settings = training.settings(seed)
    with ProgressBar() as progress:
        result = workflow.learn(
            likelihood,
            output,
            calls=refinement.calls,
            seed=seed,
            settings=settings,
            refinement=RefinementSettings(**refinement.changes),
            workers=training.workers,
            progress=progress,
        )
    found = result.accuracy
    click.echo(
        f"{found.calls} calls; on held-out draws of the posterior the rms error of ln L is "
        f"{found.rms:.4f}, the effective fraction {found.effective_fraction:.4f}.\n"
        "To publish it, `dnnlik validate` and `dnnlik export` take samples.h5 and surrogate.h5; "
        "the validation fits the exact likelihood, beyond these calls.",
        err=True,
    )
    surrogate = str(output / "surrogate.h5")
    print_json({"surrogate": surrogate, **made_in(result), **plain(found.to_json())})
