"""Laws of the codec of Gemini: what arrives is never a crash, and the events of an answer are in order."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.profiles.profile import DEFAULT_PROFILE
from gateway.translation.answer import Cited, Closed, Delta, Ended, Event, Failed, Opened, Started
from gateway.translation.codec import Writing
from gateway.translation.gemini import CODEC
from gateway.translation.parts import Text
from tests.fakes.exchanges import FOLDER
from tests.translation import gemini_judging

Fields = dict[str, Any]

words = st.text(st.characters(codec="utf-8"), max_size=12)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words
)
NAMES = """
    parts text role thought thoughtSignature functionCall functionResponse name id args response inlineData fileData
    mimeType mime_type data fileUri functionDeclarations parameters parametersJsonSchema properties type items
    functionCallingConfig mode allowedFunctionNames temperature topP topK maxOutputTokens stopSequences seed
    candidateCount responseMimeType responseJsonSchema responseSchema thinkingConfig thinkingBudget thinkingLevel
    includeThoughts responseLogprobs logprobs content finishReason index groundingMetadata groundingChunks web uri
    groundingSupports segment startIndex endIndex groundingChunkIndices logprobsResult chosenCandidates token
    logProbability topCandidates candidates promptTokenCount candidatesTokenCount totalTokenCount thoughtsTokenCount
    cachedContentTokenCount toolUsePromptTokenCount blockReason executableCode toolCall googleSearch output error
    """.split()  # noqa: SIM905
VALUES = ["user", "model", "AUTO", "ANY", "STOP", "SAFETY", "application/json", "image/png", "audio/wav", "LOW", "x"]
MEMBERS = """
    model contents systemInstruction system_instruction tools toolConfig generationConfig safetySettings stream
    cachedContent labels
    """.split()  # noqa: SIM905
ANSWERS = ["candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId", "error"]
shaped: Any = st.recursive(
    scalars | st.sampled_from(VALUES),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)
part: Any = st.dictionaries(st.sampled_from(NAMES[:14]), shaped, max_size=3) | st.fixed_dictionaries(
    {}, optional={"text": words, "thought": st.booleans(), "thoughtSignature": st.just("c2VhbA==")}
)
candidate: Any = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": st.lists(part, max_size=4)})},
    optional={"finishReason": shaped, "groundingMetadata": shaped, "logprobsResult": shaped},
)
chunk: Any = st.dictionaries(st.sampled_from(ANSWERS[1:5]), shaped, max_size=3) | st.fixed_dictionaries(
    {"candidates": st.lists(candidate, max_size=2)}, optional={"usageMetadata": shaped}
)


@given(st.dictionaries(st.sampled_from(MEMBERS), shaped, max_size=6))
def test_any_request_is_read_or_refused(fields: Fields) -> None:
    try:
        conversation = CODEC.read_request({"model": "m", "contents": [], **fields})
    except InvalidRequest:
        return
    json.dumps(CODEC.write_request(conversation, Writing(DEFAULT_PROFILE)))


@given(st.lists(part, max_size=4))
def test_any_part_is_read_or_refused(parts: list[Any]) -> None:
    fields = {"model": "m", "contents": [{"role": "model", "parts": parts}, {"parts": parts}]}
    try:
        written = CODEC.write_request(CODEC.read_request(fields), Writing(DEFAULT_PROFILE))
    except InvalidRequest:
        return
    again = CODEC.write_request(CODEC.read_request({"model": "m", **written}), Writing(DEFAULT_PROFILE))
    assert again == written


@given(st.lists(chunk, max_size=5), st.binary(max_size=20))
def test_any_stream_is_read_and_its_events_are_in_order(chunks: list[Any], odd: bytes) -> None:
    reader = CODEC.reader(DEFAULT_PROFILE)
    events = [event for each in chunks for event in reader.read(b"", json.dumps(each).encode())]
    events += [*reader.read(b"", odd), *reader.end()]
    check_order(events)
    for each in chunks:
        CODEC.read_answer(each, DEFAULT_PROFILE)


def check_order(events: Sequence[Event]) -> None:
    """One beginning, parts that open and close in their order, deltas within them, at most one end."""
    opened: list[int] = []
    texts: dict[int, str] = {}
    for number, event in enumerate(events):
        if isinstance(event, Started):
            assert number == 0
        elif isinstance(event, Opened):
            assert event.index == (max(texts) + 1 if texts else 0)
            opened.append(event.index)
            texts[event.index] = ""
        elif isinstance(event, Delta | Cited):
            assert event.index in opened
            texts[event.index] += event.text if isinstance(event, Delta) else ""
        elif isinstance(event, Closed):
            opened.remove(event.index)
            assert not isinstance(event.part, Text) or event.part.text == texts[event.index]
        else:
            assert isinstance(event, Ended | Failed)
            assert number == len(events) - 1
            assert isinstance(event, Failed) or not opened


def test_recorded_events_are_in_order() -> None:
    if not FOLDER.is_dir():
        pytest.skip("no recordings in ../shared/recordings beside the repository")
    for exchange in gemini_judging.recorded():
        reader = CODEC.reader(DEFAULT_PROFILE)
        chunks = [json.dumps(each).encode() for each in gemini_judging.chunks_of(exchange)]
        events = [event for each in chunks for event in reader.read(b"", each)]
        check_order([*events, *reader.end()])
        assert not reader.end()
