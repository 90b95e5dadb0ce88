"""``dnnlik run``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from dnnlik.cli.learning import Refinement, learn, refinement_options, refuse_without_meaning
from dnnlik.cli.options import (
    FILE,
    Sampling,
    likelihood_arguments,
    sampling_options,
    validation_options,
)
from dnnlik.cli.output import ProgressBar, made_in, print_advice, print_json, validation_summary
from dnnlik.cli.publishing import (
    Publishing,
    accept_option,
    publishing_options,
    warn_without_date,
)
from dnnlik.cli.start import Source, opened_likelihood
from dnnlik.cli.training import Training, training_options

__all__ = ["command"]


@click.command("run")
@likelihood_arguments
@sampling_options
@refinement_options
@training_options
@validation_options
@publishing_options
@accept_option
@click.option("-o", "--output", type=FILE, required=True, help="Folder of everything.")
@click.pass_context
def command(
    context: click.Context,
    likelihood: Source,
    sampling: Sampling,
    refinement: Refinement | None,
    training: Training,
    request: Any,
    publishing: Publishing,
    accept_below_threshold: bool,
    output: Path,
) -> None:
    """Sample LIKELIHOOD, train, validate and export a bundle, in one folder.

    The same command goes on where it was stopped, and skips what is done.
    """
    if refinement is not None:
        refuse_without_meaning(context)
    settings = training.settings(sampling.seed)
    opened = opened_likelihood(likelihood)
    if refinement is not None:
        learn(opened, output, refinement, sampling.seed, training)
        return
    from dnnlik.workflow import run

    if not (output / "samples.h5").exists():
        print_advice(opened, sampling)
    with ProgressBar() as progress:
        result = run(
            opened,
            output,
            **vars(sampling),
            settings=settings,
            workers=training.workers,
            request=replace(request, seed=sampling.seed),
            publication=publishing.publication(likelihood.name),
            accept_below_threshold=accept_below_threshold,
            progress=progress,
        )
    _print_table(result)
    if result.bundle is not None:
        warn_without_date(publishing)
    bundle = result.bundle and str(result.bundle)
    print_json({"bundle": bundle, **made_in(result), **validation_summary(result.validation)})
    if result.refused is not None:
        raise result.refused


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
