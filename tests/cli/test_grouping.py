"""Options that reach a command as one argument."""

import click
import pytest
from click.testing import CliRunner
from dnnlik.cli.grouping import grouped, together


def run(command, *arguments):
    return CliRunner().invoke(command, arguments)


@pytest.fixture
def seen():
    return []


def test_a_group_is_one_argument(seen):
    """`make` gets the values of its own options, and only those, in whatever place it stands."""
    point = grouped("point", dict, click.option("--x", type=int), click.option("--y", default=2))
    line = grouped("line", dict, click.option("--end", "ends", multiple=True))
    for decorators in ([point, line], [line, point]):
        command = click.command()(
            together(*decorators, click.option("--z"))(lambda **got: seen.append(got))
        )
        assert run(command, "--x", "1", "--z", "3", "--end", "a").exit_code == 0
        assert seen.pop() == {"point": {"x": 1, "y": 2}, "line": {"ends": ("a",)}, "z": "3"}


def test_the_help_keeps_the_order():
    """Options are listed as they are written, groups and single ones alike."""
    group = grouped("group", dict, click.option("--first"), click.option("--second"))
    command = click.command()(together(group, click.option("--third"))(lambda **_: None))
    assert [p.name for p in command.params] == ["first", "second", "third"]


def test_nothing_is_made_for_the_help(seen):
    """What a group is made into may be slow to import."""
    command = click.command()(grouped("group", seen.append, click.option("--a"))(lambda **_: None))
    assert run(command, "--help").exit_code == 0
    assert seen == []
