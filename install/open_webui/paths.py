"""The ways on which Open WebUI calls models, walked as a person or a program walks them. Used by the doctor."""

import contextlib
import io
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from install.errors import OpenWebUIError, Refused
from install.open_webui.http import Http
from install.wording import say

PATIENCE = 180
"""Seconds for an answer of a busy model."""

LONGEST_ANSWER = 256
"""Tokens of a probe's answer; room for a call of a tool."""

TASKS = {
    "title": "title",
    "tags": "tags",
    "follow-ups": "follow_up",
    "queries": "queries",
}


def _silence() -> bytes:
    """Return a quarter of a second of silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(4000))
    return file.getvalue()


SILENCE = _silence()

Json = dict[str, Any]
"""An object as Open WebUI sends it; `pack/` knows the keys it reads."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """A chat with one question and its answer as Open WebUI saved it."""

    chat_id: str
    message: Json


def probe_failed(why: str) -> OpenWebUIError:
    """Return the error of a request that was accepted and came to nothing."""
    return OpenWebUIError(say("Open WebUI: {why}.", why=why), say("Its log and the gateway's ledger say more."), why)


class Paths:
    """As the signed-in person. Every method may raise an `OpenWebUIError`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def me(self) -> Json:
        """Return `{id, email, role, …}`; with an API key, which may not ask that, the id alone."""
        try:
            found: Json = self._http.get("/api/v1/auths/")
        except Refused as error:
            if error.status != 403:
                raise
            chat = self._http.post("/api/v1/chats/new", {"chat": {"title": "sekisho doctor"}})
            self.forget_chat(chat["id"])
            return {"id": chat["user_id"]}
        return found

    def models(self) -> list[Json]:
        found: list[Json] = self._http.get("/api/models")["data"]
        return found

    def tools(self, server: str) -> list[Json]:
        """Return `{name, description}` of the tools of a tool server, asked for as in a chat."""
        return list(self._http.get(f"/api/v1/tools/id/server:mcp:{server}/specs")["specs"])

    def ask(self, model: str, question: str, tools: tuple[str, ...] = ()) -> Turn:
        """Start a chat as the browser does, so that tools run; without title and tags. A failed one leaves nothing."""
        answer_id = str(uuid.uuid4())
        chat_id = self._http.post(
            "/api/chat/completions",
            {**_first_turn(model, question, answer_id), **({"tool_ids": list(tools)} if tools else {})},
        )["chat_id"]
        try:
            why = say("no answer came within {seconds} seconds", seconds=PATIENCE)
            return Turn(chat_id, _until(lambda: self._answer(chat_id, answer_id), why))
        except OpenWebUIError:
            with contextlib.suppress(OpenWebUIError):
                self._http.post(f"/api/tasks/chat/{chat_id}/stop")
                self.forget_chat(chat_id)
            raise

    def _answer(self, chat_id: str, answer_id: str) -> Json | None:
        chat = self._http.get(f"/api/v1/chats/{chat_id}")["chat"]
        message: Json = chat["history"]["messages"].get(answer_id) or {}
        if error := message.get("error"):
            raise probe_failed(str(error.get("content", error) if isinstance(error, dict) else error))
        return message if message.get("done") else None

    def forget_chat(self, chat_id: str) -> None:
        self._http.delete(f"/api/v1/chats/{chat_id}")

    def task(self, name: str, model: str, chat_id: str) -> None:
        """Run a task (title, tags …) that Open WebUI calls a model for beside a chat."""
        body = {"model": model, "chat_id": chat_id, "messages": [{"role": "user", "content": "What is a sekisho?"}]}
        more = {"type": "retrieval", "prompt": "What is a sekisho?"} if name == "queries" else {}
        self._http.post(f"/api/v1/tasks/{TASKS[name]}/completions", {**body, **more}, patience=PATIENCE)

    def complete(self, model: str, question: str) -> None:
        """Call a model as a program does."""
        body = {"model": model, "messages": [{"role": "user", "content": question}], "stream": False, "max_tokens": 16}
        self._http.post("/api/chat/completions", body, patience=PATIENCE)

    def api_key(self) -> str | None:
        """Return the person's key, None if they have none."""
        found = self._http.get("/api/v1/auths/api_key")
        key = found.get("api_key") if isinstance(found, dict) else None
        return key if isinstance(key, str) else None

    def embed(self, text: str) -> None:
        """Upload a small file, wait until it is embedded, delete it."""
        with self._read_file(text):
            pass

    def rerank(self, text: str, question: str) -> None:
        """Search in a small file, whose passages are put in order by a model; delete it."""
        with self._read_file(text) as file_id:
            body = {"collection_name": f"file-{file_id}", "query": question, "k": 3, "hybrid": True}
            self._http.post("/api/v1/retrieval/query/doc", body, patience=PATIENCE)

    @contextlib.contextmanager
    def _read_file(self, text: str) -> Iterator[str]:
        """Give the id of a small file that Open WebUI has read."""
        file = self._http.upload("/api/v1/files/", "sekisho-doctor.txt", text.encode(), "text/plain")
        try:
            why = say("the file was not read within {seconds} seconds", seconds=PATIENCE)
            _until(lambda: self._file_read(file["id"]), why)
            yield file["id"]
        finally:
            self._http.delete(f"/api/v1/files/{file['id']}")

    def _file_read(self, file_id: str) -> bool:
        found = self._http.get(f"/api/v1/files/{file_id}/process/status")
        if found["status"] == "failed":
            raise probe_failed(str(found.get("error") or say("the file could not be embedded")))
        return bool(found["status"] == "completed")

    def speak(self, text: str) -> None:
        self._http.raw("POST", "/api/v1/audio/speech", {"input": text})

    def transcribe(self) -> None:
        self._http.upload("/api/v1/audio/transcriptions", "sekisho-doctor.wav", SILENCE, "audio/wav")

    def paint(self, prompt: str) -> None:
        self._http.post("/api/v1/images/generations", {"prompt": prompt, "n": 1}, patience=PATIENCE)

    def encrypts_valves(self, function_id: str) -> bool | None:
        """Return whether Open WebUI encrypts valves, by how it stores the person's own; None = it could not be told.

        Where there are none yet, empty ones of `function_id` are stored for a moment, if that leaves no trace.
        """
        settings = self._http.get("/api/v1/users/user/settings") or {}
        if not isinstance(own := settings.get("functions"), dict):
            return None
        if valves := own.get("valves"):
            return all(isinstance(value, str) for value in valves.values())
        try:
            self._http.post(f"/api/v1/functions/id/{function_id}/valves/user/update", {})
            stored = (self._own_functions().get("valves") or {}).get(function_id)
        except Refused:
            return None
        finally:
            self._http.post("/api/v1/users/user/settings/update", {"functions": own})
        return isinstance(stored, str)

    def _own_functions(self) -> Json:
        settings = self._http.get("/api/v1/users/user/settings") or {}
        found: Json = settings.get("functions") or {}
        return found

    def features(self) -> Json:
        found: Json = self._http.get("/api/config").get("features", {})
        return found


def _until(found: Callable[[], T | None], complaint: str) -> T:
    deadline = time.monotonic() + PATIENCE
    while not (result := found()):
        if time.monotonic() > deadline:
            raise probe_failed(complaint)
        time.sleep(0.2)
    return result


def _first_turn(model: str, question: str, answer_id: str) -> Json:
    user_message: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "parentId": None,
        "childrenIds": [answer_id],
        "role": "user",
        "content": question,
        "timestamp": int(time.time()),
        "models": [model],
    }
    return {
        "stream": True,
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "params": {"max_tokens": LONGEST_ANSWER},
        "features": {},
        "session_id": "sekisho-doctor",
        "id": answer_id,
        "parent_id": None,
        "user_message": user_message,
        "background_tasks": {"title_generation": False, "tags_generation": False, "follow_up_generation": False},
    }
