"""Everything the manifest asks for, kind by kind."""

from collections.abc import Callable, Iterable, Iterator

from install.pack.desired import Given
from install.pack.threeway import Wanted
from install.pack.wanted_agents import wanted_agents
from install.pack.wanted_connections import wanted_connections
from install.pack.wanted_models import wanted_models
from install.pack.wanted_plugins import wanted_plugins
from install.pack.wanted_settings import wanted_settings
from install.pack.wanted_texts import wanted_texts


def desire(given: Given) -> list[Wanted]:
    """Everything the manifest asks for. Raises a `SekishoError` where it cannot be determined."""
    parts: Iterable[Callable[[Given], Iterator[Wanted]]] = (
        wanted_plugins,
        wanted_connections,
        wanted_models,
        wanted_agents,
        wanted_settings,
        wanted_texts,
    )
    return [wanted for part in parts for wanted in part(given)]
