"""The admin API as methods in the installer's terms. Writes say what shall be, never "flip"."""

from urllib.parse import quote

from gateway.secret import Secret
from install.errors import CreateRefused, GatewayError, OpenWebUIError, Refused
from install.open_webui.http import Http, functions_disabled
from install.open_webui.paths import Json, Paths
from install.wording import say


class OpenWebUI:
    """A signed-in administrator. Every method may raise an `OpenWebUIError`."""

    def __init__(self, http: Http, version: str) -> None:
        self._http = http
        self.url = http.url
        self.version = version

    @property
    def paths(self) -> Paths:
        """Calls of the same person as an ordinary user."""
        return Paths(self._http)

    def clock(self) -> float | None:
        """Return the server's time in Unix seconds."""
        self._http.get("/api/version")
        return self._http.server_time()

    # Connections

    def connections(self) -> Json:
        """Return `{ENABLE_OPENAI_API, OPENAI_API_BASE_URLS, OPENAI_API_KEYS, OPENAI_API_CONFIGS}`."""
        answer: Json = self._http.get("/openai/config")
        return answer

    def set_connections(self, config: Json) -> None:
        self._http.post("/openai/config/update", config)

    def models_behind(self, url: str, key: Secret) -> list[Json]:
        """Return the model list of a gateway, fetched by Open WebUI itself: what it sees is what counts.

        Raises a `GatewayError`.
        """
        try:
            answer = self._http.post("/openai/verify", {"url": url, "key": key.reveal(), "config": {}})
        except Refused as error:
            raise _gateway_error(url, error) from error
        models = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(models, list) or not all(isinstance(model, dict) and "id" in model for model in models):
            raise _not_models(url, say("no list of objects with an id under `data`"))
        return models

    # Functions

    def functions(self) -> dict[str, Json]:
        """Return all functions by id, with content and valves."""
        rows = self._http.get("/api/v1/functions/export", include_valves=True)
        return {row["id"]: row for row in rows}

    def create_function(self, form: Json) -> None:
        try:
            self._create("functions", form)
        except CreateRefused as error:
            if "ENABLE_FUNCTIONS" in error.detail:
                raise functions_disabled() from error
            raise

    def _create(self, kind: str, form: Json) -> None:
        """Create a row. Raises `CreateRefused`, after which nothing of ours is there."""
        path = f"/api/v1/{kind}/create"
        try:
            self._http.post(path, form)
        except Refused as error:
            # 500 is what Open WebUI answers where somebody created the same row in this moment. What is above 500 comes
            # from a proxy, which may say so of what arrived all the same.
            if error.status > 500:
                raise
            raise CreateRefused("POST", path, error.status, error.detail) from error

    def update_function(self, form: Json) -> None:
        self._http.post(f"{_function(form['id'])}/update", form)

    def delete_function(self, function_id: str) -> None:
        self._http.delete(f"{_function(function_id)}/delete")

    def function_state(self, function_id: str) -> Json:
        """Return `{type, is_active, is_global, meta, …}`, after Open WebUI was made to load the function."""
        self._http.get(f"{_function(function_id)}/valves/spec")
        answer: Json = self._http.get(_function(function_id))
        return answer

    def function(self, function_id: str) -> Json:
        """Return one as `functions` lists it. Raises `Refused` also where there is none."""
        row: Json = self._http.get(_function(function_id))
        return {**row, "valves": self.valves(function_id)}

    def valves(self, function_id: str) -> Json:
        return self._http.get(f"{_function(function_id)}/valves") or {}

    def set_valves(self, function_id: str, valves: Json) -> Json:
        """Return what Open WebUI stored of them."""
        return self._http.post(f"{_function(function_id)}/valves/update", valves) or {}

    def set_active(self, function_id: str, active: bool) -> None:
        self._switch(function_id, "is_active", active, "toggle")

    def set_global(self, function_id: str, everywhere: bool) -> None:
        self._switch(function_id, "is_global", everywhere, "toggle/global")

    def _switch(self, function_id: str, field: str, wanted: bool, toggle: str) -> None:
        # The endpoint flips: ask for the state first.
        path = _function(function_id)
        if bool(self._http.get(path)[field]) is not wanted:
            self._http.post(f"{path}/{toggle}")

    # Models

    def model_rows(self) -> dict[str, Json]:
        """Return what administrators stored about models, by id; a model without a row is visible to them only."""
        rows = self._http.get("/api/v1/models/all")
        return {row["id"]: row for row in rows}

    def model_row(self, model_id: str) -> Json:
        """Return one as `model_rows` lists it. Raises `Refused` also where there is none."""
        row: Json = self._http.get("/api/v1/models/model", id=model_id)
        return row

    def create_model(self, form: Json) -> None:
        self._create("models", form)

    def update_model(self, form: Json) -> None:
        self._http.post("/api/v1/models/model/update", form)

    def set_model_access(self, model_id: str, grants: list[Json]) -> None:
        self._http.post("/api/v1/models/model/access/update", {"id": model_id, "access_grants": grants})

    def refresh_models(self) -> dict[str, Json]:
        """Make Open WebUI ask every connection anew; what it then offers by id, with who answers for it."""
        answer = self._http.get("/api/models", refresh=True)
        return {model["id"]: model for model in answer["data"]}

    def groups(self) -> dict[str, str]:
        """Return group ids by name."""
        return {group["name"]: group["id"] for group in self._http.get("/api/v1/groups/")}

    def delete_model(self, model_id: str) -> None:
        self._http.post("/api/v1/models/model/delete", {"id": model_id})

    def set_model_active(self, model_id: str, active: bool) -> None:
        if self.model_row(model_id)["is_active"] is not active:
            self._http.post(f"/api/v1/models/model/toggle?id={quote(model_id, safe='')}")

    # Tools

    def tools(self) -> dict[str, Json]:
        """Return all tools by id, with content and grants; valves come one by one."""
        return {row["id"]: row for row in self._http.get("/api/v1/tools/export")}

    def tool_valves(self, tool_id: str) -> Json:
        return self._http.get(f"{_tool(tool_id)}/valves") or {}

    def create_tool(self, form: Json) -> None:
        self._create("tools", form)

    def update_tool(self, form: Json) -> None:
        self._http.post(f"{_tool(form['id'])}/update", form)

    def set_tool_valves(self, tool_id: str, valves: Json) -> Json:
        """Return what Open WebUI stored of them."""
        return self._http.post(f"{_tool(tool_id)}/valves/update", valves) or {}

    def set_tool_access(self, tool_id: str, grants: list[Json]) -> None:
        self._http.post(f"{_tool(tool_id)}/access/update", {"access_grants": grants})

    def delete_tool(self, tool_id: str) -> None:
        self._http.delete(f"{_tool(tool_id)}/delete")

    def load_tool(self, tool_id: str) -> None:
        self._http.get(f"{_tool(tool_id)}/valves/spec")

    # Tool servers

    def tool_servers(self) -> list[Json]:
        found = self._http.get("/api/v1/configs/tool_servers")
        return list(found["TOOL_SERVER_CONNECTIONS"] or [])

    def set_tool_servers(self, connections: list[Json]) -> None:
        self._http.post("/api/v1/configs/tool_servers", {"TOOL_SERVER_CONNECTIONS": connections})

    def tools_behind(self, connection: Json) -> list[Json]:
        """Return `{name, description, parameters}` of the tools behind a connection, asked for by Open WebUI itself."""
        return list(self._http.post("/api/v1/configs/tool_servers/verify", connection)["specs"])

    # Prompts

    def prompts(self) -> dict[str, Json]:
        """Return all prompts by command."""
        return {row["command"]: row for row in self._http.get("/api/v1/prompts/")}

    def create_prompt(self, form: Json) -> None:
        self._create("prompts", form)

    def update_prompt(self, prompt_id: str, form: Json) -> None:
        self._http.post(f"{_prompt(prompt_id)}/update", form)

    def set_prompt_access(self, prompt_id: str, grants: list[Json]) -> None:
        self._http.post(f"{_prompt(prompt_id)}/access/update", {"access_grants": grants})

    def delete_prompt(self, prompt_id: str) -> None:
        self._http.delete(f"{_prompt(prompt_id)}/delete")

    # Settings

    def settings(self) -> Json:
        """Return every stored setting under its dotted name."""
        answer: Json = self._http.get("/api/v1/configs/export")
        return answer

    def keeps_settings(self) -> bool | None:
        """Return whether settings outlast a restart (ENABLE_PERSISTENT_CONFIG); None = it could not be told."""
        try:
            # From the database names are matched by pattern, from memory letter by letter.
            return bool(self._http.get("/api/v1/configs/namespace/u_"))
        except OpenWebUIError:
            return None

    def set_settings(self, values: Json) -> None:
        """Set these settings and no other."""
        self._http.post("/api/v1/configs/import", {"config": values})

    def embedding(self) -> Json:
        answer: Json = self._http.get("/api/v1/retrieval/embedding")
        return answer

    def set_embedding(self, config: Json) -> None:
        self._http.post("/api/v1/retrieval/embedding/update", config)

    def set_retrieval(self, values: Json) -> None:
        self._http.post("/api/v1/retrieval/config/update", values)


