"""Every form of every page, sent with what no page of ours has in it: answered in words, never with a failure."""

import re
from typing import Any

import pytest

from gateway.console.pages import PAGES
from tests.console.company import SignIn
from tests.console.person import Browser, forms_of

ODD = [
    "",
    "0",
    "-1",
    "9" * 5000,
    "\x00",
    "é" * 3000,
    "' OR 1=1 --",
    "{{7*7}}",
    "../../x",
    "NaN",
    "\ud7ff",
    "[]",
    "true",
]
NAMES = (
    "action", "alias", "allow", "amount", "code", "days", "decision", "done", "everywhere", "from", "grace", "hard",
    "id", "key", "model", "models", "name", "next", "once", "owner", "prompt", "purpose", "scope", "team", "to", "usd",
    "user", "value", "window",
)  # fmt: skip
ACTING = [page for page in PAGES if page.act and page.role is not None and "sign-out" not in page.path]
SHOWN = [page for page in PAGES if page.show and not page.path.endswith("/events")]
"""All but streams, which do not end."""


@pytest.fixture(scope="module")
def boss(sign_in: SignIn) -> tuple[Browser, str]:
    """An administrator, and the token of their forms."""
    visitor = sign_in("boss@example.com")
    return visitor, forms_of(visitor.get("/console/account"))[-1].fields["csrf"]


@pytest.mark.parametrize("page", ACTING, ids=lambda page: page.path)
def test_odd_fields_are_answered_in_words(boss: tuple[Browser, str], page: Any) -> None:
    visitor, csrf = boss
    path = re.sub(r"\{\w+(:path)?\}", "x", page.path)
    for number, value in enumerate(ODD):
        fields = dict.fromkeys(NAMES, value) if number % 2 else {NAMES[number]: value}
        answer = visitor.post(path, {**fields, "csrf": csrf})
        assert answer.status_code < 500, (value[:20], answer.text)
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.path)
def test_odd_queries_are_answered_in_words(boss: tuple[Browser, str], page: Any) -> None:
    visitor, _ = boss
    path = re.sub(r"\{\w+(:path)?\}", "x", page.path)
    for value in ODD:
        query = dict.fromkeys((*NAMES, "days", "period", "by", "q", "page", "sort", "timezone", "lang", "theme"), value)
        answer = visitor.http.get(path, params={name: each[:100] for name, each in query.items()})
        assert answer.status_code < 500, (value[:20], answer.text)
        assert "Traceback" not in answer.text
