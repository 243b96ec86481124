"""Laws of the shapes of vectors: whatever is asked and answered, every text gets its own vector or an error."""

import base64
import json
import math
import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import wire
from gateway.dialects.embeddings import EMBEDDINGS, checked, count_inputs, join, put_usage, split, usage_of
from gateway.dialects.endpoint import PerCall
from gateway.dialects.usage import Usage
from gateway.errors import InvalidRequest, UpstreamUnreachable
from gateway.payload import JsonPayload
from gateway.translation.contract import Asked
from gateway.translation.embeddings import SHAPES, Embeddings, EmbeddingsCrossing
from gateway.translation.embeddings.asked import TASKS, read
from gateway.translation.embeddings.shape import Shape
from gateway.wire import Members

Fields = dict[str, Any]
laws = settings(deadline=None, max_examples=50)
NAMES = {shape.endpoint.dialect: shape for shape in SHAPES}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=5)


def members(fields: Fields) -> Members:
    return wire.members(wire.encode(fields))


def begun(shape: Shape, fields: Fields) -> EmbeddingsCrossing:
    found = members({"model": "theirs", **fields})
    return Embeddings(shape).begin(Asked(payload=JsonPayload(found, 0), fields=found, model="ours", stream=False))


def sent(shape: Shape, **fields: Any) -> Fields:
    crossing = begun(shape, fields)
    body = crossing.encode({}).body
    assert isinstance(body, bytes)
    written: Fields = json.loads(body)
    return written


def answer_with(dialect: str, vectors: list[Any]) -> Fields:
    """Return an answer with vectors where an upstream has them."""
    answers: Fields = {
        "titan-embeddings": {"embedding": vectors[0] if vectors else None},
        "nova-embeddings": {"embeddings": [{"embeddingType": "TEXT", "embedding": each} for each in vectors]},
        "cohere-embeddings": {"id": "1", "embeddings": {"float": vectors}, "texts": []},
        "gemini-embeddings": {"embeddings": [{"values": each} for each in vectors]},
        "vertex-predict": {"predictions": [{"embeddings": {"values": each}} for each in vectors]},
        "vertex-embeddings": {"embedding": {"values": vectors[0]} if vectors else {}},
        "mistral-embeddings": {"data": [{"index": number, "embedding": each} for number, each in enumerate(vectors)]},
    }
    found: Fields = answers[dialect]
    return found


def of_one(dialect: str) -> bool:
    return dialect in ("titan-embeddings", "nova-embeddings", "vertex-embeddings")


@pytest.mark.parametrize("dialect", NAMES)
@laws
@given(fields=st.fixed_dictionaries({}, optional=dict.fromkeys(("input", "dimensions", "encoding_format", "input_type", "task_type", "truncate", "title", "embedding_types", "output_dtype", "user"), json_values)))  # fmt: skip  # noqa: E501
def test_any_request_is_written_or_refused_by_name(dialect: str, fields: Fields) -> None:
    named, written = None, dict[str, Any]()
    try:
        written = sent(NAMES[dialect], **fields)
    except InvalidRequest as error:
        named = error.param
    if named:
        return
    inputs = fields["input"] if isinstance(fields["input"], list) else [fields["input"]]
    texts = json.dumps(written, ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in texts for text in inputs[: 1 if of_one(dialect) else None])


@pytest.mark.parametrize("dialect", NAMES)
@laws
@given(vectors=st.lists(numbers, min_size=1, max_size=4), packed=st.booleans())
def test_vectors_arrive_in_the_wanted_format(dialect: str, vectors: list[list[float]], packed: bool) -> None:
    vectors = [(each * 5)[:5] for each in vectors[: 1 if of_one(dialect) else None]]
    crossing = begun(NAMES[dialect], {"input": ["a"] * len(vectors), "encoding_format": ["float", "base64"][packed]})
    answer = json.loads(wire.encode(crossing.answer(members(answer_with(dialect, vectors)))))
    assert (answer["object"], answer["model"]) == ("list", "ours")
    assert [each["index"] for each in answer["data"]] == list(range(len(vectors)))
    found = [each["embedding"] for each in answer["data"]]
    if packed:
        found = [list(struct.unpack(f"<{len(each)}f", base64.b64decode(text))) for text, each in zip(found, vectors, strict=True)]  # fmt: skip  # noqa: E501
    assert found == vectors


WRONG: list[list[Any]] = [
    [],
    [[0.5]] * 2,
    [[0.5]] * 4,
    [[0.5], [], [0.5]],
    [[0.5], None, [0.5]],
    [[0.5], [None], [0.5]],
    [[0.5], ["0.5"], [0.5]],
    [[0.5], [[0.5]], [0.5]],
    [[0.5], [0.5, 0.5], [0.5]],
    [[0.5], {}, [0.5]],
    [[0.5], "!", [0.5]],
    [[0.5], "AAA=", [0.5]],
    [[0.5], base64.b64encode(struct.pack("<f", math.nan)).decode(), [0.5]],
    [[0.5], base64.b64encode(struct.pack("<f", math.inf)).decode(), [0.5]],
]


