"""How much filters/full_text.py puts in: caps of the administrator by group and model, the person's own budget."""

from typing import Any

import pytest

from tests.filters.chatting import Chat, contexts, status

Json = dict[str, Any]
THOUSAND = "word " * 1087  # 1,000 tokens


def thousand(name: str) -> str:
    """Another text of 1,000 tokens for each first letter."""
    return THOUSAND.replace("word", chr(ord("a") + ord(name[0]) % 26) * 4)


def limited(chat: Chat, *names: str, model: str = "model-a", **valves: Any) -> str:
    """The status line of a turn with one file of 1,000 tokens by each name."""
    chat.host.call("valves", id="full_text", values=valves)
    files = [chat.file(name, thousand(name)) for name in names or ("a.txt", "b.txt")]
    return status(chat.ask(*files, model={"id": model, "openai": {"context_window": 100_000}}))


BOTH = "2 files, 2,000 of 100,000 tokens (2 %), whole"
ONE = "b.txt (1,000) by search: over the limit of 1,500 · 1 file, 1,000 of 100,000 tokens (1 %), whole"


def test_the_sentence_of_the_line(chat: Chat) -> None:
    files = [chat.file(f"{name}.txt", f"{name * 4} " * count) for name, count in (("a", 18_913), ("b", 25_882))]
    files.append(chat.file("report.pdf", "word " * 336_936))
    model = {"id": "m", "openai": {"context_window": 128_000}}
    turn = chat.ask(*files, model=model)
    assert contexts(turn) == ["full", "full", None]
    assert status(turn) == (
        "report.pdf (310,000) by search: too large · 2 files, 41,200 of 128,000 tokens (32 %), whole"
    )
    japanese = chat.ask(*files, model=model, language="ja-JP")
    assert status(japanese) == "report.pdf（310,000）は検索: 大きすぎます · 全文: 2件、128,000トークン中41,200（32%）"


def test_a_share_below_one_percent_is_not_none(chat: Chat) -> None:
    turn = chat.ask(chat.file("memo.txt", "short"), model={"id": "m", "openai": {"context_window": 128_000}})
    assert status(turn) == "1 file, 1 of 128,000 tokens (<1 %), whole"


def test_a_cap_for_everybody(chat: Chat) -> None:
    assert limited(chat) == BOTH
    assert limited(chat, max_tokens=1500) == ONE


@pytest.mark.parametrize(
    ("caps", "line"),
    [
        ("営業部: 1500", ONE),
        ("Sales: 1,500\n\nnonsense\nOthers: 10", ONE),
        ("営業部：1500\nSales: 5000", BOTH),
        ("Others: 10", BOTH),
        ("Sales: 0", BOTH),
    ],
)
def test_caps_by_group(chat: Chat, caps: str, line: str) -> None:
    for name in ("営業部", "Sales"):
        chat.host.call("group", name=name, user_ids=[chat.user["id"]])
    assert limited(chat, group_caps=caps) == line


def test_a_group_s_cap_counts_in_place_of_the_general_one(chat: Chat) -> None:
    chat.host.call("group", name="Research", user_ids=[chat.user["id"]])
    assert limited(chat, max_tokens=10, group_caps="Research: 50000") == BOTH


@pytest.mark.parametrize(("model", "line"), [("gpt-5", ONE), ("gemma", BOTH)])
def test_caps_by_model(chat: Chat, model: str, line: str) -> None:
    assert limited(chat, model=model, model_caps="gpt-*: 1500", max_tokens=5000) == line


def test_a_workspace_model_has_the_cap_of_its_base(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"model_caps": "gpt-*: 1500"})
    model = {"id": "house", "info": {"base_model_id": "gpt-5", "meta": {}}}
    turn = chat.ask(chat.file("a.txt", THOUSAND), chat.file("b.txt", thousand("b")), model=model)
    assert sorted(contexts(turn), key=str) == [None, "full"]


def test_the_person_s_own_budget(chat: Chat) -> None:
    chat.user_valves = {"max_tokens": 1500}
    assert limited(chat) == ONE
    chat.user_valves = {"max_tokens": 5000}
    assert limited(chat, max_tokens=1500) == ONE


def test_the_whole_text_always_still_obeys_the_administrator(chat: Chat) -> None:
    chat.user_valves = {"mode": "whole"}
    assert limited(chat, max_tokens=1500) == ONE


def test_knowledge_goes_in_where_the_administrator_wants_it(chat: Chat) -> None:
    chat.host.call("valves", id="full_text", values={"knowledge": True})
    knowledge, own = chat.file("handbook.pdf"), chat.file("own.txt")
    model = {"id": "model-a", "info": {"meta": {"knowledge": [{"type": "file", "id": knowledge["id"]}]}}}
    assert contexts(chat.ask(knowledge, own, model=model, metadata=chat.save([own]))) == ["full", "full"]
    foreign = chat.file("foreign.pdf", owner=chat.host.call("user"))
    assert contexts(chat.ask(foreign)) == [None]


def test_what_the_gateway_counted_corrects_the_estimate(chat: Chat) -> None:
    chat.host.call("correct", model="counts-double", factor=2.0)
    line = limited(chat, "a.txt", model="counts-double")
    assert line == "1 file, 2,000 of 100,000 tokens (2 %), whole"


def test_room_is_left_for_the_descriptions_of_tools(chat: Chat) -> None:
    """Open WebUI describes some 20 tools of its own to the model; only `request` sees them."""
    file = chat.file("a.txt", THOUSAND)
    model = {"id": "with-tools", "openai": {"context_window": 4_000}}
    page = {**chat.save([file]), "session_id": "page", "message_id": "answer"}
    assert contexts(chat.ask(file, model=model, metadata=page)) == [None]
    assert contexts(chat.ask(file, model=model)) == ["full"]  # a caller of the API, without tools
    small = {"type": "function", "function": {"name": "clock", "description": "Tells the time."}}
    body = {"messages": [{"role": "user", "content": "Hi"}], "files": [file], "tools": [small]}
    chat.ask(body=body, model=model, metadata=page)
    assert contexts(chat.ask(file, model=model, metadata=page)) == ["full"]


def test_a_long_list_is_counted(chat: Chat) -> None:
    line = limited(chat, *(f"{number}.txt" for number in range(9)), max_tokens=1500)
    assert line.startswith("8 of 9 files not whole · ")
    assert line.count("by search") == 6
    assert " · and 2 more · 1 file, " in line
