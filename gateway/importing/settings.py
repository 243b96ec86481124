"""LiteLLM's sections besides `model_list` as ours."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from gateway.config.document import Key
from gateway.importing.findings import Findings
from gateway.importing.source import Source
from gateway.importing.values import Values, is_secret, number, whole
from gateway.importing.words import CALLBACKS, SECTIONS, SETTINGS

_LISTS = ("callbacks", "success_callback", "failure_callback", "service_callbacks", "service_callback")
_S3 = {
    "s3_use_team_prefix": "team_prefix",
    "s3_use_key_prefix": "key_prefix",
    "s3_partition_granularity": "granularity",
}
_STORE = {
    "s3_region_name": "aws_region",
    "s3_endpoint_url": "aws_endpoint",
    "s3_aws_access_key_id": "aws_access_key_id",
    "s3_aws_secret_access_key": "aws_secret_access_key",
    "s3_aws_session_token": "aws_session_token",
    "s3_server_side_encryption": "aws_server_side_encryption",
    "s3_sse_kms_key_id": "aws_sse_kms_key_id",
}


class Settings:
    """Our sections, made from theirs."""

    def __init__(self, source: Source, findings: Findings, values: Values) -> None:
        self.source, self.findings, self.values = source, findings, values
        self.config: dict[str, Any] = {}
        for (section, name), convert in _CONVERTED.items():
            if name in (found := source.section(section)):
                convert(self, (section, name), found[name])
        self._redis()
        self._callbacks()
        self._words()

    def put(self, section: str, name: str, value: Any) -> None:
        self.config.setdefault(section, {})[name] = value

    def secret(self, key: Key, value: Any, ours: str, words: str, kind: Any = "exact") -> None:
        """Put a secret at the top, from the environment."""
        if found := self.values.text(value, key, secret=True):
            self.config[ours] = found
            if self.values.is_literal(value):
                kind, words = "manual", f"{words}; it stood in the file: set the variable of {found}"
            self.findings.add(kind, key, words)

    def _redis(self) -> None:
        """Put what processes share: a URL, or one made of host, port and password."""
        for section in ("router_settings", "litellm_settings"):
            found = self.source.section(section)
            place: Key = (section,)
            if section == "litellm_settings":
                found, place = found.get("cache_params") or {}, (section, "cache_params")
                found = found if isinstance(found, dict) and found.get("type", "redis") == "redis" else {}
            names = [name for name in found if str(name).startswith("redis_") or (len(place) > 1 and name in _REDIS)]
            told = {name.removeprefix("redis_"): found[name] for name in names}
            if "shared_state" in self.config or not {"url", "host"} & set(told):
                continue
            self.config["shared_state"] = self._address(told, place)
            for name in names:
                self.findings.add("exact", (*place, name), "shared_state: limits of all processes count in it")

    def _address(self, told: Mapping[str, Any], place: Key) -> str:
        url = self.values.text(told.get("url"), (*place, "redis_url"), secret=True)
        if url:
            return url
        host = self.values.text(told.get("host"), (*place, "redis_host"))
        port = self.values.text(told.get("port"), (*place, "redis_port")) or "6379"
        password = self.values.text(told.get("password"), (*place, "redis_password"), secret=True)
        user = quote(str(told.get("username") or ""))
        return f"redis://{f'{user}:{password}@' if password else ''}{host}:{port}"

    def _callbacks(self) -> None:
        """Put what is told to others: records for S3, metrics, traces."""
        found = self.source.section("litellm_settings")
        for name in _LISTS:
            value = found.get(name)
            rows = enumerate(value) if isinstance(value, list) else [(None, value)] if value else []
            for index, each in rows:
                key: Key = ("litellm_settings", name) if index is None else ("litellm_settings", name, index)
                kind, words = CALLBACKS.get(
                    str(each), ("unsupported", "nothing is sent to it; the ledger has every request")
                )
                self.findings.add(kind, key, words)
        params = found.get("s3_callback_params")
        if isinstance(params, dict):
            self._s3(params, ("litellm_settings", "s3_callback_params"))

    def _s3(self, params: Mapping[str, Any], key: Key) -> None:
        bucket = self.values.text(params.get("s3_bucket_name"), (*key, "s3_bucket_name"))
        if not bucket:
            return
        path = (self.values.text(params.get("s3_path"), (*key, "s3_path")) or "").strip("/")
        copy: dict[str, Any] = {"destination": f"s3://{bucket}" + (f"/{path}" if path else "")}
        for name in ("s3_bucket_name", "s3_path"):
            self._tell(params, key, name, "ledger.litellm.destination: a copy of each record in LiteLLM's layout")
        for theirs, ours in _S3.items():
            if isinstance(params.get(theirs), bool) or params.get(theirs) in ("day", "hour"):
                copy[ours] = params[theirs]
                self._tell(params, key, theirs, f"ledger.litellm.{ours}")
        options = {}
        for theirs, ours in _STORE.items():
            if found := self.values.text(params.get(theirs), (*key, theirs), secret=is_secret(theirs)):
                options[ours] = found
                self._tell(params, key, theirs, f"ledger.store_options.{ours}")
        self.put("ledger", "litellm", copy)
        if options:
            self.put("ledger", "store_options", options)

    def _tell(self, params: Mapping[str, Any], key: Key, name: str, words: str) -> None:
        if name in params:
            self.findings.add("exact", (*key, name), words)

    def _words(self) -> None:
        """Tell what has no counterpart, or needs a hand."""
        for section, names in SETTINGS.items():
            for name in self.source.section(section):
                if name in names:
                    kind, words = names[name]
                    self.findings.add(kind, (section, name), words)
        for section, (kind, words) in SECTIONS.items():
            value = self.source.data.get(section)
            rows = range(len(value)) if isinstance(value, list) else list(value) if isinstance(value, dict) else []
            for each in rows:
                self.findings.add(kind, (section, each), words)


_REDIS = ("host", "port", "password", "username", "url")


def _master_key(settings: Settings, key: Key, value: Any) -> None:
    words = "admin_key; people and programs get keys of their own: sekisho keys create"
    settings.secret(key, value, "admin_key", words, "approximate")


def _limit(section: str, name: str, times: int = 1) -> Callable[[Settings, Key, Any], None]:
    def put(settings: Settings, key: Key, value: Any) -> None:
        if found := number(value):
            settings.put(section, name, int(found * times))
            settings.findings.add("exact", key, f"{section}.{name}")

    return put


def _networks(section: str, name: str) -> Callable[[Settings, Key, Any], None]:
    def put(settings: Settings, key: Key, value: Any) -> None:
        told = [str(each) for each in value] if isinstance(value, list) else []
        if told and all(_is_network(each) for each in told):
            settings.put(section, name, told)
            settings.findings.add("exact", key, f"{section}.{name}")

    return put


def _is_network(text: str) -> bool:
    from ipaddress import ip_network

    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _retention(settings: Settings, key: Key, value: Any) -> None:
    text = str(value)
    if text.endswith("d") and (days := whole(text[:-1])):
        settings.config.setdefault("ledger", {}).setdefault("retention_days", days)
        settings.findings.add("exact", key, "ledger.retention_days")


_CONVERTED: Mapping[tuple[str, str], Callable[[Settings, Key, Any], None]] = {
    ("general_settings", "master_key"): _master_key,
    ("general_settings", "global_max_parallel_requests"): _limit("admission", "max_running"),
    ("general_settings", "max_in_flight_requests_per_worker"): _limit("admission", "max_running"),
    ("general_settings", "max_queued_requests_per_worker"): _limit("admission", "max_waiting"),
    ("general_settings", "max_request_size_mb"): _limit("server", "max_body_bytes", 1024 * 1024),
    ("general_settings", "allowed_ips"): _networks("server", "allowed_networks"),
    ("general_settings", "trusted_proxy_ranges"): _networks("server", "trusted_proxies"),
    ("general_settings", "maximum_spend_logs_retention_period"): _retention,
}