@pytest.mark.parametrize("dialect", [name for name in NAMES if not of_one(name)])
@pytest.mark.parametrize("vectors", WRONG, ids=map(str, WRONG))
def test_wrong_vectors_are_an_error(dialect: str, vectors: list[Any]) -> None:
    crossing = begun(NAMES[dialect], {"input": ["a", "b", "c"]})
    with pytest.raises(UpstreamUnreachable, match="answered with") as raised:
        crossing.answer(members(answer_with(dialect, vectors)))
    assert raised.value.code == "upstream_invalid_answer"


@pytest.mark.parametrize("dialect", NAMES)
@pytest.mark.parametrize("raw", [b"{}", b'{"embedding":5,"embeddings":5,"predictions":5,"data":5}', b'{"embedding":[NaN]}', b'{"embedding":[1e999]}'])  # fmt: skip  # noqa: E501
def test_no_vectors_are_an_error(dialect: str, raw: bytes) -> None:
    crossing = begun(NAMES[dialect], {"input": "a"})
    fields = {name: msgspec.Raw(b"[NaN]" if b"NaN" in raw else value) for name, value in _cut(raw).items()}
    with pytest.raises(UpstreamUnreachable):
        crossing.answer(fields)


def _cut(raw: bytes) -> Members:
    return wire.members(raw.replace(b"NaN", b"0"))


@pytest.mark.parametrize("dialect", NAMES)
@laws
@given(answer=st.dictionaries(st.sampled_from(["embedding", "embeddings", "predictions", "data", "meta", "usageMetadata", "inputTextTokenCount"]), json_values))  # fmt: skip  # noqa: E501
def test_any_answer_is_read_or_an_error(dialect: str, answer: Fields) -> None:
    shape, found = NAMES[dialect], members(answer)
    usage = shape.endpoint.upstream.usage(found)
    assert usage is None or usage.input is None or usage.input >= 0
    shape.endpoint.upstream.failure(found)
    crossing = begun(shape, {"input": "a", "encoding_format": "base64"})
    try:
        data = json.loads(wire.encode(crossing.answer(found)))["data"]
    except UpstreamUnreachable:
        return
    assert len(data) == 1
    assert len(base64.b64decode(data[0]["embedding"])) >= 4


def test_a_number_that_no_32_bits_hold() -> None:
    crossing = begun(NAMES["titan-embeddings"], {"input": "a", "encoding_format": "base64"})
    with pytest.raises(UpstreamUnreachable, match="out of range"):
        crossing.answer(members({"embedding": [1e300]}))


texts = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=40)


@laws
@given(inputs=texts, most=st.builds(PerCall, st.none() | st.integers(1, 9), st.none() | st.integers(1, 60)))
def test_what_is_split_is_joined(inputs: list[str], most: PerCall) -> None:
    fields = members({"model": "m", "input": inputs, "encoding_format": "float", "user": "u"})
    parts = split(fields, most)
    lists = [wire.value(part, "input") for part in parts]
    assert [text for each in lists for text in each] == inputs
    assert all(len(each) <= (most.inputs or 2048) for each in lists)
    assert all(len(each) == 1 or sum(map(len, wire.encode(each).split(b","))) <= (most.size or 10**6) + 2 for each in lists)  # fmt: skip  # noqa: E501
    assert all(part.keys() == fields.keys() for part in parts)
    numbered = iter(range(len(inputs)))
    answers = [
        {
            "object": "list",
            "usage": {},
            "data": [{"index": place, "embedding": [next(numbered)]} for place in range(len(each))],
        }
        for each in lists
    ]
    joined = json.loads(wire.encode(join([members(each) for each in answers])))
    assert joined == {
        "object": "list",
        "data": [{"object": "embedding", "index": each, "embedding": [each]} for each in range(len(inputs))],
    }


@pytest.mark.parametrize(
    ("value", "count"),
    [("a", 1), (["a"], 1), (["a", "[b"], 2), ([1, 2, 3], 1), ([[1, 2], [3]], 2), (["a"] * 2048, 2048)],
)
def test_inputs_are_counted(value: Any, count: int) -> None:
    assert count_inputs(members({"input": value})) == count


def test_millions_of_tokens_are_counted_without_being_read() -> None:
    many = b"[%s]" % b",".join([b"[" + b",".join([b"17"] * 8192) + b"]"] * 200)
    assert count_inputs({"input": msgspec.Raw(many)}) == 200


def test_objects_of_servers_on_premises_are_split() -> None:
    parts = split(members({"input": [{"text": "a"}, {"image": "b"}, "c"]}), PerCall(2))
    assert [wire.value(part, "input") for part in parts] == [[{"text": "a"}, {"image": "b"}], ["c"]]
    with pytest.raises(InvalidRequest):
        sent(NAMES["mistral-embeddings"], input=["a", {"text": "b"}])


