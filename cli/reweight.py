"""``dnnlik reweight``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import print_json
from dnnlik.cli.ranges import COUNT, SEED

from dnnlik.documents import plain

__all__ = ["command"]


@click.command("reweight")
@click.argument("samples", type=FILE)
@click.option(
    "--prior",
    type=FILE,
    required=True,
    help='JSON by name: {"mu": {"type": "normal", "mean": 1, "sigma": 0.5}}, or type uniform.',
)
@click.option("-o", "--output", type=FILE, help="Sample file of resampled points.")
@click.option(
    "--resample",
    type=COUNT,
    help="Points of the output.  [default: the effective size of the weights]",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the resampling.")
def command(
    samples: Path, prior: Path, output: Path | None, resample: int | None, seed: int
) -> None:
    """Put the posterior points of SAMPLES (.h5) under other priors.

    Prints how much of the sample is left and the HPDI of the parameters of interest before and
    after; with --output also a file of unweighted points. Exit code 4 if the priors are so
    far from the old ones that the points do not tell.
    """
    if resample is not None and output is None:
        raise click.UsageError("--resample needs --output.")
    from dnnlik.combination.terms import priors_from_json
    from dnnlik.documents import read_json
    from dnnlik.reweighting import resampled, reweighted
    from dnnlik.sampling.samples import Samples

    priors = priors_from_json(read_json(prior))
    opened = Samples.open(samples)
    found = reweighted(opened, priors)
    document = _document(samples, found)
    try:
        found.checked()
        if output is not None:
            drawn = resampled(opened, found, output, points=resample, seed=seed)
            document["output"] = str(output)
            document["points"] = len(drawn)
            document["distinct_points"] = drawn.diagnostics["distinct_points"]
    finally:
        print_json(plain(document))


def _document(path: Path, found: Any) -> dict[str, Any]:
    from dnnlik.combination.terms import priors_to_json
    from dnnlik.inference import LEVELS

    return {
        "samples": str(path),
        "priors": priors_to_json(found.priors),
        "rows": int(found.rows.size),
        "effective_fraction": found.effective_fraction,
        "effective_points": found.effective_points,
        "levels": list(LEVELS),
        "intervals": {
            name: {"before": found.before[name].tolist(), "after": found.after[name].tolist()}
            for name in found.before
        },
    }
