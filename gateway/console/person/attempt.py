"""A box to try one prompt: the chat route answers, as it does to everybody, and counts it against the person."""

from typing import Any

from starlette.responses import Response

from gateway.console.page import Page
from gateway.console.refusals import words_of
from gateway.console.visit import Visit
from gateway.errors import ApiError

_LONGEST = 20_000
_LONGEST_SHOWN = 40_000


async def show_box(visit: Visit) -> Response:
    return await _box(visit, {"model": visit.query.get("model", ""), "prompt": ""})


async def try_prompt(visit: Visit) -> Response:
    """Ask a model; what was typed stays, whatever it answers."""
    typed = {"model": visit.form.get("model", ""), "prompt": visit.form.get("prompt", "")}
    if not typed["prompt"].strip():
        return await _box(visit, typed, 400, problem=visit.t("try.empty"))
    if len(typed["prompt"]) > _LONGEST:
        return await _box(visit, typed, 400, problem=visit.t("try.long", most=f"{_LONGEST:,}"))
    body = {"model": typed["model"], "messages": [{"role": "user", "content": typed["prompt"]}]}
    reply = await visit.call("POST", "/v1/chat/completions", json=body, until_gone=True)
    try:
        answer = _read(reply.data())
    except ApiError as error:
        return await _box(visit, typed, error.status, problem=words_of(error, visit.language))
    return await _box(visit, typed, answer=answer, id_=reply.headers.get("x-sekisho-request-id"))


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    """Return text and tokens of a whole answer."""
    message = answer["choices"][0]["message"] if answer.get("choices") else {}
    usage = answer.get("usage") or {}
    return {
        "text": str(message.get("content") or "")[:_LONGEST_SHOWN],
        "input": usage.get("prompt_tokens"),
        "output": usage.get("completion_tokens"),
    }


async def _box(
    visit: Visit,
    typed: dict[str, str],
    status: int = 200,
    *,
    problem: str | None = None,
    answer: dict[str, Any] | None = None,
    id_: str | None = None,
) -> Response:
    models = [each["id"] for each in (await visit.ask("GET", "/v1/me"))["models"] if each["mode"] == "chat"]
    return visit.render(
        "person/try.html", status, typed=typed, models=models, problem=problem, answer=answer, request_id=id_
    )


PAGES = (Page("/console/try", "person", show_box, try_prompt, menu="try.menu", of_somebody=True),)