def _function(function_id: str) -> str:
    return f"/api/v1/functions/id/{quote(function_id, safe='')}"


def _tool(tool_id: str) -> str:
    return f"/api/v1/tools/id/{quote(tool_id, safe='')}"


def _prompt(prompt_id: str) -> str:
    return f"/api/v1/prompts/id/{quote(prompt_id, safe='')}"


def _not_models(url: str, why: str) -> GatewayError:
    return GatewayError(
        say("{url}/models does not list models ({why}).", url=url, why=why),
        say("Check --gateway-url; it usually ends with /v1."),
    )


def _gateway_error(url: str, error: Refused) -> GatewayError:
    # The signed-in administrator is known by now, so these statuses are the gateway's own.
    if error.status in (401, 403):
        return GatewayError(
            say("The gateway at {url} refuses the key.", url=url),
            say("Create one with `sekisho keys create` and pass it with --gateway-key."),
        )
    if error.status == 500 and "Connection Error" in error.detail:
        return GatewayError(
            say("Open WebUI cannot reach the gateway at {url}.", url=url),
            say(
                "Start the gateway, or give --gateway-url the address under which Open WebUI sees it "
                "(in containers: the service's name, not localhost)."
            ),
        )
    return _not_models(url, say("status {status}: {detail}", status=error.status, detail=error.detail))
