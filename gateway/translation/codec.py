"""What a dialect gives to translation: readers and writers between its wire and the canonical form. All are pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer, Event
from gateway.translation.conversation import Conversation, Turn

Fields = dict[str, Any]
"""A JSON object as Python data."""


@dataclass(slots=True)
class Writing:
    """One request on its way into a dialect: what the model accepts, what was not carried, how names were changed."""

    profile: Profile
    dropped: list[str] = field(default_factory=list)
    """Names of what the upstream's dialect or model cannot take, in the client's words: `top_k`, `tools.web_search`."""
    names: dict[str, str] = field(default_factory=dict)
    """The client's name of a tool, by the one that the upstream got, where they differ."""
    custom: set[str] = field(default_factory=set)
    """Upstream names of functions that stand for custom tools: their one argument `input` is the free text."""

    _noted: set[str] = field(default_factory=set, repr=False)

    def drop(self, name: str) -> None:
        """Note that something of the request is not carried."""
        if name not in self._noted:
            self._noted.add(name)
            self.dropped.append(name)


class StreamReader(Protocol):
    """Reads the events of one upstream stream."""

    def read(self, name: bytes, payload: bytes) -> Sequence[Event]:
        """Return what an event says; `name` and `payload` are those of a server-sent event.

        Never raises for what an upstream may send: what cannot be read says nothing, or is a `Failed`.
        """

    def end(self) -> Sequence[Event]:
        """Return what the end of the connection says: `Ended` if the answer was complete but for its last event."""


class StreamWriter(Protocol):
    """Writes one stream for a client."""

    events: int
    """Number of events written."""

    def write(self, event: Event) -> bytes:
        """Return the bytes of an event; empty where the dialect has none for it. The last event is `Ended`."""


class History:
    """What a dialect's requests may continue by an id instead of sending it again. Most dialects have nothing of it."""

    def wanted(self, fields: Fields, found: Mapping[str, bytes]) -> Sequence[str]:
        """Return the keys of what a request continues, as far as `found` tells; what is unknown is there empty."""
        return ()

    def continued(self, fields: Fields, found: Mapping[str, bytes], turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
        """Return the turns of a request with those that it continues. Raises `InvalidRequest` where they are lost."""
        return turns

    def to_keep(self, fields: Fields, answer: Answer) -> Mapping[str, bytes]:
        """Return what is to be kept of a request and its answer, by key."""
        return {}


NO_HISTORY = History()


def no_client(*arguments: Any) -> NoReturn:
    """Stand where a client's half would be in a dialect that only upstreams speak: nobody gets here."""
    raise NotImplementedError("no client speaks this dialect")


@dataclass(frozen=True, slots=True)
class Codec:
    """A dialect's readers and writers. `fields` are Python data that were read from JSON.

    Readers of requests raise `InvalidRequest` that names the member at fault, never any other error, whatever arrives.
    """

    dialect: str
    read_request: Callable[[Fields], Conversation]
    write_request: Callable[[Conversation, Writing], Fields]
    """Raises `InvalidRequest` for what can neither be carried nor left out."""
    read_answer: Callable[[Fields, Profile], Answer]
    """Never raises for what an upstream may send."""
    write_answer: Callable[[Answer, Fields], Fields]
    """Takes the client's request, too: some answers repeat parts of it."""
    reader: Callable[[Profile], StreamReader]
    """Takes what is known of the model: some answers mix reasoning into their text."""
    writer: Callable[[str, Fields], StreamWriter]
    """Takes our name of the model, and the client's request."""
    history: History = NO_HISTORY
    names_answers: bool = False
    """Clients ask for answers by their ids, so each has one that is ours alone."""
    count_stream: Mapping[str, Any] = field(default_factory=dict)
    """Members of a request by which the upstream counts the tokens of a stream."""
    custom_tools: bool = True
    """Requests may hold tools of free text."""
    refuses_server_tools: bool = False
    """A tool that this upstream cannot run is refused, as clients of the dialect go on by themselves; else left out."""
    ignorable: frozenset[str] = frozenset()
    """Members of a request that mean nothing to another upstream and are not missed."""
    carried: frozenset[str] = frozenset()
    """Members of this upstream's requests that clients of other dialects may send as they are."""
