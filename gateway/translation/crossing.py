"""Joins the codecs of two dialects into the translation of one request and its answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway import wire
from gateway.ids import request_id
from gateway.payload import Encoded
from gateway.translation.answer import Answer
from gateway.translation.codec import Codec, Writing
from gateway.translation.contract import Asked
from gateway.translation.dropping import drop_unknown
from gateway.translation.inlining import inlined, media_keys
from gateway.translation.plain import answer_data, as_members, request_data
from gateway.translation.recalling import recalled, to_keep, wanted
from gateway.translation.relaying import TranslatingRelay
from gateway.translation.repairs import repaired
from gateway.translation.restoring import Restoring
from gateway.translation.settling import settled
from gateway.wire import Members

_LONGEST_ID = 128


class Conversations(msgspec.Struct, frozen=True):
    """The translation between a client's dialect and another one of an upstream."""

    client: Codec
    upstream: Codec

    def begin(self, asked: Asked) -> "ConversationCrossing":
        return ConversationCrossing(self.client, self.upstream, asked)


class ConversationCrossing:
    """One request on its way through the canonical conversation, and its answer on the way back."""

    def __init__(self, client: Codec, upstream: Codec, asked: Asked) -> None:
        self._client, self._upstream, self._asked = client, upstream, asked
        self._fields = request_data(asked.fields)
        self._conversation = client.read_request(self._fields)
        self._writing = Writing(asked.profile)
        self._id = request_id()
        self.kept: dict[str, bytes] = {}

    @property
    def dropped(self) -> Sequence[str]:
        return self._writing.dropped

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        keys = [*self._client.history.wanted(self._fields, found), *wanted(self._conversation)]
        if missing := [key for key in keys if key not in found]:
            return missing
        return self._media(found) if self._asked.inlines else ()

    def _media(self, found: Mapping[str, bytes]) -> Sequence[str]:
        """Return the keys of media that are named by address, in what the request continues, too."""
        turns = self._client.history.continued(self._fields, found, self._conversation.turns)
        return [key for key in media_keys(turns) if key not in found]

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return Encoded("application/json", wire.encode(self._asked.shape(self.request_fields(found))))

    def request_fields(self, found: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the upstream's members; `found` is what was kept of `wanted`. Raises `InvalidRequest`."""
        turns = self._client.history.continued(self._fields, found, self._conversation.turns)
        conversation = msgspec.structs.replace(self._conversation, turns=inlined(turns, found))
        drop_unknown(conversation, self._client, self._upstream, self._writing)
        conversation = repaired(recalled(conversation, found), self._client, self._upstream, self._writing)
        fields = self._upstream.write_request(conversation, self._writing)
        if self._asked.stream and self._asked.count_usage:
            fields |= self._upstream.count_stream
        return fields

    def answer(self, answer: Members) -> Members:
        read = Restoring(self._writing).answer(self._read(answer))
        self._keep(read)
        return as_members(self._client.write_answer(read, self._fields))

    def relay(self) -> TranslatingRelay:
        return TranslatingRelay(
            self._asked.framing,
            self._upstream.reader(self._asked.profile),
            self._client.writer(self._asked.model, self._fields),
            Restoring(self._writing),
            self._read,
            self._answer_id,
            self._keep,
        )

    def _read(self, answer: Members) -> Answer:
        read = self._upstream.read_answer(answer_data(answer), self._asked.profile)
        return settled(msgspec.structs.replace(read, id=self._answer_id(read.id)))

    def _answer_id(self, theirs: str) -> str:
        """Return the id of the answer: the upstream's, unless it may not be the only one of its kind."""
        return self._id if self._client.names_answers or not theirs else theirs[:_LONGEST_ID]

    def _keep(self, answer: Answer) -> None:
        """Keep what the client's dialect cannot carry, and what it may ask for by the answer's id."""
        named = msgspec.structs.replace(answer, model=self._asked.model)
        self.kept |= to_keep(answer.parts)
        self.kept |= self._client.history.to_keep(self._fields, named)
