"""Types that most plugins use."""

from collections.abc import Awaitable, Callable
from typing import Any

Json = dict[str, Any]
Emitter = Callable[[Json], Awaitable[None]]
"""Open WebUI's `__event_emitter__`: sends an event to the person's page."""
Caller = Callable[[Json], Awaitable[Any]]
"""Open WebUI's `__event_call__`: sends an event and returns what the page answers."""
