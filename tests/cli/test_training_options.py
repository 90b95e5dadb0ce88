"""The options of a training: every setting can be given, nonsense is wrong usage."""

from dataclasses import fields

import click
import pytest
from click.testing import CliRunner
from dnnlik.cli.train import command as train
from dnnlik.cli.training import training_options

from dnnlik.surrogate.settings import TrainingSettings, recipe


@click.command()
@training_options
def echo(training):
    """A command that says which settings it was given."""
    echo.given = training.settings(seed=0)


def settings_of(*options):
    """The settings that options make."""
    done = CliRunner().invoke(echo, [str(option) for option in options])
    assert done.exit_code == 0, done.output
    return echo.given


def test_every_setting_has_its_place():
    """Each field of TrainingSettings is an option of `train`, or listed in the help of --set."""
    options = {parameter.name for parameter in train.params}
    text = " ".join(CliRunner().invoke(train, ["--help"]).output.split())
    listed = text.split("--set NAME=VALUE")[1].split("[default: ")[1].split("]")[0]
    others = {part.split("=")[0].strip() for part in listed.split(",")}
    assert options & others == set()
    assert {f.name for f in fields(TrainingSettings)} <= options | others


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("standardise=false", {"standardise": False}),
        ("draw=0.75", {"draw": 0.75}),
        ("rate-factor = 0.1", {"rate_factor": 0.1}),
        ("rate_patience=7", {"rate_patience": 7}),
        ("stop_patience=9", {"stop_patience": 9}),
        ("gain=1e-5", {"gain": 1e-5}),
    ],
)
def test_set_changes_one_setting(option, expected):
    """The value has the type of its field; everything else stays as it was."""
    assert settings_of("--set", option) == TrainingSettings(**expected)


def test_options_change_the_recipe():
    """Options and --set, repeated, are changes of the recipe that was named."""
    options = ("--layers", "50,60", "--set", "gain=0.01", "--set", "rate_factor=0.3")
    expected = recipe("paper", layers=(50, 60), gain=0.01, rate_factor=0.3)
    assert settings_of("--recipe", "paper", *options) == expected


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--set", "speed=2"], "The names are standardise, "),
        (["--set", "members=2"], "--members is an option"),
        (["--set", "batch_size=2"], "--batch-size is an option"),
        (["--set", "seed=2"], "--seed is an option"),
        (["--set", "draw"], "expected NAME=VALUE"),
        (["--set", "draw=0.5", "--set", "draw=0.6"], "each name once"),
        (["--set", "draw=much"], "draw: expected a number"),
        (["--set", "draw=nan"], "draw: expected a number"),
        (["--set", "draw=2"], "draw is a fraction above 0"),
        (["--set", "rate_patience=0"], "rate_patience must be positive"),
        (["--set", "standardise=maybe"], "standardise: expected true or false"),
        (["--layers", "0"], "hidden layers of units"),
        (["--layers", "9,x"], "expected units separated by commas"),
    ],
)
def test_nonsense_is_wrong_usage(options, complaint):
    """Exit code 2, and one line that ends with what was received."""
    done = CliRunner().invoke(echo, options)
    last = done.output.strip().splitlines()[-1]
    assert done.exit_code == 2
    assert complaint in last
    assert "Received: " in last
