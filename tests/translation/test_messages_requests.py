"""What Messages demands of a request, whatever its client wrote: each test is named after the demand."""

import base64
import json
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.codec import Writing
from gateway.translation.conversation import (
    Conversation,
    CustomTool,
    FunctionTool,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    ServerTool,
    ToolChoice,
    Turn,
)
from gateway.translation.messages import CODEC
from gateway.translation.messages.request_writer import MAX_TOKENS
from gateway.translation.parts import (
    Audio,
    CacheMark,
    Citation,
    Document,
    Foreign,
    Image,
    Part,
    Refusal,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Fields = dict[str, Any]
SEALED = Thinking(text="Hm.", seal="s==", origin="messages")


def turn(role: Role, *parts: Part | str, name: str | None = None) -> Turn:
    return Turn(role=role, parts=tuple(Text(text=p) if isinstance(p, str) else p for p in parts), name=name)


def write(*turns: Turn, profile: Profile | None = None, **more: Any) -> tuple[Fields, list[str]]:
    writing = Writing(profile or Profile())
    return CODEC.write_request(Conversation(model="m", turns=turns, **more), writing), writing.dropped


def said(message: Fields) -> tuple[str, list[str]]:
    return message["role"], [block.get("text", block["type"]) for block in message["content"]]


def test_system_turns_at_the_beginning_are_hoisted() -> None:
    fields, _ = write(turn("system", "a"), turn("developer", "b"), turn("user", "c"))
    assert [block["text"] for block in fields["system"]] == ["a", "b"]
    assert [said(each) for each in fields["messages"]] == [("user", ["c"])]


def test_later_system_turns_stay_where_the_model_takes_them() -> None:
    fields, _ = write(turn("user", "a"), turn("developer", "b"), turn("user", "c"))
    assert [said(each) for each in fields["messages"]] == [("user", ["a"]), ("system", ["b"]), ("user", ["c"])]


def test_later_system_turns_are_marked_words_of_the_user_where_it_does_not() -> None:
    profile = Profile(system_anywhere=False)
    fields, _ = write(turn("user", "a"), turn("system", "b"), turn("assistant", "c"), profile=profile)
    assert [said(each) for each in fields["messages"]] == [
        ("user", ["a", "<system>\nb\n</system>"]),
        ("assistant", ["c"]),
    ]


@pytest.mark.parametrize("anywhere", [True, False])
def test_nothing_but_system_turns_asks_with_the_last(anywhere: bool) -> None:
    fields, _ = write(turn("system", "a"), turn("system", "b"), profile=Profile(system_anywhere=anywhere))
    assert [block["text"] for block in fields["system"]] == ["a"]
    assert [said(each) for each in fields["messages"]] == [("user", ["b"])]


def test_turns_of_the_same_role_are_one_message() -> None:
    fields, _ = write(turn("user", "a"), turn("user", "b"), turn("assistant", "c"), turn("assistant", "d"))
    assert [said(each) for each in fields["messages"]] == [("user", ["a", "b"]), ("assistant", ["c", "d"])]


def test_turns_around_an_empty_one_are_one_message() -> None:
    fields, _ = write(turn("user", "a"), turn("assistant", ""), turn("user", "b"))
    assert [said(each) for each in fields["messages"]] == [("user", ["a", "b"])]


def test_results_stand_first_in_one_message() -> None:
    results = [ToolResult(call_id=each, parts=(Text(text=each),)) for each in ("1", "2")]
    calls = [ToolCall(id=each, name="n") for each in ("1", "2")]
    fields, _ = write(
        turn("user", "a"),
        turn("assistant", *calls),
        turn("user", "b"),
        turn("tool", results[0]),
        turn("tool", results[1]),
    )
    assert said(fields["messages"][2]) == ("user", ["tool_result", "tool_result", "b"])


@pytest.mark.parametrize("empty", ["", " ", "\n\t"])
def test_texts_of_nothing_but_space_are_left_out(empty: str) -> None:
    result = ToolResult(call_id="1", parts=(Text(text=empty),))
    fields, dropped = write(turn("system", empty), turn("user", empty, "a"), turn("tool", result))
    assert "system" not in fields
    assert fields["messages"][0]["content"] == [
        {"type": "tool_result", "tool_use_id": "1"},
        {"type": "text", "text": "a"},
    ]
    assert dropped == []


def test_the_cache_mark_of_an_empty_text_moves_to_the_block_before() -> None:
    mark = CacheMark("1h")
    fields, _ = write(turn("user", "a", Text(text="", cache=mark)))
    assert fields["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_the_last_words_of_the_assistant_do_not_end_in_space() -> None:
    fields, _ = write(turn("user", "a"), turn("assistant", "b \n"))
    assert said(fields["messages"][1]) == ("assistant", ["b"])
    fields, _ = write(turn("user", "a"), turn("assistant", "b \n"), turn("user", "c"))
    assert said(fields["messages"][1]) == ("assistant", ["b \n"])


def test_names_of_participants_are_dropped() -> None:
    assert write(turn("user", "a", name="alice"))[1] == ["name"]


def test_only_reasoning_of_messages_goes_up() -> None:
    foreign = Thinking(text="no", seal="x", origin="responses")
    bare = Thinking(text="no", origin="messages")
    hidden = Thinking(seal="data", redacted=True, origin="messages")
    fields, dropped = write(turn("user", "a"), turn("assistant", foreign, SEALED, bare, hidden, "b"))
    assert fields["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "s=="},
        {"type": "redacted_thinking", "data": "data"},
        {"type": "text", "text": "b"},
    ]
    assert dropped == []


def test_no_reasoning_stands_behind_a_call() -> None:
    call = ToolCall(id="1", name="n")
    fields, _ = write(turn("user", "a"), turn("assistant", SEALED, call), turn("assistant", SEALED, call))
    assert said(fields["messages"][1])[1] == ["thinking", "tool_use", "tool_use"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": 1}', {"a": 1}),
        ('{"a": ', {"_raw_arguments": '{"a": '}),
        ("[1]", {"_raw_arguments": "[1]"}),
        ("null", {"_raw_arguments": "null"}),
        ("NaN", {"_raw_arguments": "NaN"}),
    ],
)
def test_broken_arguments_survive(arguments: str, found: Fields) -> None:
    fields, _ = write(turn("user", "a"), turn("assistant", ToolCall(id="1", name="n", arguments=arguments)))
    assert fields["messages"][1]["content"][0]["input"] == found
    again = CODEC.read_request({**fields, "model": "m"}).turns[1].parts[0]
    assert isinstance(again, ToolCall)
    assert again.arguments in (arguments, json.dumps(found, separators=(",", ":")))


def test_an_answer_has_a_limit() -> None:
    assert write(turn("user", "a"))[0]["max_tokens"] == MAX_TOKENS
    assert write(turn("user", "a"), profile=Profile(max_output_tokens=500))[0]["max_tokens"] == 500
    assert write(turn("user", "a"), profile=Profile(max_output_tokens=500), max_tokens=7)[0]["max_tokens"] == 7
    assert write(turn("user", "a"), max_tokens=0)[0]["max_tokens"] == 0


@pytest.mark.parametrize(
    ("how", "reasoning", "limit", "thinking", "effort"),
    [
        (None, Reasoning(), 9000, None, None),
        (None, Reasoning(effort="high"), 9000, None, "high"),
        (None, Reasoning(effort="minimal"), 9000, None, "low"),
        (None, Reasoning(effort="none"), 9000, {"type": "disabled"}, None),
        (None, Reasoning(mode="on", budget=2000), 9000, {"type": "enabled", "budget_tokens": 2000}, None),
        (None, Reasoning(mode="off"), 9000, {"type": "disabled"}, None),
        ("adaptive", Reasoning(effort="medium"), 9000, {"type": "adaptive"}, "medium"),
        ("adaptive", Reasoning(effort="low", summary="auto"), 9, {"type": "adaptive", "display": "summarized"}, "low"),
        ("adaptive", Reasoning(mode="on", budget=2000), 9000, {"type": "adaptive"}, "low"),
        ("adaptive", Reasoning(mode="on", budget=31999), 40000, {"type": "adaptive"}, "high"),
        ("adaptive", Reasoning(effort="none"), 9000, {"type": "disabled"}, None),
        ("always", Reasoning(mode="off"), 9000, None, None),
        ("always", Reasoning(effort="xhigh"), 9000, {"type": "adaptive"}, "xhigh"),
        ("budget", Reasoning(effort="high"), 64000, {"type": "enabled", "budget_tokens": 24576}, None),
        ("budget", Reasoning(effort="high"), 9000, {"type": "enabled", "budget_tokens": 4500}, None),
        ("budget", Reasoning(mode="adaptive", effort="low"), 9000, {"type": "enabled", "budget_tokens": 4096}, None),
        ("budget", Reasoning(effort="low"), 1500, {"type": "enabled", "budget_tokens": 1024}, None),
        ("budget", Reasoning(mode="on", budget=100), 9000, {"type": "enabled", "budget_tokens": 1024}, None),
        ("budget", Reasoning(mode="on", budget=31999), 8000, {"type": "enabled", "budget_tokens": 7999}, None),
        ("none", Reasoning(mode="off"), 9000, None, None),
    ],
)  # fmt: skip
def test_reasoning_is_asked_for_as_the_family_wants_it(
    how: Any, reasoning: Reasoning, limit: int, thinking: Fields | None, effort: str | None
) -> None:
    fields, dropped = write(turn("user", "a"), profile=Profile(thinking=how), reasoning=reasoning, max_tokens=limit)
    assert fields.get("thinking") == thinking
    assert fields.get("output_config", {}).get("effort") == effort
    assert dropped == []


def test_a_budget_that_leaves_no_room_is_dropped() -> None:
    profile, reasoning = Profile(thinking="budget"), Reasoning(effort="high")
    fields, dropped = write(turn("user", "a"), profile=profile, reasoning=reasoning, max_tokens=1024)
    assert ("thinking" in fields, dropped) == (False, ["reasoning"])


def test_a_loop_of_tools_that_began_without_reasoning_goes_on_without() -> None:
    """It would be refused: the assistant's message must begin with what led to the call."""
    loop = (turn("user", "a"), turn("assistant", ToolCall(id="1", name="n")), turn("tool", ToolResult(call_id="1")))
    profile, reasoning = Profile(thinking="budget"), Reasoning(effort="low")
    fields, dropped = write(*loop, profile=profile, reasoning=reasoning, max_tokens=9000)
    assert ("thinking" in fields, dropped) == (False, ["reasoning"])
    with_it = (loop[0], turn("assistant", SEALED, ToolCall(id="1", name="n")), loop[2])
    fields, dropped = write(*with_it, profile=profile, reasoning=reasoning, max_tokens=9000)
    assert ("thinking" in fields, dropped) == (True, [])


def test_four_cache_marks_at_most_and_the_last_ones() -> None:
    mark = CacheMark()
    turns = [turn("system", Text(text="s", cache=mark))] + [
        turn("user", Text(text=str(n), cache=mark)) for n in range(4)
    ]
    fields, dropped = write(*turns, tools=(FunctionTool(name="t", cache=mark),))
    assert "cache_control" not in fields["tools"][0]
    assert "cache_control" not in fields["system"][0]
    assert all("cache_control" in block for block in fields["messages"][0]["content"])
    assert dropped == ["cache_control"]
    fields, _ = write(*turns[1:], cache=mark)
    assert [("cache_control" in block) for block in fields["messages"][0]["content"]] == [False, True, True, True]


def test_a_schema_has_a_type() -> None:
    tools = (FunctionTool(name="a"), FunctionTool(name="b", schema={"properties": {"x": {}}}))
    fields, _ = write(turn("user", "a"), tools=tools)
    assert [tool["input_schema"] for tool in fields["tools"]] == [
        {"type": "object", "properties": {}},
        {"type": "object", "properties": {"x": {}}},
    ]


def test_a_choice_stands_only_beside_tools() -> None:
    tools = (FunctionTool(name="a"), FunctionTool(name="b"))
    assert "tool_choice" not in write(turn("user", "a"), tool_choice=ToolChoice(mode="auto"))[0]
    fields, _ = write(turn("user", "a"), tools=tools, parallel_calls=False)
    assert fields["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    fields, _ = write(turn("user", "a"), tools=tools, tool_choice=ToolChoice(mode="named", name="b"))
    assert fields["tool_choice"] == {"type": "tool", "name": "b"}
    fields, _ = write(turn("user", "a"), tools=tools, tool_choice=ToolChoice(mode="none"), parallel_calls=False)
    assert fields["tool_choice"] == {"type": "none"}
    fields, _ = write(turn("user", "a"), tools=tools, tool_choice=ToolChoice(mode="required", allowed=("b",)))
    assert [tool["name"] for tool in fields["tools"]] == ["b"]


def test_what_has_no_place_is_dropped_and_told() -> None:
    parts = (
        Audio(source=Source(data="AAAA")),
        Foreign(dialect="responses", content={"type": "web_search_call"}),
        Document(source=Source(data="UEsDBA==", media_type="application/vnd.ms-excel")),
        Image(source=Source(text="?")),
        "a",
    )
    fields, dropped = write(
        turn("user", *parts),
        turn("assistant", Image(source=Source(url="https://a.example/x.png")), "b"),
        tools=(ServerTool(dialect="responses", content={"type": "web_search"}), CustomTool(name="patch")),
        output=OutputFormat(),
        sampling=Sampling(temperature=1.7, frequency_penalty=0.5, presence_penalty=0.0, seed=3),
        logprobs=2,
        metadata={"a": "b"},
        verbosity="low",
        service_tier="flex",
        stop=("\n", "END"),
    )
    assert sorted(dropped) == sorted(
        [
            "audio",
            "responses.web_search_call",
            "document",
            "image",
            "tools.web_search",
            "tools.patch",
            "response_format",
            "temperature",
            "frequency_penalty",
            "seed",
            "logprobs",
            "metadata",
            "verbosity",
            "service_tier",
            "stop",
        ]
    )
    assert (fields["temperature"], fields["stop_sequences"], said(fields["messages"][0])[1]) == (1, ["END"], ["a"])
    assert not fields.keys() & {"tools", "tool_choice", "service_tier", "metadata", "output_config"}


def test_media_become_what_messages_takes() -> None:
    def data(text: bytes) -> str:
        return base64.b64encode(text).decode()

    parts = (
        Image(source=Source(data=data(b"\x89PNG\r\n"))),
        Image(source=Source(data="/9j/AAAA", media_type=None)),
        Document(source=Source(data="JVBERi0=", media_type="application/pdf"), name="a.pdf"),
        Document(source=Source(data=data("メモ".encode()), media_type="text/markdown; charset=utf-8"), name="n.md"),
        Document(source=Source(url="https://a.example/x.pdf")),
    )
    content = write(turn("user", *parts))[0]["messages"][0]["content"]
    assert [block["source"].get("media_type") for block in content] == [
        "image/png",
        "image/jpeg",
        "application/pdf",
        "text/plain",
        None,
    ]
    assert content[3]["source"]["data"] == "メモ"
    assert [block.get("title") for block in content[2:4]] == ["a.pdf", "n.md"]


def test_refusals_and_spoken_words_of_the_assistant_are_texts() -> None:
    spoken = Audio(source=Source(file_id="audio_1"), transcript="Hello.")
    fields, dropped = write(turn("user", "a"), turn("assistant", Refusal(text="No."), spoken))
    assert said(fields["messages"][1]) == ("assistant", ["No.", "Hello."])
    assert dropped == []


def test_citations_of_others_stay_away_from_upstreams() -> None:
    own = Citation(own={"messages": {"type": "char_location", "cited_text": "x", "document_index": 0}})
    text = Text(text="b", citations=(Citation(url="https://a.example"), own))
    fields, _ = write(turn("user", "a"), turn("assistant", text))
    assert fields["messages"][1]["content"][0]["citations"] == [own.own["messages"]]


def test_the_schema_of_an_answer_goes_into_its_place() -> None:
    output = OutputFormat(schema={"type": "object"}, name="n", strict=True)
    fields, _ = write(turn("user", "a"), output=output, reasoning=Reasoning(effort="low"))
    assert fields["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": {"type": "object"}}}


def test_an_older_place_of_the_schema_is_read() -> None:
    found = {"type": "json_schema", "schema": {"type": "object"}}
    read = CODEC.read_request({"model": "m", "messages": [], "output_format": found})
    assert read.output == OutputFormat(schema={"type": "object"}, strict=True)


def test_instructions_within_the_messages_are_read() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "system", "content": [{"type": "text", "text": "b"}]}]
    read = CODEC.read_request({"model": "m", "system": "s", "messages": messages})
    assert [(each.role, each.parts) for each in read.turns] == [
        ("system", (Text(text="s"),)),
        ("user", (Text(text="a"),)),
        ("system", (Text(text="b"),)),
    ]


