"""One request of Audio on its way to Gemini, and the answer's pieces on the way back."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from gateway.payload import Encoded
from gateway.translation.audio.relay import AudioRelay
from gateway.translation.audio.sink import Shape
from gateway.translation.contract import Asked
from gateway.translation.uploads import json_with
from gateway.wire import Members


class Audio(msgspec.Struct, frozen=True):
    """The translation between one of OpenAI's endpoints of Audio and Gemini."""

    shape: Shape

    def begin(self, asked: Asked) -> "AudioCrossing":
        return AudioCrossing(self.shape, asked)


class AudioCrossing:
    """One request. Its answer is always asked for as a stream."""

    kept: Mapping[str, bytes] = {}
    """Nothing."""

    def __init__(self, shape: Shape, asked: Asked) -> None:
        self._asked = asked
        self._writing = shape.write(asked)

    @property
    def dropped(self) -> Sequence[str]:
        return self._writing.dropped

    def wanted(self, found: Mapping[str, bytes]) -> Sequence[str]:
        return ()

    def encode(self, found: Mapping[str, bytes]) -> Encoded:
        return json_with(self._asked.shape(self._writing.fields), self._writing.uploads)

    def answer(self, answer: Members) -> NoReturn:
        raise NotImplementedError("answers are asked for as streams")

    def relay(self) -> AudioRelay:
        return AudioRelay(self._asked.framing.reader(), self._writing.sink())
