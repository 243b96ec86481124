"""What Open WebUI 0.12.4 knows of each kind of plugin: its class, its hooks, what a hook may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

EVERYWHERE = frozenset({"__event_emitter__", "__event_call__", "__user__", "__request__"})
IN_FILTERS = EVERYWHERE | {"__metadata__", "__model__", "__id__"}
IDS = frozenset({"__oauth_token__", "__chat_id__", "__message_id__"})


@dataclass(frozen=True, slots=True)
class Hook:
    """`first` is passed by keyword, `given` only to who names it."""

    first: str
    given: frozenset[str]
    answers: bool = False
    """It has to return what it was given."""
    takes_rest: bool = False
    """**kwargs receives something."""


@dataclass(frozen=True, slots=True)
class Kind:
    """`folder` is where the file lies in a repository."""

    name: str
    cls: str
    folder: str
    hooks: Mapping[str, Hook]

    @property
    def is_tool(self) -> bool:
        return self.name == "tool"


PIPE = Hook(
    "body",
    EVERYWHERE | IDS | {"__metadata__", "__session_id__", "__task__", "__task_body__", "__files__", "__tools__"},
)
FILTER = {
    "inlet": Hook("body", IN_FILTERS | IDS, answers=True),
    "request": Hook("body", IN_FILTERS | IDS | {"__features__"}, answers=True),
    "stream": Hook("event", IN_FILTERS | IDS | {"__body__"}, answers=True),
    "outlet": Hook("body", IN_FILTERS, answers=True),
}
ACTION = Hook("body", EVERYWHERE | {"__model__", "__id__"})
EVENT = Hook("event", frozenset({"__id__", "__event_name__", "__app__", "__request__"}), takes_rest=True)
IN_TOOLS = IN_FILTERS | IDS | {"__files__", "__messages__"}
"""A tool's other parameters are the model's to fill."""

# In the order in which Open WebUI looks for them; the first one found decides.
KINDS: tuple[Kind, ...] = (
    Kind("pipe", "Pipe", "pipes", {"pipe": PIPE}),
    Kind("filter", "Filter", "filters", FILTER),
    Kind("action", "Action", "functions", {"action": ACTION}),
    Kind("event", "Event", "functions", {"event": EVENT}),
    Kind("tool", "Tools", "tools", {}),
)
BY_NAME: Mapping[str, Kind] = {kind.name: kind for kind in KINDS}
BY_CLASS: Mapping[str, Kind] = {kind.cls: kind for kind in KINDS}
