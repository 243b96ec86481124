"""A gap in a text that a model is to fill, read from any of the dialects of code completion."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway import lenient, wire
from gateway.dialects import infill
from gateway.errors import InvalidRequest
from gateway.profiles.fim_family import File
from gateway.wire import Members

ASSUMED_TOKENS = 256
"""Of a completion whose length nobody limits."""
INFILL_TEMPERATURE = b"0.1"
"""What llama.vscode itself asks servers for that are not llama.cpp, whose own sampler for infill they lack."""
_MOST_STOPS, _LONGEST_STOP = 64, 256


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """What one request wants. Options have OpenAI's names and stay bytes."""

    prefix: str
    suffix: str
    files: tuple[File, ...] = ()
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    options: Members
    names: Mapping[str, str]
    """The client's own name of each option."""
    warms: bool = False
    """The answer is not wanted, only that the server has read the prompt."""
    dropped: tuple[str, ...] = ()
    """Members that no other dialect knows."""

    def lost(self, known: Mapping[str, str]) -> tuple[str, ...]:
        """Return the client's members that an upstream does not get which knows these options."""
        return (*(self.names[name] for name in self.options if name not in known and name in self.names), *self.dropped)

    @property
    def tokens(self) -> int:
        """Return how many tokens to ask for; at least one, as not every server takes none."""
        return 1 if self.warms else self.max_tokens or ASSUMED_TOKENS


def read_completions(fields: Members) -> Gap:
    return _gap(fields, _COMPLETIONS, wire.value(fields, "prompt"), wire.value(fields, "suffix"), "max_tokens")


def read_fim(fields: Members) -> Gap:
    return _gap(fields, _FIM, wire.value(fields, "prompt"), wire.value(fields, "suffix"), "max_tokens")


def read_infill(fields: Members) -> Gap:
    """Read an infill, whose `prompt` is the line of the cursor, after `input_prefix`."""
    before = (wire.value(fields, "input_prefix") or "") + (wire.value(fields, "prompt") or "")
    gap = _gap(fields, _INFILL, before, wire.value(fields, "input_suffix"), "n_predict")
    options = gap.options if "temperature" in gap.options else {
        **gap.options, "temperature": msgspec.Raw(INFILL_TEMPERATURE)
    }  # fmt: skip
    files = tuple(File(each.filename or "", each.text) for each in infill.extras(fields))
    return msgspec.structs.replace(gap, files=files, options=options, warms=infill.warms(fields))


def stops_of(fields: Members) -> tuple[str, ...]:
    """Return the client's stop strings. Raises `InvalidRequest` where they are none, too many or too long."""
    found = wire.value(fields, "stop")
    stops = [found] if isinstance(found, str) else found or []
    good = isinstance(stops, list) and len(stops) <= _MOST_STOPS and all(_is_stop(each) for each in stops)
    if not good:
        raise InvalidRequest(
            f"The field 'stop' must be a string or an array of at most {_MOST_STOPS} strings "
            f"of at most {_LONGEST_STOP:,} characters.",
            param="stop",
        )
    return tuple(dict.fromkeys(each for each in stops if each))


def _tokens(fields: Members, name: str) -> int | None:
    """Return how long an answer may be; None = any length, as servers mean it by a negative number, too.

    Raises `InvalidRequest` where it is no whole number. Not every server takes 0.
    """
    found = wire.value(fields, name)
    if found is not None and type(found) is not int:
        raise InvalidRequest(f"The field '{name}' must be a whole number.", code="invalid_type", param=name)
    return None if found is None or found < 0 else max(found, 1)


def _is_stop(found: Any) -> bool:
    return isinstance(found, str) and len(found) <= _LONGEST_STOP


def _gap(fields: Members, names: Mapping[str, str], prefix: Any, suffix: Any, length: str) -> Gap:
    there = {ours: fields[theirs] for theirs, ours in names.items() if lenient.says(fields.get(theirs))}
    return Gap(
        prefix=prefix or "",
        suffix=suffix or "",
        max_tokens=_tokens(fields, length),
        stops=stops_of(fields),
        options=there,
        names={ours: theirs for theirs, ours in names.items() if theirs in fields},
        dropped=tuple(name for name in fields if name not in names and name not in _READ),
    )


_COMMON = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "min_tokens", "user")
_COMPLETIONS = {name: name for name in (*_COMMON, "seed", "repetition_penalty", "logit_bias")}
_FIM = {**{name: name for name in _COMMON}, "random_seed": "seed", "seed": "seed"}
_INFILL = {**{name: name for name in _COMMON}, "seed": "seed", "repeat_penalty": "repetition_penalty"}
_READ: Sequence[str] = (
    *("model", "stream", "stream_options", "prompt", "suffix", "stop", "max_tokens", "n_predict"),
    *("input_prefix", "input_suffix", "input_extra", "response_fields"),
    *("id_slot", "cache_prompt", "t_max_prompt_ms", "t_max_predict_ms"),
)
"""Members that are read, and hints that change no answer."""
