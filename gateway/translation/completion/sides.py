"""What a client's and an upstream's dialect of code completion are to a translation: a row each."""

from collections.abc import Callable, Mapping

import msgspec

from gateway.dialects import chat, fim, infill
from gateway.dialects.chat import COMPLETIONS
from gateway.dialects.contract import ClientDialect
from gateway.dialects.endpoint import Endpoint
from gateway.profiles.fim_family import MOST_STOPS, Family
from gateway.translation.completion import writing
from gateway.translation.completion.answers import (
    Choices,
    Infills,
    Whole,
    Writer,
    whole_completions,
    whole_fim,
    whole_infill,
)
from gateway.translation.completion.gap import Gap, read_completions, read_fim, read_infill
from gateway.translation.completion.pieces import Reader, read_choices, read_infill_event, read_whole_infill
from gateway.wire import Members


class ClientSide(msgspec.Struct, frozen=True):
    """How a client's request is read and its answer is written."""

    dialect: ClientDialect
    read: Callable[[Members], Gap]
    whole: Whole
    writer: Callable[[str, Members], Writer]


class UpstreamSide(msgspec.Struct, frozen=True):
    """How an upstream is asked to fill a gap and its answer is read."""

    endpoint: Endpoint
    write: Callable[[Gap, Family | None], Members]
    options: Mapping[str, str]
    """Options that it takes, with its names of them."""
    read_event: Reader
    read_whole: Reader
    most_stops: int | None = MOST_STOPS
    """Stop strings that are sent; None = all. The others, and the model's own markers, are cut off here."""


CLIENTS = {
    COMPLETIONS.path: ClientSide(
        chat.CLIENT, read_completions, whole_completions, lambda model, fields: Choices(model, fields, chat=False)
    ),
    fim.FIM.path: ClientSide(fim.CLIENT, read_fim, whole_fim, lambda model, fields: Choices(model, fields, chat=True)),
    infill.INFILL.path: ClientSide(infill.CLIENT, read_infill, whole_infill, Infills),
}
"""By the path of the client's endpoint."""

TEMPLATE = UpstreamSide(COMPLETIONS, writing.as_template, writing.TEMPLATE, read_choices, read_choices)
SUFFIX = UpstreamSide(COMPLETIONS, writing.as_suffix, writing.SUFFIX, read_choices, read_choices)
TEXT = UpstreamSide(COMPLETIONS, writing.as_text, writing.TEMPLATE, read_choices, read_choices)
FIM = UpstreamSide(fim.FIM, writing.as_fim, writing.FIM, read_choices, read_choices)
INFILL = UpstreamSide(
    infill.INFILL, writing.as_infill, writing.INFILL, read_infill_event, read_whole_infill, most_stops=None
)
