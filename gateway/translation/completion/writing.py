"""Writes the request for a gap: as a filled template, with OpenAI's `suffix`, as Mistral's, as llama.cpp's."""

from collections.abc import Mapping, Sequence

from gateway import wire
from gateway.errors import InvalidRequest
from gateway.profiles.fim import any_special
from gateway.profiles.fim_family import MOST_STOPS, Family
from gateway.translation.completion.gap import Gap
from gateway.wire import Members

_SHARED = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
TEMPLATE = {name: name for name in (*_SHARED, "top_k", "min_p", "min_tokens", "repetition_penalty", "seed", "user")}
"""Options of Completions on servers that take a template: vLLM's among them."""
SUFFIX = {name: name for name in (*_SHARED, "seed", "user", "logit_bias")}
FIM = {**{name: name for name in (*_SHARED, "min_tokens")}, "seed": "random_seed"}
INFILL = {**{name: name for name in (*_SHARED, "top_k", "min_p", "seed")}, "repetition_penalty": "repeat_penalty"}


def stops_sent(gap: Gap, family: Family | None) -> tuple[str, ...]:
    """Return the stop strings that go up: the client's own, then the family's, as many as every server takes."""
    return tuple(dict.fromkeys((*gap.stops, *ends(gap, family))))[:MOST_STOPS]


def ends(gap: Gap, family: Family | None) -> tuple[str, ...]:
    return family.ends(gap.files) if family else ()


def template(gap: Gap, family: Family) -> str:
    """Return the filled template. Raises `InvalidRequest` where the client has filled it and sends a suffix, too."""
    if family.is_filled(gap.prefix):
        if gap.suffix:
            raise InvalidRequest(
                "The field 'prompt' already holds the model's fill-in-the-middle markers; leave 'suffix' out, or send "
                "the text before the cursor as it is.",
                param="suffix",
            )
        return gap.prefix
    return family.fill(gap.prefix, gap.suffix, gap.files)


def as_template(gap: Gap, family: Family | None) -> Members:
    assert family is not None, "a template is of a family"
    return _written(gap, TEMPLATE, {"prompt": template(gap, family), "max_tokens": gap.tokens}, stops_sent(gap, family))


def as_text(gap: Gap, family: Family | None) -> Members:
    """Write a prompt to go on from: nothing stands after the cursor."""
    return _written(gap, TEMPLATE, {"prompt": _with_files(gap), "max_tokens": gap.tokens}, gap.stops[:MOST_STOPS])


def as_suffix(gap: Gap, family: Family | None) -> Members:
    texts = {"prompt": _with_files(gap), "suffix": gap.suffix, "max_tokens": gap.tokens}
    return _written(gap, SUFFIX, texts, gap.stops[:MOST_STOPS])


def as_fim(gap: Gap, family: Family | None) -> Members:
    prompt = family.with_files(gap.prefix, gap.files) if family else _with_files(gap)
    texts = {"prompt": prompt, "suffix": gap.suffix, "max_tokens": gap.tokens}
    return _written(gap, FIM, texts, gap.stops[:MOST_STOPS])


def as_infill(gap: Gap, family: Family | None) -> Members:
    """Write an infill. All that stands before the cursor is `input_prefix`: llama.cpp reads markers in `prompt`."""
    extras = [{"filename": file.path, "text": file.text} for file in gap.files]
    texts = {
        "input_prefix": gap.prefix,
        "input_suffix": gap.suffix,
        "input_extra": extras,
        "prompt": "",
        "n_predict": 0 if gap.warms else gap.tokens,
        "cache_prompt": True,
    }
    return _written(gap, INFILL, texts, gap.stops)


def through(fields: Members) -> Members:
    """Return an infill for a llama.cpp that many people share: no place of its own, and every count in the answer."""
    sent = {name: raw for name, raw in fields.items() if name not in OWN_SERVER}
    for name in ("input_prefix", "input_suffix"):
        if wire.kind(sent, name) is None:
            wire.put(sent, name, "")
    line = wire.value(sent, "prompt") or ""
    if any_special(line):
        wire.put(sent, "input_prefix", wire.value(sent, "input_prefix") + line)
        wire.put(sent, "prompt", "")
    return sent


OWN_SERVER = ("id_slot", "n_cmpl", "response_fields")
"""Members of an infill that suppose a server of one's own, or that we answer ourselves."""


def _with_files(gap: Gap) -> str:
    """Return the text before the cursor behind other files, for a model of which no separators are known."""
    return "".join(f"{file.text}\n\n" for file in gap.files) + gap.prefix


def _written(gap: Gap, names: Mapping[str, str], texts: Mapping[str, object], stops: Sequence[str]) -> Members:
    fields: Members = {}
    for name, content in texts.items():
        wire.put(fields, name, content)
    fields |= {names[name]: raw for name, raw in gap.options.items() if name in names}
    if stops:
        wire.put(fields, "stop", stops)
    return fields
