"""Requests of Chat Completions: what clients send, and what upstreams of each kind get."""

from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.profiles.profile import Profile
from gateway.translation import seals
from gateway.translation.chat import CODEC
from gateway.translation.codec import Writing
from gateway.translation.conversation import (
    Conversation,
    FunctionTool,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    ServerTool,
    ToolChoice,
    Turn,
)
from gateway.translation.parts import (
    CacheMark,
    Document,
    Foreign,
    Image,
    Part,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Fields = dict[str, Any]


def read(*messages: Fields, **more: Any) -> Conversation:
    return CODEC.read_request({"model": "m", "messages": list(messages), **more})


def write(*turns: Turn, profile: Profile | None = None, **more: Any) -> tuple[Fields, list[str]]:
    """Return the upstream's request for a client of another dialect, and what was dropped."""
    writing = Writing(profile or Profile())
    return CODEC.write_request(Conversation(model="m", turns=turns, **more), writing), writing.dropped


def turn(role: Role, *parts: Part) -> Turn:
    return Turn(role=role, parts=parts)


_HI = {"role": "user", "content": "hi"}
_ASK = turn("user", Text("hi"))

# Readers: errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "messages", "missing_field"),
        ({"messages": []}, "messages", "missing_field"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role", "missing_field"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [_HI, {"role": "user"}]}, "messages[1].content", "missing_field"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "user", "content": [5]}]}, "messages[0].content[0]", "invalid_type"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type", "missing_field"),
        (
            {"messages": [{"role": "user", "content": [{"type": "hologram"}]}]},
            "messages[0].content[0].type",
            "invalid_value",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
            "missing_field",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[0].content[0].image_url.url",
            "missing_field",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png"}}]}
                ]
            },
            "messages[0].content[0].image_url.url",
            "invalid_value",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"filename": "a"}}]}]},
            "messages[0].content[0].file.file_data",
            "missing_field",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "function"}]}]},
            "messages[0].tool_calls[0].function",
            "missing_field",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "type": "robot", "function": {}}]}]},
            "messages[0].tool_calls[0].type",
            "invalid_value",
        ),
        ({"messages": [_HI, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id", "missing_field"),
        ({"messages": [_HI, {"role": "function", "name": "f", "content": "x"}]}, "messages[1].name", "invalid_value"),
        ({"messages": [_HI], "model": 5}, "model", "invalid_type"),
        ({"messages": [_HI], "temperature": "hot"}, "temperature", "invalid_type"),
        ({"messages": [_HI], "temperature": True}, "temperature", "invalid_type"),
        ({"messages": [_HI], "max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"messages": [_HI], "stop": [1]}, "stop", "invalid_type"),
        ({"messages": [_HI], "tools": [{"type": "function"}]}, "tools[0].function", "missing_field"),
        (
            {"messages": [_HI], "tools": [{"type": "function", "function": {}}]},
            "tools[0].function.name",
            "missing_field",
        ),
        ({"messages": [_HI], "tools": [{}]}, "tools[0].type", "missing_field"),
        ({"messages": [_HI], "functions": [{"name": ""}]}, "functions[0].name", "invalid_value"),
        ({"messages": [_HI], "tool_choice": "perhaps"}, "tool_choice", "invalid_value"),
        ({"messages": [_HI], "tool_choice": {"type": "robot"}}, "tool_choice.type", "invalid_value"),
        ({"messages": [_HI], "response_format": {}}, "response_format.type", "missing_field"),
        (
            {"messages": [_HI], "response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_field",
        ),
        ({"messages": [_HI], "metadata": "x"}, "metadata", "invalid_type"),
        ({"messages": [_HI], "stream": "yes"}, "stream", "invalid_type"),
    ],
)
def test_what_is_wrong_is_named(fields: Fields, param: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        CODEC.read_request({"model": "m", **fields})
    assert (refused.value.param, refused.value.code) == (param, code)
    assert param in refused.value.message


# Readers: forms -------------------------------------------------------------------------------------------------


def test_files_and_images_are_cut_out_of_their_addresses() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": "DATA:image/PNG;base64,QUJD", "detail": "high"}},
        {"type": "image_url", "image_url": "https://a.example/b.png"},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg/%3E"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"}},
        {"type": "file", "file": {"file_data": "QUJD"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    parts = read({"role": "user", "content": content}).turns[0].parts
    assert parts == (
        Image(Source(data="QUJD", media_type="image/png"), "high"),
        Image(Source(url="https://a.example/b.png")),
        Image(Source(data="PHN2Zy8+", media_type="image/svg+xml")),
        Document(Source(data="QUJD", media_type="application/pdf"), "a.pdf"),
        Document(Source(data="QUJD")),
        Document(Source(file_id="file-1")),
    )


def test_results_find_calls_without_ids() -> None:
    calls = [{"id": "", "function": {"name": name, "arguments": "{}"}} for name in ("f", "g")]
    turns = read(
        _HI,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "", "name": "g", "content": "2"},
        {"role": "tool", "content": "1"},
    ).turns
    asked = [part.id for part in turns[1].parts if isinstance(part, ToolCall)]
    answered = [part.call_id for each in turns[2:] for part in each.parts if isinstance(part, ToolResult)]
    assert len({*asked}) == 2
    assert answered == asked[::-1]


def test_results_without_names_find_the_calls_that_are_left() -> None:
    calls = [{"function": {"name": name, "arguments": "{}"}} for name in ("f", "g", "f")]
    results = [{"role": "tool", "name": "f", "content": "1"}, *({"role": "tool", "content": each} for each in "23")]
    turns = read(_HI, {"role": "assistant", "content": None, "tool_calls": calls}, *results).turns
    asked = [part.id for part in turns[1].parts if isinstance(part, ToolCall)]
    assert [part.call_id for each in turns[2:] for part in each.parts if isinstance(part, ToolResult)] == asked
    with pytest.raises(InvalidRequest, match="tool_call_id"):
        read({"role": "assistant", "tool_calls": calls}, *results, {"role": "tool", "content": "4"})


def test_the_older_functions() -> None:
    conversation = read(
        _HI,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        functions=[{"name": "f", "parameters": {}}],
        function_call={"name": "f"},
    )
    assert conversation.tools == (FunctionTool(name="f", schema={}),)
    assert conversation.tool_choice == ToolChoice(mode="named", name="f")
    called, result = conversation.turns[1].parts[0], conversation.turns[2].parts[0]
    assert isinstance(called, ToolCall)
    assert isinstance(result, ToolResult)
    assert called.id == result.call_id


def test_results_of_custom_tools_are_known_by_their_calls() -> None:
    called = {"id": "c", "type": "custom", "custom": {"name": "p", "input": "x"}}
    turns = read(
        {"role": "assistant", "tool_calls": [called]}, {"role": "tool", "tool_call_id": "c", "content": ""}
    ).turns
    assert turns[0].parts == (ToolCall("c", "p", "x", custom=True),)
    assert turns[1].parts == (ToolResult("c", (), custom=True),)


@pytest.mark.parametrize(
    ("fields", "reasoning"),
    [
        ({"reasoning_effort": "xhigh"}, Reasoning(effort="xhigh")),
        ({"reasoning": {"effort": "low"}}, Reasoning(effort="low")),
        ({"reasoning": {"max_tokens": 2000}}, Reasoning(budget=2000)),
        ({"reasoning": {"enabled": False}}, Reasoning(mode="off")),
        ({"thinking": {"type": "enabled", "budget_tokens": 5}}, Reasoning(mode="on", budget=5)),
        ({"thinking": {"type": "disabled"}}, Reasoning(mode="off")),
        ({"enable_thinking": True}, Reasoning(mode="on")),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Reasoning(mode="off")),
        ({"thinking": "yes", "reasoning": 5, "chat_template_kwargs": []}, Reasoning()),
    ],
)
def test_reasoning_is_asked_for_in_many_ways(fields: Fields, reasoning: Reasoning) -> None:
    conversation = read(_HI, **fields)
    assert conversation.reasoning == reasoning
    sent = CODEC.write_request(conversation, Writing(Profile()))
    assert sent == {"model": "m", "messages": [_HI], **fields}


def test_the_newer_limit_counts() -> None:
    assert read(_HI, max_tokens=5, max_completion_tokens=7).max_tokens == 7


def test_llama_cpps_schema_of_a_json_object() -> None:
    form = {"type": "json_object", "schema": {"type": "object"}}
    assert read(_HI, response_format=form).output == OutputFormat(schema={"type": "object"})
    grammar = {"type": "grammar", "grammar": "root ::= x"}
    asked = read(_HI, response_format=grammar)
    assert asked.output is None
    assert CODEC.write_request(asked, Writing(Profile()))["response_format"] == grammar


# Writers --------------------------------------------------------------------------------------------------------


def test_images_of_results_follow_in_a_users_message() -> None:
    image = Image(Source(data="QUJD", media_type="image/png"))
    first = ToolResult("c1", (Text("seen"), image))
    second = ToolResult("c2", (image,))
    calls = turn("assistant", ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"))
    turns = (_ASK, calls, Turn(role="tool", parts=(first, second)))
    sent, dropped = write(*turns)
    messages = sent["messages"]
    assert [each["role"] for each in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[2]["content"][0] == {"type": "text", "text": "seen"}
    assert "next message" in messages[2]["content"][1]["text"]
    assert "next message" in messages[3]["content"]
    kinds = [each["type"] for each in messages[4]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url"]
    assert "c1" in messages[4]["content"][0]["text"]
    assert dropped == []
    longer, _ = write(*turns, turn("assistant", Text("done")), _ASK)
    assert longer["messages"][:5] == messages


def test_documents_of_text_are_text() -> None:
    plain = Document(Source(text="words", media_type="text/plain"), "notes.txt")
    encoded = Document(Source(data="d29yZHM=", media_type="text/markdown"), context="from the wiki")
    sent, _ = write(turn("user", plain, encoded), turn("tool", ToolResult("c", (plain,))))
    texts = [each["text"] for each in sent["messages"][0]["content"]]
    assert texts == ["notes.txt\n\nwords", "from the wiki\n\nwords"]
    assert sent["messages"][1]["role"] == "tool"


def test_files_without_a_name_get_one() -> None:
    sent, _ = write(turn("user", Document(Source(data="QUJD", media_type="application/pdf")), Text("x")))
    file = {"filename": "document.pdf", "file_data": "data:application/pdf;base64,QUJD"}
    assert sent["messages"][0]["content"][0] == {"type": "file", "file": file}


def test_broken_base64_of_a_text_stays_a_file() -> None:
    sent, _ = write(turn("user", Document(Source(data="?", media_type="text/plain"), "a.txt"), Text("x")))
    file = {"filename": "a.txt", "file_data": "data:text/plain;base64,?"}
    assert sent["messages"][0]["content"][0] == {"type": "file", "file": file}


@pytest.mark.parametrize("part", [Image(Source(file_id="file-1")), Document(Source())])
def test_media_that_cannot_be_named_are_refused(part: Part) -> None:
    with pytest.raises(InvalidRequest, match="send the"):
        write(turn("user", part))


def test_a_failed_tool_without_words_says_so() -> None:
    sent, _ = write(_ASK, turn("tool", ToolResult("c", (), is_error=True)))
    assert sent["messages"][1]["content"] == "The tool failed."


def test_what_another_dialect_runs_is_dropped() -> None:
    search = ServerTool(dialect="messages", content={"type": "web_search_20250305", "name": "web_search"})
    used = Foreign(dialect="messages", content={"type": "server_tool_use"})
    sent, dropped = write(
        _ASK, turn("assistant", Text("a"), used), tools=(search,), tool_choice=ToolChoice(), metadata={"a": "b"}
    )
    assert sent["messages"][1] == {"role": "assistant", "content": "a"}
    assert "tools" not in sent
    assert "tool_choice" not in sent, "nothing may be chosen where there is no tool"
    assert "metadata" not in sent
    assert dropped == ["messages.server_tool_use", "tools.web_search_20250305", "metadata"]


def test_reasoning_of_other_upstreams_stays_away() -> None:
    theirs = Thinking("secret", seal="sig", origin="messages")
    ours = Thinking("hm", origin="chat")
    unknown = Thinking("so")
    sent, dropped = write(_ASK, turn("assistant", theirs, ours, unknown, Text("a")))
    assert sent["messages"][1] == {"role": "assistant", "content": "a", "reasoning_content": "hmso"}
    assert dropped == []


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("reasoning", {"content": "a", "reasoning": "hm"}),
        (None, {"content": "a"}),
        (
            "content",
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "a"},
                ]
            },
        ),
    ],
)
def test_each_family_takes_its_reasoning_back_in_its_own_way(member: Any, message: Fields) -> None:
    profile = Profile(thinking_member=member)
    sent, _ = write(_ASK, turn("assistant", Thinking("hm", origin="chat"), Text("a")), profile=profile)
    assert sent["messages"][1] == {"role": "assistant", **message}


def test_openrouters_seals_survive_a_client_of_another_dialect() -> None:
    detail = {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1", "index": 0}
    answer = CODEC.read_answer({"choices": [{"message": {"content": "a", "reasoning_details": [detail]}}]}, Profile())
    thinking = answer.parts[0]
    assert isinstance(thinking, Thinking)
    carried = seals.unwrapped(seals.wrapped(thinking), thinking.text)
    assert carried
    sent, _ = write(_ASK, turn("assistant", carried, Text("a")))
    assert sent["messages"][1]["reasoning_details"] == [detail]


def test_a_seal_that_a_client_made_up_does_no_harm() -> None:
    for seal in ("x", "[]", '{"extra_content":', '{"extra_content":5}', "{" * 5000):
        thinking = Thinking("hm", seal=seal, origin="chat")
        sent, _ = write(_ASK, turn("assistant", thinking, ToolCall("c", "f", "{}")))
        assert sent["messages"][1]["tool_calls"][0]["function"]["name"] == "f"


def test_geminis_signature_returns_to_its_call() -> None:
    extra = {"google": {"thought_signature": "s=="}}
    called = {"id": "c", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}
    thinking, call = CODEC.read_answer({"choices": [{"message": {"tool_calls": [called]}}]}, Profile()).parts
    assert isinstance(thinking, Thinking)
    carried = seals.unwrapped(seals.wrapped(thinking), "")
    assert carried
    assert isinstance(call, ToolCall)
    sent, _ = write(_ASK, turn("assistant", carried, ToolCall(call.id, call.name, call.arguments), ToolCall("d", "g")))
    message = sent["messages"][1]
    assert [each.get("extra_content") for each in message["tool_calls"]] == [extra, None]
    assert "reasoning_details" not in message


def test_marks_of_caches_go_where_they_are_taken() -> None:
    parts = (Text("a", cache=CacheMark("1h")), Text("b"))
    tools = (FunctionTool(name="f", cache=CacheMark()),)
    sent, dropped = write(Turn(role="system", parts=parts), _ASK, tools=tools)
    assert b"cache_control" not in repr(sent).encode()
    assert dropped == []
    sent, _ = write(Turn(role="system", parts=parts), _ASK, tools=tools, profile=Profile(cache_marks=True))
    assert sent["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert sent["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_texts_are_strings_where_lists_are_refused() -> None:
    two = (Text("a"), Text("b"))
    turns = (turn("system", *two), turn("user", *two), turn("assistant", *two), turn("tool", ToolResult("c", two)))
    sent, _ = write(*turns, profile=Profile(text_lists=False))
    contents = [each["content"] for each in sent["messages"]]
    assert contents[0] == "a\n\nb"
    assert contents[1] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert contents[2:] == ["ab", "a\n\nb"]


def test_systems_words_stand_at_the_beginning_where_they_must() -> None:
    turns = (turn("system", Text("1")), turn("developer", Text("2")), _ASK, turn("developer", Text("3")))
    sent, _ = write(*turns, profile=Profile(system_anywhere=False))
    messages = [(each["role"], each["content"]) for each in sent["messages"]]
    assert messages == [("system", "1\n\n2"), ("user", "hi"), ("user", "3")]
    sent, _ = write(*turns, profile=Profile(developer_role=False))
    assert [each["role"] for each in sent["messages"]] == ["system", "system", "user", "system"]
    sent, _ = write(*turns)
    assert [each["role"] for each in sent["messages"]] == ["system", "developer", "user", "developer"]


def test_the_assistant_speaks_after_a_tool_where_nobody_else_may() -> None:
    image = Image(Source(url="https://a.example/b.png"))
    turns = (_ASK, turn("assistant", ToolCall("c", "f", "{}")), turn("tool", ToolResult("c", (image,))), _ASK)
    sent, _ = write(*turns, profile=Profile(user_after_tool=False))
    assert [each["role"] for each in sent["messages"]] == ["user", "assistant", "tool", "assistant", "user", "user"]
    sent, _ = write(*turns[:2], turn("tool", ToolResult("c")), _ASK)
    assert [each["role"] for each in sent["messages"]] == ["user", "assistant", "tool", "user"]


def test_refused_members_are_left_out_and_told() -> None:
    profile = Profile(refused=frozenset(("top_k", "prompt_cache_key", "seed")))
    sent, dropped = write(_ASK, sampling=Sampling(top_k=5, top_p=0.5), cache_key="k", profile=profile)
    assert sent == {"model": "m", "messages": [{"role": "user", "content": "hi"}], "top_p": 0.5}
    assert dropped == ["prompt_cache_key", "top_k"]


def test_stop_sequences_beyond_the_most_are_left_out_and_told() -> None:
    stops = tuple("abcde")
    sent, dropped = write(_ASK, stop=stops, profile=Profile(most_stops=4))
    assert (sent["stop"], dropped) == (list("abcd"), ["stop"])
    sent, dropped = write(_ASK, stop=stops[:4], profile=Profile(most_stops=4))
    assert (sent["stop"], dropped) == (list("abcd"), [])


def test_the_limit_has_two_names() -> None:
    assert write(_ASK, max_tokens=5)[0]["max_tokens"] == 5
    profile = Profile(max_tokens_member="max_completion_tokens")
    assert write(_ASK, max_tokens=5, profile=profile)[0]["max_completion_tokens"] == 5


@pytest.mark.parametrize(
    ("reasoning", "profile", "expected"),
    [
        (Reasoning(effort="low"), Profile(), {"reasoning_effort": "low"}),
        (Reasoning(mode="on", budget=1024), Profile(), {"reasoning_effort": "low"}),
        (Reasoning(mode="on", budget=8000), Profile(), {"reasoning_effort": "medium"}),
        (Reasoning(mode="on", budget=32000), Profile(), {"reasoning_effort": "high"}),
        (Reasoning(mode="off"), Profile(), {}),
        (Reasoning(mode="off"), Profile(efforts=("none", "low")), {"reasoning_effort": "none"}),
        (Reasoning(mode="adaptive"), Profile(), {}),
        (Reasoning(), Profile(thinking_switch="type"), {}),
        (Reasoning(mode="off"), Profile(thinking_switch="type"), {"thinking": {"type": "disabled"}}),
        (Reasoning(budget=5), Profile(thinking_switch="flag"), {"enable_thinking": True}),
        (
            Reasoning(effort="none"),
            Profile(thinking_switch="template:enable_thinking"),
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
    ],
)
def test_reasoning_is_asked_for_as_the_family_knows_it(
    reasoning: Reasoning, profile: Profile, expected: Fields
) -> None:
    sent, _ = write(_ASK, reasoning=reasoning, profile=profile)
    assert {name: sent[name] for name in sent if name not in ("model", "messages")} == expected
