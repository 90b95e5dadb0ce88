"""``dnnlik scan``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from dnnlik.cli.options import likelihood_arguments, parse_values
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

from dnnlik.exceptions import NotConverged

__all__ = ["command"]

_LEVELS = (1.0, 4.0)
_POINTS = 41


@click.command("scan")
@likelihood_arguments
@parameter_option
@click.option("--values", callback=parse_values, help="LOW:HIGH:COUNT.  [default: 41 up to t = 9]")
@output_option
def command(
    likelihood: Source,
    parameter: str | None,
    values: Any,
    output: Path | None,
) -> None:
    """Scan the profile likelihood of LIKELIHOOD (.json, .py, bundle folder or .zip, .onnx).

    t of each value, and the intervals of t = 1 and 4 (one and two standard deviations).
    """
    opened = any_likelihood(likelihood)
    from dnnlik import inference
    from dnnlik.inference.poi import poi_of

    name = poi_of(opened.parameters, parameter)
    with ProgressBar() as progress:
        progress("fitting", 0, 1)
        best = inference.fit(opened).checked()
        if values is None:
            ends = inference.likelihood_interval(opened, name, 9.0, best=best)
            values = np.linspace(*ends, _POINTS)
        progress(f"scanning {name}", 0, 1)
        scan = inference.profile(opened, name, values, best=best)
        progress("intervals", 0, 1)
        intervals = [
            (t, inference.likelihood_interval(opened, name, t, best=scan.best)) for t in _LEVELS
        ]
    document = {
        "likelihood": str(likelihood.path),
        "parameter": name,
        "best": scan.best[name],
        "converged": bool(scan.converged.all()) and scan.best.converged,
        "intervals": [{"t": t, "interval": list(ends)} for t, ends in intervals],
        "values": scan.values,
        "t": scan.t,
        "in_domain": in_domain(opened, scan.points),
    }
    plotting = figures_of("inference") if output else None
    figures = {"scan.png": plotting.figure_of_profile(scan, intervals)} if plotting else {}
    finish(document, "scan.json", output, figures)
    scan.best.checked()
    if not scan.converged.all():
        raise NotConverged(
            "some fits of the scan did not converge. "
            f"Received: {int((~scan.converged).sum())} of {scan.values.size}"
        )