@pytest.mark.parametrize("value", [["a", ""], ["a", []], ["a", 5], ["a", None], ["a", {}]])
def test_what_cannot_be_split_is_named(value: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        split(members({"input": value}), PerCall(1))
    assert raised.value.param == "input[1]"


NATIVE: Fields = {"data": [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [0.25]}], "model": "m"}


def test_a_native_answer_stays_as_it_is() -> None:
    for asked in ({}, {"encoding_format": "float"}, {"encoding_format": None}, {"encoding_format": "int8"}):
        answer = members(NATIVE)
        assert checked(members({"input": ["a", "b"], **asked}), answer) is answer


def test_a_native_answer_in_the_other_format_is_changed() -> None:
    answer = checked(members({"input": ["a", "b"], "encoding_format": "base64"}), members(NATIVE))
    found = json.loads(wire.encode(answer))
    assert [each["embedding"] for each in found["data"]] == ["AACAPg==", "AAAAPw=="]
    back = checked(members({"input": ["a", "b"], "encoding_format": "float"}), answer)
    assert [each["embedding"] for each in json.loads(wire.encode(back))["data"]] == [[0.25], [0.5]]


@pytest.mark.parametrize("places", [[0, 2], [1, 1], [-1, 0], [None, 1]])
def test_indexes_that_do_not_fit(places: list[int | None]) -> None:
    data = [{"index": place, "embedding": [0.5]} for place in places]
    with pytest.raises(UpstreamUnreachable, match="indexes"):
        checked(members({"input": ["a", "b"]}), members({"data": data}))


@pytest.mark.parametrize("places", [[None, None], [0, 0], ["0", "1"], [{}, 1.5]])
def test_indexes_that_say_nothing(places: list[Any]) -> None:
    data = [{"index": place, "embedding": [0.5]} for place in places]
    checked(members({"input": ["a", "b"]}), members({"data": data}))


@pytest.mark.parametrize(
    ("usage", "read_as", "put"),
    [
        ({"prompt_tokens": 3, "total_tokens": 3}, 3, False),
        ({"total_tokens": 3}, 3, True),
        ({"prompt_tokens": 3}, 3, True),
        ({}, None, True),
        (None, None, True),
        ("many", None, True),
    ],
)
def test_counts(usage: Any, read_as: int | None, put: bool) -> None:
    answer = members({"data": [], "usage": usage})
    found = usage_of(answer)
    assert (found and found.input) == read_as
    assert put_usage(answer, Usage(input=3)) is put
    assert wire.value(answer, "usage") == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize("task", [*TASKS, "QUERY", "passage: ", "RETRIEVAL_DOCUMENT"])
def test_every_task_is_known(task: str) -> None:
    assert read(members({"model": "m", "input": "a", "input_type": task})).task in TASKS


@pytest.mark.parametrize(
    ("dialect", "model", "expected"),
    [
        ("titan-embeddings", "amazon.titan-embed-text-v1", {"inputText": "a"}),
        ("titan-embeddings", "amazon.titan-embed-text-v2:0", {"inputText": "a", "normalize": True}),
        ("titan-embeddings", "amazon.titan-embed-image-v1", {"inputText": "a"}),
        ("mistral-embeddings", "mistral-embed", {"model": "mistral-embed", "input": ["a"]}),
        ("vertex-embeddings", "gemini-embedding-2", {"content": {"parts": [{"text": "a"}]}}),
        (
            "gemini-embeddings",
            "tunedModels/x",
            {"requests": [{"model": "tunedModels/x", "content": {"parts": [{"text": "a"}]}}]},
        ),
    ],
)
def test_what_is_sent_where_nothing_is_said(dialect: str, model: str, expected: Fields) -> None:
    assert sent(NAMES[dialect], model=model, input="a") == expected


def test_a_model_behind_another_name() -> None:
    found = members({"model": "arn:aws:x", "input": "a", "input_type": "search_query", "dimensions": 256})
    asked = Asked(
        payload=JsonPayload(found, 0), fields=found, model="ours", known_model="gemini-embedding-2", stream=False
    )
    body = Embeddings(NAMES["vertex-embeddings"]).begin(asked).encode({}).body
    assert isinstance(body, bytes)
    assert b"task: search result | query: a" in body


def test_the_length_of_vectors_of_text_and_images() -> None:
    written = sent(NAMES["titan-embeddings"], model="amazon.titan-embed-image-v1", input="a", dimensions=384)
    assert written == {"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 384}}


def test_google_cuts_only_the_end() -> None:
    with pytest.raises(InvalidRequest, match="'NONE' or 'END'"):
        sent(NAMES["vertex-predict"], input="a", truncate="START")


def test_the_endpoint_splits() -> None:
    assert EMBEDDINGS.batching
    assert EMBEDDINGS.per_call is None, "OpenAI takes 2,048 at once"
