"""How long an uploaded recording is, where its upstream does not tell: subtitles and plain text hold no counts."""

import asyncio

import msgspec
from starlette.datastructures import UploadFile

from gateway.api.ask import Ask
from gateway.api.exchange import Exchange
from gateway.dialects.usage import Media, Usage

_HEAD_BYTES = 32
_RATE_AT, _RATE_BYTES = 28, 4
"""Where the head of a WAV file says how many bytes a second has."""
_RATES = range(4_000, 2_000_000)
_ASSUMED_RATE = 16_000
"""Bytes of a second in other files: 128 kbit."""
_SLOWEST_RATE, _SLACK_SECONDS = 250, 60
"""No codec needs less; shorter recordings may claim so much all the same."""
_TOKENS_A_SECOND = 10
"""Of models that count sound in tokens, about."""


async def heard(exchange: Exchange, ask: Ask, reported: Usage | None) -> Usage | None:
    """Return the counts of a transcript: the upstream's, as far as they can be, else an estimate of the seconds.

    Models that are paid by tokens get an estimate of those.
    """
    files = [file for name, file in ask.payload.files if name in ask.endpoint.files]
    if ask.endpoint.task != "transcription" or not files:
        return reported
    if reported and (reported.audio_seconds or 0) > _SLACK_SECONDS + (files[0].size or 0) / _SLOWEST_RATE:
        reported = msgspec.structs.replace(reported, audio_seconds=None)
    if reported and (reported.audio_seconds is not None or reported.input is not None):
        return reported
    seconds = await asyncio.to_thread(_seconds, files[0])
    price = exchange.target.price if exchange.target else None
    if price is None or price.price.audio_second:
        return Usage(audio_seconds=seconds, source="estimated")
    tokens = round(seconds * _TOKENS_A_SECOND)
    return Usage(input=tokens, source="estimated", media=Media(audio_input=tokens))


def _seconds(file: UploadFile) -> float:
    """Return about how long a recording is. Blocks where it lies on the disk."""
    file.file.seek(0)
    head = file.file.read(_HEAD_BYTES)
    rate = int.from_bytes(head[_RATE_AT : _RATE_AT + _RATE_BYTES], "little") if head[8:16] == b"WAVEfmt " else 0
    return round((file.size or 0) / (rate if rate in _RATES else _ASSUMED_RATE), 3)
