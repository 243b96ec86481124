"""The pipe, and the search for other functions."""

from typing import Any, Literal

from open_webui.models.functions import Functions
from pydantic import BaseModel

from plugins.document_search.planning import LONGEST_QUERY, Plan
from plugins.document_search.searching import searched
from plugins.document_search.showing import collected, streamed
from plugins.document_search.turn import Turn
from plugins.shared.tasks import task_answer
from plugins.shared.types import Emitter, Json
from plugins.shared.valve import valve


class Pipe:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        gateway_url: str = valve("", "valves.gateway_url")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        email: bool = valve(True, "valves.email")
        model: str = valve("", "valves.model")
        answer: Literal["auto", "model", "extract"] = valve("auto", "valves.answer")
        knowledge: str = valve("", "valves.knowledge")
        embeddings: bool = valve(True, "valves.embeddings")
        certainty: int = valve(82, "valves.certainty", ge=50, le=100)
        passages: int = valve(8, "valves.passages", ge=1, le=30)
        context_tokens: int = valve(6_000, "valves.context_tokens", ge=500, le=200_000)
        longest_question: int = valve(4_000, "valves.longest_question", ge=1, le=100_000)
        opensearch_url: str = valve("", "valves.opensearch_url")
        opensearch_index: str = valve("", "valves.opensearch_index")
        opensearch_key: str = valve("", "valves.opensearch_key", json_schema_extra={"input": {"type": "password"}})
        opensearch_fields: str = valve("title, content, url", "valves.opensearch_fields")
        opensearch_access_field: str = valve("", "valves.opensearch_access_field")
        opensearch_groups: str = valve("", "valves.opensearch_groups")
        private_addresses: bool = valve(False, "valves.private_addresses")
        folder: str = valve("", "valves.folder")
        folder_groups: str = valve("", "valves.folder_groups")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def pipe(
        self,
        body: Json,
        __user__: Json,
        __metadata__: Json,
        __request__: Any,
        __files__: list[Json] | None = None,
        __event_emitter__: Emitter | None = None,
        __task__: str | None = None,
        __task_body__: Json | None = None,
    ) -> Any:
        """Return text for a task; else chunks of OpenAI's chat API, or one object if no stream was asked for."""
        valves = self.valves
        if __task__:
            return task_answer(str(__task__), __task_body__ or {}, body)
        turn = Turn(body, __user__, __metadata__, __request__, __event_emitter__, __files__ or [], valves)
        return streamed(turn) if body.get("stream") else await collected(turn)

    async def find(self, question: str, user: Json, request: Any, limit: int = 8) -> list[Json]:
        """Return passages for other functions, best first, of what `user` may read: [{"name", "text", "source"}]."""
        stored = await Functions.get_function_valves_by_id("document_search")  # nobody set self.valves for this call
        valves = self.Valves(**(stored or {}))
        turn = Turn({}, user, {}, request, None, [], valves)
        found = await searched(turn, Plan(question[:LONGEST_QUERY], [question[:LONGEST_QUERY]]))
        best = [each.passage for each in found.best[: max(0, limit)]]
        return [{"name": each.name, "text": each.text, "source": each.url or each.key} for each in best]
