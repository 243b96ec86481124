"""The tools: prompts and documents of the company's tool servers, for any model that calls tools."""

from typing import Any

from pydantic import BaseModel

from plugins.mcp.turn import Turn
from plugins.mcp.working import list_documents, list_prompts, read_document, run, search, use_prompt
from plugins.shared.types import Caller, Emitter, Json
from plugins.shared.valve import valve


class Tools:
    class Valves(BaseModel):
        server: str = valve("", "valves.server")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def list_prompts(
        self,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
    ) -> Any:
        """
        List the ready-made prompts of the company's tool servers, with what each needs to be told.
        To let the person choose one on their screen, call use_prompt without a name instead.
        """
        turn = Turn(__user__, __metadata__, __request__, __event_emitter__, __event_call__)
        return await run(self.valves.server, turn, list_prompts)

    async def use_prompt(
        self,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
        name: str = "",
        arguments: dict[str, Any] = {},  # noqa: B006  # Open WebUI makes the schema of it
    ) -> Any:
        """
        Use a ready-made prompt of the company's tool servers, and then do what it says.
        Leave the name empty when the person wants to choose a prompt (プロンプトを選ぶ): a form opens on their screen.
        What the prompt needs to be told and is not known here is asked for on such a form too.
        :param name: The prompt's name as list_prompts gives it; empty to let the person choose.
        :param arguments: What is known of what the prompt needs to be told, by name.
        """
        turn = Turn(__user__, __metadata__, __request__, __event_emitter__, __event_call__)
        return await run(self.valves.server, turn, lambda client, turn: use_prompt(client, turn, name, arguments))

    async def list_resources(
        self,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
    ) -> Any:
        """
        List the documents (resources) of the company's tool servers with their addresses.
        To let the person choose one on their screen, call read_resource without an address instead.
        """
        turn = Turn(__user__, __metadata__, __request__, __event_emitter__, __event_call__)
        return await run(self.valves.server, turn, list_documents)

    async def read_resource(
        self,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
        uri: str = "",
    ) -> Any:
        """
        Read a document (resource) of the company's tool servers; the person sees it below the answer.
        Leave the address empty when the person wants to choose a document (資料を選ぶ): a form opens on their screen.
        :param uri: The address as list_resources or a tool gives it; empty to let the person choose.
        """
        turn = Turn(__user__, __metadata__, __request__, __event_emitter__, __event_call__)
        return await run(self.valves.server, turn, lambda client, turn: read_document(client, turn, uri))

    async def search_prompts_and_resources(
        self,
        words: str,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __event_emitter__: Emitter | None = None,
        __event_call__: Caller | None = None,
    ) -> Any:
        """
        Find prompts and documents of the company's tool servers by words of their names and descriptions.
        It searches neither the web nor what stands in the documents.
        :param words: What to look for, in any language.
        """
        turn = Turn(__user__, __metadata__, __request__, __event_emitter__, __event_call__)
        return await run(self.valves.server, turn, lambda client, turn: search(client, turn, words))
