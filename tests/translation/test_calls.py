"""Calls of tools and their results, in orders and numbers that no vendor would send."""

import tracemalloc
from typing import Any

import pytest

from gateway.errors import InvalidRequest
from gateway.profiles.profile import DEFAULT_PROFILE
from gateway.translation import chat, messages, responses
from gateway.translation.codec import Codec, Writing
from gateway.translation.free_text import FreeText, as_arguments
from gateway.translation.repairs import repaired

Fields = dict[str, Any]


def sent(client: Codec, upstream: Codec, fields: Fields) -> Fields:
    writing = Writing(DEFAULT_PROFILE)
    conversation = repaired(client.read_request({"model": "m", **fields}), client, upstream, writing)
    return upstream.write_request(conversation, writing)


def call(call_id: str) -> Fields:
    return {"id": call_id, "type": "function", "function": {"name": "read", "arguments": "{}"}}


def test_twenty_thousand_calls_of_one_id_take_no_longer_than_others() -> None:
    """Each of them once tried all ids of those before it: 4,000 took a minute."""
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call("a")] * 20_000}]
    blocks = sent(chat.CODEC, messages.CODEC, {"messages": turns})["messages"][1]["content"]
    assert len({block["id"] for block in blocks}) == 20_000


def test_results_of_many_parallel_calls() -> None:
    """Each result once copied the table of open calls."""
    ids = [f"a{number}" for number in range(20_000)]
    results = [{"role": "tool", "tool_call_id": each, "content": each} for each in ids]
    turns = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": list(map(call, ids))}, *results]
    blocks = sent(chat.CODEC, messages.CODEC, {"messages": turns})["messages"][2]["content"]
    assert [block["tool_use_id"] for block in blocks] == ids


def test_equal_ids_find_their_results_in_order() -> None:
    turns: list[Fields] = [{"role": "user", "content": "x"}]
    for text in ("one", "two"):
        turns += [
            {"role": "assistant", "tool_calls": [call("a"), call("a")]},
            {"role": "tool", "tool_call_id": "a", "content": f"{text} 1"},
            {"role": "tool", "tool_call_id": "a", "content": f"{text} 2"},
        ]
    written = sent(chat.CODEC, messages.CODEC, {"messages": turns})["messages"]
    asked = [block["id"] for turn in written if turn["role"] == "assistant" for block in turn["content"]]
    given = [block for turn in written[2::2] for block in turn["content"]]
    assert len(set(asked)) == 4
    assert [block["tool_use_id"] for block in given] == asked
    assert ["one 1" in str(given[0]), "two 2" in str(given[3])] == [True, True]


def test_results_that_come_after_other_words_are_results() -> None:
    """Clients of Responses may say something between a call and its output, other vendors refuse that."""
    items = [
        {"role": "user", "content": "x"},
        {"type": "function_call", "call_id": "a", "name": "read", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "read", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "first"},
        {"role": "user", "content": "hurry"},
        {"type": "function_call_output", "call_id": "b", "output": "second"},
    ]
    tools = [{"type": "function", "name": "read"}]
    written = sent(responses.CODEC, chat.CODEC, {"input": items, "tools": tools})["messages"]
    assert [turn["role"] for turn in written] == ["user", "assistant", "tool", "tool", "user"]
    assert [turn["content"] for turn in written[2:]] == ["first", "second", "hurry"]


def test_a_long_free_text_takes_a_few_times_its_size() -> None:
    """A pattern that remembers every character took 140 bytes each."""
    arguments = as_arguments("long 長い\n" * 100_000)
    text = FreeText()
    tracemalloc.start()
    found = text.feed(arguments) + text.end(arguments)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == "long 長い\n" * 100_000
    assert most < 20 * len(arguments)


def test_many_unknown_members_are_told_once_each() -> None:
    writing = Writing(DEFAULT_PROFILE)
    for number in range(100_000):
        writing.drop(f"unknown_{number % 50_000}")
    assert len(writing.dropped) == 50_000


def test_a_choice_of_a_tool_that_is_not_there_is_refused() -> None:
    function = {"type": "function", "function": {"name": "read"}}
    choice = {"type": "function", "function": {"name": "write"}}
    fields = {"messages": [{"role": "user", "content": "x"}], "tools": [function], "tool_choice": choice}
    for upstream in (messages.CODEC, responses.CODEC):
        with pytest.raises(InvalidRequest, match="'write'"):
            sent(chat.CODEC, upstream, fields)


def test_a_reference_to_an_item_is_refused() -> None:
    """It was left out, and with it what the assistant had said."""
    items = [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "msg_1"}]
    for upstream in (chat.CODEC, messages.CODEC):
        with pytest.raises(InvalidRequest, match="store: false"):
            sent(responses.CODEC, upstream, {"input": items})
