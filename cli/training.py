"""The options of a training, and the settings that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import click
from dnnlik.cli.grouping import grouped
from dnnlik.cli.ranges import COUNT
from dnnlik.cli.setting_options import setting_options

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.settings import TrainingSettings, recipe
from dnnlik.surrogate.settings_text import KINDS, setting_of, text_of

__all__ = ["SETTABLE", "Training", "training_options"]


@dataclass(frozen=True)
class Training:
    """What the options of a training say.

    Attributes:
        recipe: name of the settings to begin with.
        changes: fields of `TrainingSettings` that options give.
        workers: members that are trained at the same time.
    """

    recipe: str
    changes: dict[str, Any]
    workers: int

    def settings(self, seed: int) -> TrainingSettings:
        """The recipe with the changes.

        Raises:
            click.UsageError: settings that mean nothing.
        """
        with _usage():
            return recipe(self.recipe, **self.changes, seed=seed)

    def changed(self, base: TrainingSettings) -> TrainingSettings:
        """Other settings than those of a recipe, with the changes."""
        with _usage():
            return replace(base, **self.changes)


@contextmanager
def _usage() -> Iterator[None]:
    """What is wrong with settings from the command line is wrong usage of it."""
    try:
        yield
    except InvalidInput as error:
        raise click.UsageError(str(error)) from None


def _training(recipe: str, workers: int, others: dict[str, Any], **own: Any) -> Training:
    given = {name: value for name, value in own.items() if value is not None}
    return Training(recipe, given | others, workers)


def parse_settings(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Any]:
    """``("draw=0.8",)`` → {"draw": 0.8}; only what has no option of its own."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name in found:
            raise click.BadParameter(f"expected NAME=VALUE, each name once. Received: {text!r}")
        if name not in SETTABLE:
            own = f"--{name.replace('_', '-')} is an option. " if name in KINDS else ""
            raise click.BadParameter(
                f"{own}The names are {', '.join(SETTABLE)}. Received: {text!r}"
            )
        try:
            found[name] = setting_of(name, value)
        except InvalidInput as error:
            raise click.BadParameter(str(error)) from None
    return found


def _names_of(options: Callable[..., Any]) -> set[str]:
    def probe() -> None: ...

    return {parameter.name for parameter in options(probe).__click_params__}


SETTABLE = {
    name: getattr(TrainingSettings(), name)
    for name in KINDS
    if name not in {"seed", *_names_of(setting_options)}
}
"""Fields of `TrainingSettings` without an option of their own, and their defaults."""

training_options = grouped(
    "training",
    _training,
    click.option(
        "--recipe",
        type=click.Choice(["default", "paper"]),
        default="default",
        show_default=True,
        help="Settings that the options below change. paper: those of arXiv:1911.03305; its "
        "two layers of 5000 units take days without a GPU, --layers 500,500 hours.",
    ),
    setting_options,
    click.option(
        "--set",
        "others",
        multiple=True,
        callback=parse_settings,
        metavar="NAME=VALUE",
        help="Of settings that are seldom changed (see dnnlik.TrainingSettings); repeat for more."
        f"  [default: {', '.join(f'{n}={text_of(v)}' for n, v in SETTABLE.items())}]",
    ),
    click.option(
        "--workers",
        type=COUNT,
        default=1,
        show_default=True,
        help="Members that are trained at the same time.",
    ),
)
"""The `Training` of a command, as ``training``."""