def test_results_are_turns_of_their_own() -> None:
    result = {"type": "tool_result", "tool_use_id": "1", "content": "ok", "is_error": True}
    content = [result, {**result, "tool_use_id": "2"}, {"type": "text", "text": "go on"}]
    read = CODEC.read_request({"model": "m", "messages": [{"role": "user", "content": content}]})
    assert [(each.role, len(each.parts)) for each in read.turns] == [("tool", 2), ("user", 1)]


def test_a_reference_to_a_tool_is_words_for_others_and_itself_for_messages() -> None:
    """Claude Code's search for tools answers with nothing else."""
    found = {"type": "tool_reference", "tool_name": "grep", "cache_control": {"type": "ephemeral"}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [found]}
    read = CODEC.read_request({"model": "m", "messages": [{"role": "user", "content": [result]}]})
    part = read.turns[0].parts[0]
    assert isinstance(part, ToolResult)
    assert [each.text for each in part.parts if isinstance(each, Text)] == ["The tool 'grep' can be called now."]
    assert CODEC.write_request(read, Writing(Profile()))["messages"][0]["content"] == [result]


@pytest.mark.parametrize("odd", [5, "x", [], {"type": "text"}, {"a": 1}])
def test_a_member_with_our_own_name_is_none_of_ours(odd: Any) -> None:
    blocks: list[Fields] = [
        {"type": "text", "text": "a"},
        {"type": "document", "source": {"type": "url", "url": "https://a.example"}},
    ]
    content = [{**block, "sekisho_block": odd} for block in blocks]
    read = CODEC.read_request({"model": "m", "messages": [{"role": "user", "content": content}]})
    assert CODEC.write_request(read, Writing(Profile()))["messages"][0]["content"] == blocks


