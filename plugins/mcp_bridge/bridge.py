"""A call of a tool, with all that Open WebUI leaves out of it."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from plugins.mcp_bridge.attaching import Keep, attached
from plugins.mcp_bridge.progress import Lines
from plugins.mcp_bridge.results import complete, error_of
from plugins.mcp_bridge.session import Listening
from plugins.shared.log import log
from plugins.shared.tool_names import one_line, server_of, shown_name, source_event
from plugins.shared.types import Emitter, Json

LONGEST_LINK = 2000
HUB_ERRORS = ("mcp_server_down", "mcp_timeout", "mcp_sign_in_needed")


@dataclass
class Bridge:
    """Takes the place of `MCPClient.call_tool` for one turn; the client's own treatment of answers stays."""

    native: Any
    emitter: Emitter
    text: dict[str, str]
    logs: bool
    pages: bool
    language: str = "en"
    keep: Keep | None = None
    """Stores files for the person."""

    async def call_tool(self, function_name: str, function_args: Json) -> Any:
        """Call a tool as Open WebUI does, and show how far it is. Raises what Open WebUI's own call raises."""
        lines = Lines(self.emitter, shown_name(function_name), self.text)
        listening = Listening(self.native.client, lines.progress, lines.log if self.logs else None, self.language)
        native_call = type(self.native).call_tool
        self.native.server_name = server_of(function_name) or self.native.server_name
        ending, who = "stopped", ""
        try:
            content = await native_call(
                SimpleNamespace(client=self.native.client and listening), function_name, function_args
            )
            ending = "done"
        except Exception:
            ending, who = why(listening.result)
            await self.show_sign_in(listening.result)
            raise
        finally:
            await lines.end(ending, who, done=True)
        return await self._completed(content)

    async def _completed(self, content: Any) -> Any:
        if isinstance(content, list) and self.keep:
            content, files = await attached(content, self.keep, self.text["attached"])
            if files:
                await self.emitter({"type": "files", "data": {"files": files}})
        content, events = complete(content, self.text, self.pages)
        for event in events:
            await self.emitter(event)
        return content

    async def show_sign_in(self, result: Any) -> None:
        """Show where a person signs in who did not do so when asked, or could not be asked."""
        error = error_of(result)
        if (link := one_line(error.get("sign_in"), LONGEST_LINK)).startswith(("https://", "http://")):
            name = self.text["sign_in"].format(tool=one_line(error.get("server")))
            await self.emitter(source_event(name, link, name))


def why(result: Any) -> tuple[str, str]:
    """Return how a call ended and whose fault it is: what the hub says to the model, else that it failed."""
    error = error_of(result)
    code = error.get("code")
    return (str(code), one_line(error.get("server"))) if code in HUB_ERRORS else ("failed", "")


def bridge(native: Any, **given: Any) -> None:
    """Let a turn's client of a tool server call through a bridge, once. `given`: what `Bridge` has."""
    if native is None or "call_tool" in vars(native):
        return
    if not hasattr(type(native), "call_tool") or not hasattr(native, "client"):
        log.warning("mcp_bridge: this Open WebUI calls tools in another way; they work, without progress")
        return
    native.call_tool = Bridge(native, **given).call_tool
