"""Files that tools give, kept for the person as Open WebUI keeps what people attach."""

import io
from typing import Any

from open_webui.models.files import Files
from open_webui.models.users import Users
from open_webui.routers.files import upload_file_handler
from starlette.datastructures import Headers, UploadFile

from plugins.shared.json_values import dict_of
from plugins.shared.log import log
from plugins.shared.types import Json

SEEN_OR_HEARD = ("audio/", "video/", "image/")
OF_THE_CHAT = ("chat_id", "message_id", "session_id")


async def stored(raw: bytes, kind: str, name: str, user_id: str, request: Any, metadata: Json) -> tuple[str, str]:
    """Store a file of the person's, and return its id and the text in it, both empty if it was refused."""
    person = await Users.get_user_by_id(user_id)
    about = {key: metadata.get(key) for key in OF_THE_CHAT}
    for read in (False,) if kind.startswith(SEEN_OR_HEARD) else (True, False):
        file = UploadFile(file=io.BytesIO(raw), filename=name, headers=Headers({"content-type": kind}))
        try:
            row = await upload_file_handler(
                request, file=file, metadata=about, process=read, process_in_background=False, user=person
            )
        except Exception as error:
            log.warning("sekisho: a tool's file is not %s (%s)", "read" if read else "stored", type(error).__name__)
            continue
        id = str(row["id"] if isinstance(row, dict) else row.id)
        known = await Files.get_file_by_id(id)
        return id, str(dict_of(getattr(known, "data", None)).get("content") or "")
    return "", ""
