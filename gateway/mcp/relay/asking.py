"""Questions of a server on their way to a client, and the answers back."""

import secrets
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from gateway.mcp.front.client import Client
from gateway.mcp.protocol import ASKING, TIMED_OUT, Params, Result
from gateway.mcp.relay.sink import CallSink

_MOST_QUESTIONS = 32


async def ask_client(client: Client, method: str, params: Params, seconds: float) -> Result:
    """Ask an older client and return its answer; no answer in time means that the person left the question.

    Raises `MCPError`.
    """
    try:
        return await client.ask(method, _for_older(method, params), seconds)
    except MCPError as error:
        if error.code == TIMED_OUT and method == "elicitation/create":
            return {"action": "cancel"}
        raise


async def answers_of(client: Client, questions: dict[str, Any], sink: CallSink) -> Params:
    """Ask an older client every question of a newer server, and return what the repeated request carries."""
    responses: dict[str, Result] = {}
    visited: list[str] = []
    for key, question in questions.items():
        method, params = question["method"], _for_older(question["method"], question.get("params") or {})
        if isinstance(id_ := params.get("elicitationId"), str):
            visited.append(id_)
        responses[key] = await sink.asked(method, params)
    for id_ in visited:
        await client.notify("notifications/elicitation/complete", {"elicitationId": id_})
    return {"inputResponses": responses} if responses else {}


async def answered_here(questions: dict[str, Any], sink: CallSink) -> tuple[Params, Params]:
    """Return the answers to what only the gateway's model can be asked, and the questions that are left."""
    here = {key: question for key, question in questions.items() if sink.answers(question)}
    answers = {key: await sink.asked(each["method"], each.get("params") or {}) for key, each in here.items()}
    return answers, {key: question for key, question in questions.items() if key not in here}


def questions_of(result: Result, server: str) -> dict[str, Any]:
    """Return the questions in a newer server's answer. Raises `MCPError` for one that no client can be asked."""
    found = result.get("inputRequests") or {}
    if not isinstance(found, dict) or len(found) > _MOST_QUESTIONS:
        raise MCPError(INTERNAL_ERROR, f"The tool server '{server}' asks in a way that is not allowed.")
    for question in found.values():
        if not isinstance(question, dict) or question.get("method") not in ASKING:
            raise MCPError(INTERNAL_ERROR, f"The tool server '{server}' asks for something that no client offers.")
    return found


def _for_older(method: str, params: Params) -> Params:
    """Return a question as older clients know it: an address to visit has an id there."""
    if method == "elicitation/create" and params.get("mode") == "url" and "elicitationId" not in params:
        return {**params, "elicitationId": secrets.token_urlsafe(12)}
    return params
