"""Numbers that mean nothing are wrong usage, in every command."""

import click
import pytest
from click.testing import CliRunner
from dnnlik.cli import main

WRONG = [
    ("sample", "--points", "-5"),
    ("sample", "--points", "0"),
    ("sample", "--points", "many"),
    ("sample", "--seed", "-1"),
    ("train", "--members", "0"),
    ("train", "--steps", "-1"),
    ("train", "--batch-size", "0"),
    ("train", "--max-epochs", "0"),
    ("train", "--workers", "0"),
    ("train", "--learning-rate", "0"),
    ("train", "--learning-rate", "nan"),
    ("train", "--learning-rate", "inf"),
    ("train", "--gradient-weight", "-1"),
    ("train", "--peak-weight", "nan"),
    ("search", "--random", "0"),
    ("validate", "--toys", "-1"),
    ("run", "--calls", "0"),
    ("run", "--rounds", "0"),
    ("run", "--power", "-1"),
    ("limit", "--level", "95"),
    ("limit", "--level", "1"),
    ("limit", "--toys", "0"),
    ("reweight", "--resample", "0"),
    ("optimise", "--bins", "0"),
]


@pytest.mark.parametrize(("command", "option", "value"), WRONG)
def test_a_number_that_means_nothing(command, option, value):
    """Exit code 2 and one line that names the option, before any file is looked for."""
    done = CliRunner().invoke(main, [command, option, value])
    last = done.stderr.strip().splitlines()[-1]
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in last
    assert value in last


@pytest.mark.parametrize("command", main.list_commands(None))
def test_every_number_has_a_range(command):
    """No command takes any integer or any float: each option says which ones it means."""
    found = main.get_command(None, command)
    kinds = {parameter.name: parameter.type for parameter in found.params}
    assert [name for name, kind in kinds.items() if kind in (click.INT, click.FLOAT)] == []
