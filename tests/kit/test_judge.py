"""What counts as going another way than recorded, and what a conversation file may hold."""

from pathlib import Path
from typing import Any

import pytest

from install.errors import UsageError
from install.kit.conversation import Expected, read_conversations
from install.kit.judge import Observed, differences

STATUS = {"type": "status", "data": {"description": "Reading the rules", "done": False}}
DONE = {"type": "status", "data": {"description": "Read the rules", "done": True}}
SOURCE = {"type": "source", "data": {"source": {"name": "Rules"}, "document": ["…"]}}
NOTE = {"type": "notification", "data": {"type": "info", "content": "6 characters"}}


def heard(**changed: Any) -> Observed:
    said: dict[str, Any] = {"text": "20 days", "thinking": "let me see", "error": None, "sent": None, "ms": 12.0}
    said |= {"events": [STATUS, SOURCE, NOTE, DONE], "asked": ({"messages": [{"content": "How many?"}]},)}
    return Observed(**{**said, **changed})


AGREES: tuple[dict[str, Any], ...] = (
    {},
    {"contains": ["20", "days"], "lacks": "30", "equals": " 20 days\n", "matches": r"\d+ days$", "thinks": "see"},
    {"statuses": ["Reading", "Read the"], "sources": "Rules", "notifies": "6", "events": ["status", "notification"]},
    {"sent": "How many?", "calls": 1, "max_ms": 100},
)
DIFFERS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"contains": "30"}, "not said: '30'"),
    ({"lacks": "days"}, "said: 'days'"),
    ({"equals": "20"}, "said '20 days', not '20'"),
    ({"matches": r"^\d+$"}, "does not match"),
    ({"thinks": "hm"}, "not thought: 'hm'"),
    ({"statuses": ["Read the", "Reading"]}, "no status 'Reading' in its place"),
    ({"statuses": ["Read the", "Read the"]}, "no status"),
    ({"sources": "Other"}, "no source 'Other'"),
    ({"notifies": "7"}, "no notification '7'"),
    ({"events": ["notification", "source"]}, "no event 'source'"),
    ({"sent": "secret"}, "not sent to a model: 'secret'"),
    ({"calls": 0}, "models were asked 1 times, not 0"),
    ({"max_ms": 10}, "took 12 ms, more than 10"),
    ({"error": "quota"}, "no error, but 'quota' should be told"),
)


@pytest.mark.parametrize("expected", AGREES)
def test_what_is_as_it_was_recorded(expected: dict[str, Any]) -> None:
    assert differences(Expected(**expected), heard()) == []


@pytest.mark.parametrize(("expected", "said"), DIFFERS)
def test_what_is_not_is_told(expected: dict[str, Any], said: str) -> None:
    [line] = differences(Expected(**expected), heard())
    assert said in line


def test_errors_and_open_status_lines_are_never_taken_for_granted() -> None:
    assert differences(Expected(), heard(error="boom")) == ["an error: 'boom'"]
    assert differences(Expected(error="boom"), heard(error="a boom")) == []
    assert differences(Expected(error="quota"), heard(error="boom")) == ["the error does not say 'quota': 'boom'"]
    assert differences(Expected(), heard(events=[DONE, STATUS])) == ["the last status stays open: 'Reading the rules'"]


WRONG = {
    "nothing": "",
    "no list": "conversations: 3",
    "no turns": "conversations: [{name: a, turns: []}]",
    "an unknown key": "conversations: [{name: a, turns: [{asks: hi}]}]",
    "an unknown expectation": "conversations: [{name: a, turns: [{user: hi, expect: {contain: x}}]}]",
    "a number for a text": "conversations: [{name: a, turns: [{user: 3}]}]",
    "no YAML": "conversations: [",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_a_file_that_is_no_conversation_says_what_is_wrong(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"a\.yaml"):
        read_conversations(path)
