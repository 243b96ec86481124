"""A user of filters/full_text.py in the real Open WebUI: files, turns, and what is told."""

import base64
from dataclasses import dataclass, field
from typing import Any

from tests.fixtures.plugin_host import ROOT, PluginHost

Json = dict[str, Any]

REPORT = "# Report\n\nLine one\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\tindented\n"

OF_ITS_OWN = "(a text of its own)"


@dataclass
class Chat:
    """A user with files, and turns taken through the filter."""

    host: PluginHost
    user: Json
    user_valves: Json = field(default_factory=dict)

    def file(
        self,
        name: str = "report.pdf",
        text: str | None = OF_ITS_OWN,
        owner: Json | None = None,
        raw: bytes | None = None,
        **data: Any,
    ) -> Json:
        """`text` is what Open WebUI has extracted, `raw` the file itself. Another name has another text."""
        if text == OF_ITS_OWN:
            text = REPORT if name == "report.pdf" else f"{REPORT}{name}\n"
        data = {"status": "completed", **({} if text is None else {"content": text}), **data}
        content = None if raw is None else base64.b64encode(raw).decode()
        id = self.host.call("file", user_id=(owner or self.user)["id"], name=name, data=data, content=content)
        return {"type": "file", "id": id, "url": id, "name": name, "file": {"id": id, "data": {"status": "completed"}}}

    def save(self, *turns: list[Json], folder_id: str | None = None) -> Json:
        """A saved chat whose user messages carry these files; metadata as Open WebUI builds it for the last one."""
        messages = [
            {"id": f"m{number}", "role": "user", "content": "Summarise this", "files": files}
            for number, files in enumerate(turns)
        ]
        chat_id = self.host.call("chat", user_id=self.user["id"], messages=messages, folder_id=folder_id)
        return {"chat_id": chat_id, "message_id": "answer", "user_message": messages[-1]}

    def ask(self, *files: Json, metadata: Json | None = None, language: str = "en-US", **arguments: Any) -> Json:
        """One turn; attaches the files in a saved chat unless `metadata` says otherwise."""
        metadata = self.save(list(files)) if metadata is None else metadata
        self.host.call("user_valves", id="full_text", user_id=self.user["id"], values=self.user_valves)
        body = {"model": "model-a", "messages": [{"role": "user", "content": "Summarise this"}], "files": list(files)}
        metadata = {"variables": {"{{USER_LANGUAGE}}": language}, **metadata}
        defaults = {"hooks": ["inlet", "request"], "filter_ids": ["full_text"], "user": self.user, "body": body}
        return dict(self.host.call("run", **{**defaults, "metadata": metadata, **arguments}))


def chat_of_somebody(host: PluginHost) -> Chat:
    content = (ROOT / "filters" / "full_text.py").read_text(encoding="utf-8")
    host.call("install", id="full_text", content=content)
    host.call("only", ids=["full_text"])
    host.call("valves", id="full_text", values={"wait_seconds": 1})
    return Chat(host, host.call("user"))


def contexts(turn: Json) -> list[str | None]:
    return [item.get("context") for item in turn["body"]["files"]]


def statuses(turn: Json) -> list[tuple[str, bool]]:
    assert all(
        event["type"] == "status" and event["data"].keys() - {"action"} == {"description", "done"}
        for event in turn["events"]
    )
    shown = [event["data"] for event in turn["events"] if event["data"].get("action") != "full_text_file"]
    return [(each["description"], each["done"]) for each in shown]


def details(turn: Json) -> list[str]:
    """The lines about single files, which a click opens."""
    shown = [event["data"] for event in turn["events"]]
    return [each["description"] for each in shown if each.get("action") == "full_text_file"]


def status(turn: Json) -> str:
    """The line about the turn, the last one; before it, only what was said while waiting."""
    *waiting, (line, done) = statuses(turn)
    assert done
    assert [done for _, done in waiting] == [*[False] * (len(waiting) - 1), True][: len(waiting)]
    return line