def test_a_wrapped_seal_is_taken_out() -> None:
    part = Thinking(text="why", seal="enc", origin="responses", id="rs_1")
    hidden = Thinking(seal="enc", origin="responses", id="rs_2", redacted=True)
    content = [
        {"type": "thinking", "thinking": "why", "signature": seals.wrapped(part)},
        {"type": "redacted_thinking", "data": seals.wrapped(hidden)},
        {"type": "thinking", "thinking": "x", "signature": "sekisho1:broken"},
        {"type": "thinking", "thinking": "y", "signature": ""},
    ]
    read = CODEC.read_request({"model": "m", "messages": [{"role": "assistant", "content": content}]})
    assert read.turns[0].parts[:2] == (part, hidden)
    assert all(each.seal is None for each in read.turns[0].parts[2:] if isinstance(each, Thinking))


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"messages": "x"}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_use"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": ["text"]}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "ftp"}}]}]}, "messages[0].content[0].source.type"),  # noqa: E501
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "n"}]}]}, "messages[0].content[0].input"),  # noqa: E501
        ({"system": 5}, "system"),
        ({"system": [{"type": "image"}]}, "system[0].type"),
        ({"tools": [{"name": "n", "input_schema": []}]}, "tools[0].input_schema"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled", "budget_tokens": "many"}}, "thinking.budget_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"cache_control": "yes"}, "cache_control"),
    ],
)  # fmt: skip
def test_wrong_members_are_named(fields: Fields, where: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request({"model": "m", **fields})
    assert refused.value.param == where
    assert where in refused.value.message
