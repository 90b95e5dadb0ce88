"""``dnnlik run``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import (
    FILE,
    likelihood_arguments,
    publication,
    publication_options,
    sampler_option,
    sampling_options,
    validation_options,
)
from dnnlik.cli.output import ProgressBar, print_advice, print_json, validation_summary
from dnnlik.cli.ranges import COUNT, NOT_NEGATIVE
from dnnlik.cli.start import opened_likelihood
from dnnlik.cli.training import Training, training_options

from dnnlik.documents import plain

__all__ = ["command"]

_MEANINGLESS = {
    *("points", "strategy", "mix", "sampler", "thin"),
    *("scan", "scan_parameters", "surrogate_sampler", "quick", "toys"),
    *("title", "authors", "license", "accept_below_threshold"),
}
"""Of --calls, which has samples of its own and ends before a validation and a bundle."""


@click.command("run")
@likelihood_arguments
@sampling_options
@sampler_option
@click.option(
    "--calls",
    type=COUNT,
    help="Learn a slow likelihood from at most so many calls (points), chosen as it is "
    "learned; instead of --points and --strategy. Ends with accuracy.json, without a bundle. "
    "Defaults of the training are then those for few points: two --members, 4000 --steps.",
)
@click.option(
    "--rounds",
    type=COUNT,
    help="Of --calls: how often points are chosen by what was learned.  [default: 3]",
)
@click.option(
    "--power",
    type=NOT_NEGATIVE,
    help="Of --calls: points are drawn in proportion to the uncertainty to this power, 0 as the "
    "posterior gives them.  [default: 1]",
)
@training_options
@validation_options
@publication_options
@click.option("-o", "--output", type=FILE, required=True, help="Folder of everything.")
@click.pass_context
def command(
    context: click.Context,
    likelihood: Path,
    patchset: Path | None,
    patch: str | None,
    measurement: str | None,
    points: int,
    strategy: str,
    mix: dict[str, float] | None,
    thin: int,
    seed: int,
    sampler: str,
    calls: int | None,
    rounds: int | None,
    power: float | None,
    training: Training,
    request: Any,
    title: str | None,
    authors: tuple[str, ...],
    license: str,
    accept_below_threshold: bool,
    output: Path,
) -> None:
    """Sample LIKELIHOOD, train, validate and export a bundle, in one folder.

    The same command goes on where it was stopped, and skips what is done.
    """
    if calls is None and (rounds is not None or power is not None):
        raise click.UsageError("--rounds and --power are of --calls. Received: no --calls")
    if calls is not None:
        _refuse_without_meaning(context)
    settings = training.settings(seed)
    opened = opened_likelihood(likelihood, patchset, patch, measurement)
    if calls is not None:
        asked = {"rounds": rounds, "power": power}
        given = {name: value for name, value in asked.items() if value is not None}
        _learn(opened, output, calls, seed, given, training)
        return
    from dnnlik.workflow import run

    if not (output / "samples.h5").exists():
        print_advice(opened, points, sampler)
    with ProgressBar() as progress:
        result = run(
            opened,
            output,
            points=points,
            strategy=mix or strategy,
            sampler=sampler,
            thin=thin,
            seed=seed,
            settings=settings,
            workers=training.workers,
            request=replace(request, seed=seed),
            publication=publication(title, authors, license, _name(likelihood)),
            accept_below_threshold=accept_below_threshold,
            progress=progress,
        )
    _print_table(result)
    print_json(
        {
            "bundle": result.bundle and str(result.bundle),
            "parameters": result.parameters,
            "points": result.points,
            "seconds": result.seconds,
            **validation_summary(result.validation),
        }
    )
    if result.refused is not None:
        raise result.refused


def _refuse_without_meaning(context: click.Context) -> None:
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


def _learn(
    likelihood: Any,
    output: Path,
    calls: int,
    seed: int,
    refinement: dict[str, Any],
    training: Training,
) -> None:
    from dnnlik.refinement import RefinementSettings, small_data_settings
    from dnnlik.workflow import learn

    if training.recipe == "default":  # few points have other defaults
        settings = training.changed(small_data_settings(calls, seed=seed))
    else:
        settings = training.settings(seed)
    with ProgressBar() as progress:
        result = learn(
            likelihood,
            output,
            calls=calls,
            seed=seed,
            settings=settings,
            refinement=RefinementSettings(**refinement),
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
    print_json(
        {
            "surrogate": str(output / "surrogate.h5"),
            "parameters": result.parameters,
            "points": result.points,
            "seconds": result.seconds,
            **plain(found.to_json()),
        }
    )


def _name(likelihood: Path) -> str:
    """A name for a title: that of the folder where the file's own says nothing."""
    generic = likelihood.stem in ("workspace", "likelihood")
    return likelihood.resolve().parent.name if generic else likelihood.stem


def _shown(number: float | None, digits: str = ".2g") -> str:
    return "none" if number is None else f"{number:{digits}}"


def _print_table(result: Any) -> None:
    """A short table for people, on stderr; stdout has the same as JSON."""
    summary = validation_summary(result.validation)
    rows = [
        ("parameters", f"{result.parameters}"),
        ("points", f"{result.points}"),
        *((f"seconds, {step}", f"{seconds:.0f}") for step, seconds in result.seconds.items()),
        ("rms error of ln L on the posterior", _shown(summary["rms_error_posterior"])),
    ]
    quadratic = summary["rms_error_posterior_quadratic_alone"]
    if quadratic is not None:
        rows.append(("  the quadratic alone", _shown(quadratic)))
    rows.append(("effective fraction", _shown(summary["effective_fraction"], ".4f")))
    rows += [(f"mean error of t, {n}", _shown(v)) for n, v in summary["mean_error_t"].items()]
    rows.append(("verdict", "passed" if summary["passed"] else "below threshold"))
    rows.append(("bundle", str(result.bundle or "none")))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}", err=True)
