"""Options that several commands share, as the fields of a dataclass. Needs Typer alone: the installer uses it too."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints


def takes(shared: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Let Typer see the fields of the dataclass `shared` in place of the command's first parameter."""
    names = [field.name for field in fields(shared)]
    parameters = inspect.signature(shared).parameters.values()

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        first, *own = inspect.signature(command).parameters.values()
        hints = get_type_hints(command, include_extras=True)
        del hints[first.name]

        @functools.wraps(command)
        def run(**values: Any) -> None:
            options = shared(**{name: values.pop(name) for name in names})
            command(options, **values)

        keyword = inspect.Parameter.KEYWORD_ONLY
        every = [parameter.replace(kind=keyword) for parameter in (*own, *parameters)]
        # An argument is shown before the options, wherever it stands.
        run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
        run.__annotations__ = {**get_type_hints(shared, include_extras=True), **hints}
        return run

    return decorate
