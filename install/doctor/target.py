"""What the doctor looks at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from install.doctor.ledger import Gateway
from install.doctor.texts import Texts
from install.open_webui import OpenWebUI
from install.pack.engine.change import Plan
from install.pack.resources.connections import Connections, same_address
from install.pack.resources.kind import Owner
from install.pack.resources.tool_servers import ToolServers
from install.pack.tree import Json, get


@dataclass(slots=True)
class DoctorTarget:
    """An Open WebUI with its gateway; what is read once is kept here."""

    client: OpenWebUI
    gateway: Gateway
    url: str
    """Of the gateway, as Open WebUI sees it."""
    text: Texts
    plan: Plan | None
    """None where it cannot be made; `plan_error` says why."""
    plan_error: str = ""
    model: str | None = None
    skip: frozenset[str] = frozenset()
    me: Json = field(default_factory=dict)
    settings: Json = field(default_factory=dict, repr=False)
    functions: Mapping[str, Json] = field(default_factory=dict, repr=False)
    connection: Json | None = field(default=None, repr=False)
    hub: Json | None = field(default=None, repr=False)
    """The gateway among Open WebUI's tool servers."""
    models: list[Json] = field(default_factory=list, repr=False)
    ledger_open: bool = False

    def read(self) -> None:
        self.me = self.client.paths.me()
        self.settings = self.client.settings()
        self.functions = self.client.functions()
        records = Connections().read(self.client).values()
        self.connection = next((each for each in records if same_address(each["url"], self.url)), None)
        servers = ToolServers().read(self.client).values()
        self.hub = next((each for each in servers if ToolServers().owner(each) is Owner.PACK), None)
        self.client.refresh_models()
        self.models = self.client.paths.models()

    @property
    def prefix(self) -> str:
        found = get(self.connection, ("settings", "prefix_id"))
        return f"{found}." if isinstance(found, str) and found else ""

    def here(self, name: str, below: str = "") -> bool:
        """Return whether a setting with an address points at the gateway, or at a path `below` it."""
        value = self.settings.get(name)
        return isinstance(value, str) and bool(value) and same_address(value.removesuffix(below), self.url)

    def pack_functions(self) -> list[Json]:
        return [row for row in self.functions.values() if "sekisho" in (row["meta"] or {})]
