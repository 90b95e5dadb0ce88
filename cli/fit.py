"""``dnnlik fit``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import likelihood_arguments
from dnnlik.cli.output import ProgressBar
from dnnlik.cli.results import (
    any_likelihood,
    figures_of,
    finish,
    in_domain,
    output_option,
    parameter_option,
)
from dnnlik.cli.start import Source

__all__ = ["command"]


@click.command("fit")
@likelihood_arguments
@click.option("--impacts", "with_impacts", is_flag=True, help="Rank the other parameters.")
@parameter_option
@output_option
def command(
    likelihood: Source,
    with_impacts: bool,
    parameter: str | None,
    output: Path | None,
) -> None:
    """Fit LIKELIHOOD: a workspace (.json), a .py, a bundle folder or its .zip, an
    .onnx file or a combination (.json).

    Best fit, uncertainties, pulls and constraints; with --impacts how far each parameter
    moves the parameter of interest. Exit code 4 if the fit did not converge.
    """
    if parameter is not None and not with_impacts:
        raise click.UsageError("--parameter is the one of --impacts: give both.")
    opened = any_likelihood(likelihood)
    from dnnlik import inference

    with ProgressBar() as progress:
        progress("fitting", 0, 1)
        best = inference.fit(opened)
        fitted = inference.uncertainties(opened, best)
        pulls = inference.pulls(fitted)
        impacts = None
        if with_impacts:
            progress("impacts", 0, 1)
            impacts = inference.impacts(opened, fitted, poi=parameter)
    document = _document(likelihood.path, best, fitted, pulls, in_domain(opened, best.point[None]))
    if impacts is not None:
        document["impacts"] = _impacts(impacts)
    finish(document, "fit.json", output, _figures(pulls, impacts) if output else None)
    best.checked()


def _document(path: Path, best: Any, fitted: Any, pulls: Any, inside: Any) -> dict[str, Any]:
    constrained = {name: i for i, name in enumerate(pulls.names)}
    parameters = []
    for name, value, error in zip(best.parameters.names, best.point, fitted.errors, strict=True):
        row = {"name": name, "value": float(value), "error": error}
        if name in constrained:
            i = constrained[name]
            row["pull"] = pulls.pulls[i]
            row["constraint"] = pulls.constraints[i]
        parameters.append(row)
    return {
        "likelihood": str(path),
        "status": best.status.value,
        "converged": best.converged,
        "log_likelihood": best.log_likelihood,
        "twice_nll": -2 * best.log_likelihood,
        "in_domain": inside and inside[0],
        "parameters": parameters,
        "correlation": fitted.correlation,
    }


def _impacts(impacts: Any) -> dict[str, Any]:
    rows = [
        {
            "name": impacts.names[i],
            "postfit": impacts.postfit[i],
            "prefit": impacts.prefit[i],
        }
        for i in impacts.ranking
    ]
    return {"poi": impacts.poi, "converged": impacts.converged, "ranking": rows}


def _figures(pulls: Any, impacts: Any) -> dict[str, Any]:
    plotting = figures_of("inference")
    if plotting is None:
        return {}
    figures = {"pulls.png": plotting.figure_of_pulls(pulls)} if pulls.names else {}
    if impacts is not None and impacts.names:
        figures["impacts.png"] = plotting.figure_of_impacts(impacts, pulls)
    return figures
