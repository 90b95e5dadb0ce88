"""``dnnlik limit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from dnnlik.cli.options import likelihood_arguments
from dnnlik.cli.output import ProgressBar
from dnnlik.cli.ranges import COUNT, FRACTION, SEED
from dnnlik.cli.results import (
    any_likelihood,
    figures_of,
    finish,
    in_domain,
    output_option,
    parameter_option,
)
from dnnlik.cli.start import Source

from dnnlik.documents import plain
from dnnlik.exceptions import NotConverged

__all__ = ["command"]

_TOY_VALUES = 9


@click.command("limit")
@likelihood_arguments
@parameter_option
@click.option("--level", type=FRACTION, default=0.95, show_default=True, help="Confidence level.")
@click.option(
    "--test-statistic",
    type=click.Choice(["qtilde", "q"]),
    default="qtilde",
    show_default=True,
    help="q: for a parameter that may be negative.",
)
@click.option("--toys", type=COUNT, help="Toys of each hypothesis as well.  [default: none]")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the toys.")
@output_option
def command(
    likelihood: Source,
    parameter: str | None,
    level: float,
    test_statistic: Any,
    toys: int | None,
    seed: int,
    output: Path | None,
) -> None:
    """CLs upper limit of LIKELIHOOD (.json, .py, bundle or its .zip, .onnx), and its expected band.

    Asymptotic, with --toys from random datasets as well. A bundle has no data of its own: its
    band comes from the table of the exact one's Asimov dataset that it was published with
    ("asimov": "published"); without one, or with a limit beyond it, it is Wald's
    approximation ("wald"). Exit code 4 if a limit is beyond the parameter's bound, or a fit
    did not converge.
    """
    opened = any_likelihood(likelihood)
    from dnnlik import inference
    from dnnlik.inference.generative import generative

    if toys:
        generative(opened, "a toy")
    with ProgressBar() as progress:
        progress("asymptotic limits", 0, 1)
        found = inference.upper_limit(
            opened, level=level, poi=parameter, test_statistic=test_statistic
        )
        simulated = None
        if toys:
            simulated = inference.toy_cls(
                opened,
                _toy_values(found),
                count=toys,
                rng=seed,
                poi=parameter,
                test_statistic=test_statistic,
                progress=progress,
            )
    document = _document(likelihood.path, found, _in_domain(opened, found))
    if simulated is not None:
        document["toys"] = _toys(simulated, level)
    plotting = figures_of("inference") if output else None
    figures = {"brazil.png": plotting.figure_of_limit(found, simulated)} if plotting else {}
    finish(document, "limit.json", output, figures)
    _check(found)


def _toy_values(found: Any) -> Any:
    """Values around all limits that there are."""
    limits = np.array([found.observed, *found.expected])
    limits = limits[np.isfinite(limits)]
    top = float(found.curve.values.max())
    low, high = (0.7 * limits.min(), min(1.15 * limits.max(), top)) if limits.size else (0, top)
    return np.linspace(low, high, _TOY_VALUES)


def _in_domain(likelihood: Any, found: Any) -> Any:
    """Whether the fits at the limits are where a published likelihood was trained."""
    if not hasattr(likelihood, "in_domain"):
        return None
    from dnnlik.inference import fit_many

    limits = np.array([found.observed, *found.expected])
    limits = limits[np.isfinite(limits)]
    if not limits.size:
        return None
    points = fit_many(likelihood, fixed={found.poi: limits}).points
    return all(in_domain(likelihood, points) or ())


def _document(path: Path, found: Any, inside: Any) -> dict[str, Any]:
    curve = found.curve
    arrays = ("values", "statistic", "p_sb", "p_b", "cls", "expected")
    return {
        "likelihood": str(path),
        "parameter": found.poi,
        "level": found.level,
        "test_statistic": curve.test_statistic,
        "asimov": found.asimov,
        "converged": found.converged,
        "reached": found.reached,
        "observed": found.observed,
        "expected": dict(zip(("-2", "-1", "0", "1", "2"), found.expected, strict=True)),
        "in_domain": inside,
        "curve": {name: getattr(curve, name) for name in arrays},
    }


def _toys(simulated: Any, level: float) -> dict[str, Any]:
    observed, expected = simulated.limit(level)
    arrays = ("values", "p_sb", "p_sb_error", "p_b", "p_b_error", "cls", "cls_error", "expected")
    return {
        "count": simulated.toys,
        "failed": int(simulated.failed.sum()),
        "observed": observed,
        "expected": dict(zip(("-2", "-1", "0", "1", "2"), expected, strict=True)),
        **{name: getattr(simulated, name) for name in arrays},
    }


def _check(found: Any) -> None:
    if not found.converged:
        raise NotConverged(
            "some fits of the limit, or the search for it, did not converge. "
            f"Received: {int((~found.curve.converged).sum())} of {found.curve.values.size}"
        )
    if not found.reached:
        raise NotConverged(
            f"CLs stays above {1 - found.level:.3g} up to the upper bound of {found.poi!r}; wider "
            f"bounds are needed. Received: limits {plain(found.observed)} observed, "
            f"{plain(found.expected)} expected"
        )
