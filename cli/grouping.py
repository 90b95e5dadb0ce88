"""Options that belong together, and reach a command as one argument."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from click import Parameter

__all__ = ["grouped", "together"]

Decorated = Callable[..., Any]
Decorator = Callable[[Decorated], Decorated]


def together(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, in this order in the help."""

    def decorate(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


def grouped(name: str, make: Callable[..., Any], *decorators: Decorator) -> Decorator:
    """Options whose values reach the command as one argument: ``name=make(**values)``.

    ``make`` runs when the command does, not for its help.
    """

    def decorate(function: Decorated) -> Decorated:
        own: list[str] = []

        @wraps(function)
        def gathered(**values: Any) -> Any:
            made = make(**{key: values.pop(key) for key in own})
            return function(**{name: made}, **values)

        known: list[Parameter] = list(getattr(gathered, "__click_params__", []))
        decorated = together(*decorators)(gathered)
        added = decorated.__click_params__[len(known) :]  # type: ignore[attr-defined]
        own += [parameter.name for parameter in added]
        return decorated

    return decorate
