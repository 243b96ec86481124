"""What `sekisho apply` promises: afterwards an ordinary employee can work."""

from tests.e2e.stack import CHAT_MODEL, EMBEDDING_MODEL, FULL_TEXT, Person, Stack
from tests.e2e.upstream import ANSWER, TAGS, TITLE


def test_an_employee_sees_the_chat_model_alone(hanako: Person) -> None:
    models = {model["id"]: model for model in hanako.get("/api/models")["data"]}
    assert CHAT_MODEL in models
    assert EMBEDDING_MODEL not in models


def test_the_model_offers_the_filter_under_its_name(hanako: Person) -> None:
    (model,) = (model for model in hanako.get("/api/models")["data"] if model["id"] == CHAT_MODEL)
    assert [each["id"] for each in model["filters"]] == [FULL_TEXT, "usage_line"]
    assert [each["id"] for each in model["actions"]] == ["my_usage", "my_page"]


def test_an_employee_can_chat(stack: Stack, hanako: Person) -> None:
    turn = hanako.ask("はじめまして。")
    stack.rows({"chat", "title_generation", "tags_generation"}, chat_id=turn.chat_id)
    assert turn.message["content"] == ANSWER
    assert stack.asked("はじめまして。").body["model"] == "echo"
    chat = hanako.get(f"/api/v1/chats/{turn.chat_id}")
    assert chat["title"] == TITLE
    assert {tag["name"] for tag in hanako.get(f"/api/v1/chats/{turn.chat_id}/tags")} == set(TAGS)
