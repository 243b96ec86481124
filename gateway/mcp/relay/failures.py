"""Failures of servers in the words of the client's era. Pure."""

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from gateway.mcp.capabilities import missing_for
from gateway.mcp.front.client import Client
from gateway.mcp.protocol import RESOURCE_NOT_FOUND, URL_ELICITATION_REQUIRED, Params, Result
from gateway.mcp.relay.sink import CallSink
from gateway.mcp.upstream.session import Era


def url_questions(error: MCPError, client: Client) -> Params:
    """Return the addresses that a person must visit first, as questions for a newer client."""
    if error.code != URL_ELICITATION_REQUIRED or not isinstance(error.data, dict):
        return {}
    listed = error.data.get("elicitations")
    questions: Params = {}
    for number, each in enumerate(listed if isinstance(listed, list) else (), 1):
        if isinstance(each, dict) and missing_for("elicitation/create", each, client.capabilities) is None:
            params = {name: value for name, value in each.items() if name != "elicitationId"}
            questions[f"q{number}"] = {"method": "elicitation/create", "params": params}
    return questions


def unless_missing(result: Result, client: Client, sink: CallSink) -> Result:
    """Return a result, unless it is the failure of a tool that could not ask. Raises `MCPError` then."""
    if result.get("isError"):
        raise_missing(client, sink, None)
    return result


def raise_missing(client: Client, sink: CallSink, cause: MCPError | None) -> None:
    """Say to a newer client what it would have to be able to do, where a call failed for want of it."""
    if client.modern and sink.missing:
        (name,) = sink.missing
        words = f"This call asks for something that needs the client's capability '{name}'."
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, words, {"requiredCapabilities": sink.missing}) from cause


def translated(error: MCPError, method: str, era: Era, to_modern: bool) -> MCPError:
    """Return an error of a server of an era under the number that the client's revision knows."""
    if error.code == RESOURCE_NOT_FOUND and to_modern:
        return MCPError(INVALID_PARAMS, error.message, error.data)
    if error.code == INVALID_PARAMS and method == "resources/read" and era == "modern" and not to_modern:
        return MCPError(RESOURCE_NOT_FOUND, error.message, error.data)
    return error
