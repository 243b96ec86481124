"""Open WebUI as it was at one moment: whatever several kinds read is asked for once."""

from functools import cached_property

from install.open_webui import OpenWebUI
from install.pack.tree import Json


class Snapshot(OpenWebUI):
    """Reads of one plan; never used for writing."""

    def __init__(self, client: OpenWebUI) -> None:
        super().__init__(client._http, client.version)

    @cached_property
    def _functions(self) -> dict[str, Json]:
        return super().functions()

    @cached_property
    def _settings(self) -> Json:
        return super().settings()

    def functions(self) -> dict[str, Json]:
        return self._functions

    def settings(self) -> Json:
        return self._settings
