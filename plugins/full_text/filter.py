"""The filter: whole files instead of search results, as far as they fit."""

import time
from typing import Any, Literal

from pydantic import BaseModel

from plugins.full_text.attached import attached_documents, why_files_are_ignored
from plugins.full_text.budget import keep_within, remember_tools, room_for_files, tools_of, with_full_context
from plugins.full_text.copies import without_copies
from plugins.full_text.documents import Document, Room, refuse
from plugins.full_text.placement import PLAN, placed, placement
from plugins.full_text.raw_files import Reading
from plugins.full_text.stored import examine, identify
from plugins.full_text.summary import detailed, summary
from plugins.full_text.texts import TEXT
from plugins.shared.correction import correction
from plugins.shared.language import user_language
from plugins.shared.log import log
from plugins.shared.status_line import ABOUT_A_FILE, FULL_TEXT, TOLD_FILES, show, tell
from plugins.shared.types import Emitter
from plugins.shared.valve import valve
from plugins.shared.window import base_model, context_window

LINE = "sekisho_full_text_line"  # likewise: what to tell
DETAILS = "sekisho_full_text_details"  # likewise: a line for each file


def own_valves(user: dict[str, Any], kind: Any) -> Any:
    """Return what the person set. `__user__` is shared: a filter without UserValves may find another's there."""
    found = user.get("valves")
    return found if hasattr(found, "page_marks") and hasattr(found, "mode") else kind()


class Filter:
    class Valves(BaseModel):
        priority: int = valve(0, "valves.priority")
        wait_seconds: int = valve(60, "valves.wait_seconds", ge=0, le=600)
        max_tokens: int = valve(0, "valves.max_tokens", ge=0)
        group_caps: str = valve("", "valves.group_caps", json_schema_extra={"input": {"type": "textarea"}})
        model_caps: str = valve("", "valves.model_caps", json_schema_extra={"input": {"type": "textarea"}})
        knowledge: bool = valve(False, "valves.knowledge")
        read_seconds: int = valve(20, "valves.read_seconds", ge=1, le=300)
        max_pages: int = valve(2000, "valves.max_pages", ge=1)
        max_megabytes: int = valve(50, "valves.max_megabytes", ge=1)
        status: bool = valve(True, "valves.status")

    class UserValves(BaseModel):
        mode: Literal["whole", "if_it_fits", "search"] = valve("if_it_fits", "user_valves.mode")
        max_tokens: int = valve(0, "user_valves.max_tokens", ge=0)
        page_marks: bool = valve(False, "user_valves.page_marks")

    toggle = True
    icon = (  # a sheet of paper with lines
        "data:image/svg+xml;base64,"
        "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHZpZXdCb3g9JzAgMCAyNCAyNCcgZmlsbD0nbm9uZScgc3Ry"
        "b2tlPSdibGFjaycgc3Ryb2tlLXdpZHRoPScyJyBzdHJva2UtbGluZWNhcD0ncm91bmQnIHN0cm9rZS1saW5lam9pbj0ncm91bmQn"
        "PjxwYXRoIGQ9J001IDNoMTBsNCA0djE0SDV6TTkgMTBoNk05IDE0aDZNOSAxOGg2Jy8+PC9zdmc+"
    )

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Decide which files go in whole and mark them; their text follows in `request`."""
        valves = self.valves
        # A turn resumed after a tool approval passes here again, under the line it already has.
        shows_line = valves.status and not __metadata__.get("tool_approval_resume")
        emitter = __event_emitter__ if shows_line else None
        own = own_valves(__user__, self.UserValves)
        text = TEXT[user_language(__metadata__, __request__)]
        line, details = text["broken"], list[str]()
        waited: list[str] = []
        __metadata__.setdefault(TOLD_FILES, [])  # the context guard knows by it that this filter runs

        async def reading(document: Document) -> None:
            waited.append(document.name)
            await show(emitter, text["reading"].format(name=document.name), done=False)

        try:
            documents = await attached_documents(body, __metadata__, __model__, __user__["id"], valves.knowledge)
            obstacle = why_files_are_ignored(body, __model__)
            room = Room(window=context_window(__model__, __request__))
            if own.mode == "search" or obstacle:
                await identify(documents, __user__["id"])
                body["files"], documents = without_copies(body.get("files") or [], documents)
                documents = [document for document in documents if obstacle or not document.switched_by_user]
                refuse(obstacle or "setting", documents)
            elif documents:
                task = Reading(valves, own.page_marks, __user__["id"], time.monotonic() + valves.wait_seconds)
                await examine(documents, task, correction(__request__, base_model(__model__)), reading)
                body["files"], documents = without_copies(body["files"], documents)
                tools = tools_of(__request__, __model__, __metadata__)
                room = await room_for_files(room, valves, own, __user__["id"], __model__, body, tools)
                keep_within(room, documents)
                body["files"] = with_full_context(body["files"], documents)
                __metadata__[PLAN] = placement(documents)
            line, details = summary(documents, room, valves, text), detailed(documents, room, valves, text)
            __metadata__[TOLD_FILES] = [document.id for document in documents if document.fate != "search"]
        except Exception:
            log.exception("full_text: the files are left to search")
        finally:  # `request` may never run: somebody pressed stop, another filter refused
            if waited:
                await show(emitter, text["waited"].format(names=text["separator"].join(waited)), done=True)
        if shows_line:
            __metadata__[LINE], __metadata__[DETAILS] = line, details
        return body

    async def request(
        self,
        body: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
        __event_emitter__: Emitter | None = None,
    ) -> dict[str, Any]:
        """Move the texts to their places before every call of the model; then show the line of `inlet`, once.

        Only the latest status is seen, and Open WebUI's own about files are out by now.
        """
        text = TEXT[user_language(__metadata__, __request__)]
        try:
            body["messages"] = placed(body.get("messages") or [], __metadata__)
            if PLAN in __metadata__:
                await remember_tools(__request__, __model__, body)
        except Exception:
            log.exception("full_text: the texts stay where Open WebUI put them")
        details = __metadata__.pop(DETAILS, [])
        if line := __metadata__.pop(LINE, ""):
            for detail in details:  # seen when the line is opened
                await show(__event_emitter__, detail, done=True, action=ABOUT_A_FILE)
            await tell(__metadata__, __event_emitter__, line, text["part"], FULL_TEXT)
        return body
