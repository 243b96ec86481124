"""Agents that fail: one sentence in the person's language, nothing lost of what came, a status that ends."""

import re
import time

import pytest

from tests.fakes.agent import ANSWER, MANY
from tests.fakes.serving import free_port
from tests.pipes.conftest import NAME, Answered, Desk

CUT = f"回答の途中で {NAME} との接続が切れました。届いた部分は残っています。続きはもう一度質問してください。"
SHORT = {"timeout": 1}
PATIENCE = 15
"""Seconds until the fake's server notices that the caller is gone, on a busy machine."""


def ends(answer: Answered) -> bool:
    """Whether no status is left open."""
    statuses = answer.data("status")
    return not statuses or statuses[-1]["done"] is True


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ("status-404", "設定のアドレスに見つかりません"),
        ("status-429", "混み合っています"),
        ("status-413", "大きすぎます"),
        ("status-302", "転送"),
        ("status-500", "エラーが起きました（500）"),
        ("error", "The index is being rebuilt"),
        ("html", "読み取れませんでした"),
        ("garbage", "読み取れませんでした"),
        ("empty", "回答がありませんでした"),
        ("no-such-model", "設定のアドレスに見つかりません"),
    ],
)
def test_a_sentence_in_japanese(desk: Desk, shape: str, sentence: str) -> None:
    answer = desk.ask(shape)
    assert NAME in answer.error
    assert sentence in answer.error
    assert answer.text == ""
    assert ends(answer)


def test_a_sentence_in_english(desk: Desk) -> None:
    assert desk.ask("status-429", language="en-US").error == (
        f"{NAME} has too much to do at the moment. Please try again in a minute."
    )


def test_nobody_listens(desk: Desk) -> None:
    answer = desk.ask("chat", agent={"url": f"http://127.0.0.1:{free_port()}/v1"})
    assert answer.error.startswith(f"現在 {NAME} に接続できません")


def test_a_wrong_key_is_not_told(desk: Desk) -> None:
    answer = desk.ask("chat", valves={"keys": "agent=wrong-key"})
    assert answer.error == f"{NAME} が設定のキーを受け付けません。管理者にお知らせください。"


def test_an_agent_that_hangs(desk: Desk) -> None:
    answer = desk.ask("hang", agent=SHORT)
    assert answer.error.startswith(f"{NAME} から1秒間応答がない")
    assert desk.agent.asked[-1].closed.wait(PATIENCE)


def test_an_agent_that_stops_in_the_middle(desk: Desk) -> None:
    answer = desk.ask("stops-talking", agent=SHORT)
    assert answer.text == ANSWER[0]
    assert answer.error.startswith(f"{NAME} から1秒間応答がない")


def test_an_agent_that_dies_in_the_middle(desk: Desk) -> None:
    answer = desk.ask("dies")
    assert answer.text == "".join(ANSWER[:2])
    assert answer.error == CUT


def test_without_a_stream_the_half_answer_is_kept_too(desk: Desk) -> None:
    [answer] = desk.ask("dies", stream=False).chunks
    assert answer["choices"][0]["message"]["content"] == f"{''.join(ANSWER[:2])}\n\n{CUT}"
    [refused] = desk.ask("status-429", stream=False).chunks
    assert "混み合っています" in refused["error"]["message"]


def test_an_error_in_the_stream(desk: Desk) -> None:
    answer = desk.ask("error-in-stream")
    assert (answer.text, answer.error) == (ANSWER[0], f"{NAME} は回答できませんでした: The index is being rebuilt")


def test_ten_thousand_events(desk: Desk) -> None:
    """All the text; of the rest, as much as a chat can show."""
    answer = desk.ask("many")
    assert answer.error == ""
    assert answer.text.split() == [str(number) for number in range(MANY // 5)]
    assert (len(answer.data("source")), len(answer.tools)) == (200, 200)
    assert len(answer.data("status")) <= 301
    assert ends(answer)


@pytest.mark.parametrize(("shape", "sentence"), [("endless", "残りを省略"), ("one-line", "残りを省略")])
def test_an_answer_without_end_takes_bounded_memory(desk: Desk, shape: str, sentence: str) -> None:
    answer = desk.ask(shape, measured=True)
    assert sentence in answer.error
    assert answer.peak < 80_000_000
    assert desk.agent.asked[-1].closed.wait(PATIENCE)


@pytest.mark.parametrize("shape", ["slow", "hang"])
def test_stop_closes_the_agent(desk: Desk, shape: str) -> None:
    answer = desk.ask(shape, stop_after=2, valves={"heartbeat_seconds": 0.5})
    assert desk.agent.asked[-1].closed.wait(PATIENCE), "it would have gone on for a minute"
    assert ends(answer)
    assert bool(answer.text) == (shape == "slow")


def test_a_sign_of_life_while_the_agent_thinks(desk: Desk) -> None:
    answer = desk.ask("pause", valves={"heartbeat_seconds": 0.4})
    *waiting, last = answer.data("status")
    said = {re.sub(r"\d+秒", "N秒", status["description"]): status["done"] for status in waiting}
    assert said == {
        f"{NAME} が作業しています · N秒": False,
        "規程を検索中": False,
        "規程を検索中 · N秒": False,
        "規程を検索しました": True,
        f"{NAME} が read_rules を使っています · N秒": False,
    }
    assert last["done"] is True
    assert last["description"].startswith(f"{NAME} の作業時間 ")
    assert answer.text == "".join(ANSWER[:2])


def test_a_fast_answer_needs_no_status(desk: Desk) -> None:
    assert desk.ask("chat").data("status") == []


def test_a_question_of_200_000_characters(desk: Desk) -> None:
    answer = desk.ask("chat", "あ" * 200_000)
    assert answer.error.startswith(f"質問が200,000文字あります。{NAME} が受け付けるのは100,000文字までです。")
    assert desk.agent.asked == []


def test_documents_before_the_question_are_no_question(desk: Desk) -> None:
    question = "資料" * 100_000 + "何日ですか。"
    assert desk.ask("chat", question, metadata={"user_message": {"content": "何日ですか。"}}).error == ""


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"]
)
def test_private_addresses_where_only_public_ones_are_allowed(desk: Desk, host: str) -> None:
    port = desk.address.rpartition(":")[2]
    started = time.monotonic()
    answer = desk.ask("chat", agent={"url": f"http://{host}:{port}/v1"}, valves={"public_only": True})
    assert answer.error.startswith(f"{NAME} には送信しませんでした。")
    assert time.monotonic() - started < PATIENCE
    assert desk.agent.asked == []
