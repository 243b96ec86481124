"""The running stack and the people in it."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import httpx2

from gateway.ledger.record import Record
from tests.e2e.documents import Document
from tests.e2e.upstream import Seen, Upstream
from tests.fixtures.gateway import GatewayProcess
from tests.fixtures.open_webui import OpenWebUIServer

CHAT_MODEL = "house-model"
SMALL_MODEL = "small-model"
"""Reads 12,000 tokens, of which Open WebUI's own tools take a third."""
EMBEDDING_MODEL = "multilingual-e5-small"
FULL_TEXT = "full_text"
PATIENCE = 180
"""Seconds for a file to be read, or for a chat to be answered, on a busy machine."""

FileItem = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Turn:
    """A question that was answered. `message` is the answer as Open WebUI saved it."""

    chat_id: str
    message: dict[str, Any]

    @property
    def statuses(self) -> list[str]:
        return [status.get("description", "") for status in self.message.get("statusHistory", [])]


@dataclass(frozen=True)
class Person:
    """Somebody with an account in Open WebUI, in a Japanese browser."""

    server: OpenWebUIServer = field(repr=False)
    name: str
    email: str
    password: str
    token: str = field(repr=False)

    @cached_property
    def id(self) -> str:
        return str(self.get("/api/v1/auths/")["id"])

    def get(self, path: str) -> Any:
        return self.server.request("GET", path, token=self.token)

    def post(self, path: str, body: object) -> Any:
        return self.server.request("POST", path, body, token=self.token)

    def upload(self, document: Document, *, may_fail: bool = False) -> FileItem:
        """As the composer does it; gives the item that goes with a message, once the file has been read."""
        part = (document.name, document.content, document.content_type)
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx2.Client(base_url=self.server.url, headers=headers, timeout=PATIENCE) as client:
            response = client.post("/api/v1/files/", files={"file": part})
        response.raise_for_status()
        file = response.json()
        self._wait_until_read(file["id"], may_fail)
        return _item(file, document)

    def extracted(self, item: FileItem) -> str:
        """The text that Open WebUI found in the file."""
        return str(self.get(f"/api/v1/files/{item['id']}/data/content")["content"])

    def ask(
        self,
        question: str,
        files: Sequence[FileItem] = (),
        filters: Sequence[str] = (),
        answer_id: str = "",
        **body: Any,
    ) -> Turn:
        """A new chat unless `body` names one, as Open WebUI's page asks; returns when the answer is complete."""
        answer_id = answer_id or str(uuid.uuid4())
        turn = {**_first_turn(self, question, list(files), answer_id), "filter_ids": list(filters), **body}
        chat_id = self.post("/api/chat/completions", turn)["chat_id"]
        answer = until(lambda: self._answer(chat_id, answer_id), f"no answer in chat {chat_id}")
        return Turn(chat_id, answer)

    def remove(self) -> None:
        """Chats and files first: deleting an account leaves files behind."""
        self.server.request("DELETE", "/api/v1/chats/", token=self.token)
        for file in self.get("/api/v1/files/?content=false")["items"]:
            self.server.request("DELETE", f"/api/v1/files/{file['id']}", token=self.token)
        self.server.request("DELETE", f"/api/v1/users/{self.id}")

    def _wait_until_read(self, file_id: str, may_fail: bool) -> None:
        def read() -> bool:
            status = self.get(f"/api/v1/files/{file_id}/process/status")
            assert may_fail or status["status"] != "failed", status
            return status["status"] in ("completed", "failed")

        until(read, "the file was not read")

    def _answer(self, chat_id: str, answer_id: str) -> dict[str, Any] | None:
        message = self.get(f"/api/v1/chats/{chat_id}")["chat"]["history"]["messages"].get(answer_id, {})
        assert not message.get("error"), message["error"]
        return message if message.get("done") else None


@dataclass(frozen=True)
class Stack:
    """Upstream, gateway and Open WebUI with the pack in it."""

    upstream: Upstream
    gateway: GatewayProcess
    open_webui: OpenWebUIServer

    def rows(self, tasks: set[str], **fields: Any) -> dict[str, Record]:
        """The one ledger row for each of the tasks, among those with these values; waited for."""

        def complete() -> dict[str, Record] | None:
            found = [row for row in self.gateway.records() if all(getattr(row, k) == v for k, v in fields.items())]
            wanted = [row for row in found if row.task in tasks]
            return {row.task: row for row in wanted} if {row.task for row in wanted} == tasks else None

        return until(complete, f"no rows of {tasks} with {fields} in the ledger")

    def asked(self, question: str) -> Seen:
        """What the chat model got for this question, which nobody asked twice."""
        (seen,) = (seen for seen in self.upstream.chats if question in seen.prompt)
        return seen


def until(condition: Callable[[], T | None], complaint: str, seconds: float = PATIENCE) -> T:
    """What `condition` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)
    return result


@contextmanager
def put_back(server: OpenWebUIServer) -> Iterator[None]:
    """Whatever the pack changed within the block is as before after it."""
    connections, embedding = _get(server, "/openai/config"), _get(server, "/api/v1/retrieval/embedding")
    functions, models = _ids(server, "/api/v1/functions/"), _ids(server, "/api/v1/models/all")
    tools = _ids(server, "/api/v1/tools/list")
    try:
        yield
    finally:
        for function in _ids(server, "/api/v1/functions/") - functions:
            server.request("DELETE", f"/api/v1/functions/id/{function}/delete")
        for tool in _ids(server, "/api/v1/tools/list") - tools:
            server.request("DELETE", f"/api/v1/tools/id/{tool}/delete")
        for model in _ids(server, "/api/v1/models/all") - models:
            server.request("POST", "/api/v1/models/model/delete", {"id": model})
        server.request("POST", "/openai/config/update", connections)
        server.request("POST", "/api/v1/retrieval/embedding/update", embedding)
        server.request("GET", "/api/models?refresh=true")


def _get(server: OpenWebUIServer, path: str) -> Any:
    return server.request("GET", path)


def _ids(server: OpenWebUIServer, path: str) -> set[str]:
    return {row["id"] for row in _get(server, path)}


def _item(file: dict[str, Any], document: Document) -> FileItem:
    return {
        "type": "file",
        "id": file["id"],
        "url": file["id"],
        "name": document.name,
        "collection_name": "",
        "content_type": document.content_type,
        "status": "uploaded",
        "size": len(document.content),
        "error": "",
        "itemId": str(uuid.uuid4()),
        "file": file,
    }


def _first_turn(person: Person, question: str, files: list[FileItem], answer_id: str) -> dict[str, Any]:
    user_message = {
        "id": str(uuid.uuid4()),
        "parentId": None,
        "childrenIds": [answer_id],
        "role": "user",
        "content": question,
        "files": files,
        "timestamp": int(time.time()),
        "models": [CHAT_MODEL],
    }
    return {
        "stream": True,
        "model": CHAT_MODEL,
        "messages": [{"role": "user", "content": question}],
        "params": {},
        "files": files,
        "tool_servers": [],
        "features": {},
        "variables": {
            "{{USER_NAME}}": person.name,
            "{{USER_EMAIL}}": person.email,
            "{{USER_LANGUAGE}}": "ja-JP",
        },
        "session_id": "no-browser",
        "id": answer_id,
        "parent_id": None,
        "user_message": user_message,
        "background_tasks": {"title_generation": True, "tags_generation": True, "follow_up_generation": False},
    }
