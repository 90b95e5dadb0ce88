"""``dnnlik environment``."""

from __future__ import annotations

import click
from dnnlik.cli.output import print_json
from dnnlik.cli.start import start_tensorflow

__all__ = ["command"]


@click.command("environment")
@click.option("--devices", is_flag=True, help="Also what TensorFlow computes on (takes seconds).")
def command(devices: bool) -> None:
    """Print what a bug report needs: versions, system and processors."""
    from dnnlik.environment import software_versions, system

    found = {"software": software_versions(), "system": system()}
    if devices:
        start_tensorflow()
        from dnnlik.devices import devices as known

        found["devices"] = known()
    print_json(found)
