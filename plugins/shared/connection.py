"""Open WebUI's connection to the gateway."""

from typing import Any

from open_webui.models.config import Config


async def connection_key(gateway_url: str) -> str | None:
    """Return the key of the connection with this address, None if there is none."""
    wanted = gateway_url.strip().rstrip("/")
    stored = await Config.get_many("openai.api_base_urls", "openai.api_keys")
    pairs = zip(stored.get("openai.api_base_urls") or [], stored.get("openai.api_keys") or [], strict=False)
    return next((str(key) for url, key in pairs if wanted and str(url).rstrip("/") == wanted), None)


async def connection_prefix(gateway_url: str) -> str:
    """Return the prefix that stands before the names of this connection's models; empty where there is none."""
    wanted = gateway_url.strip().rstrip("/")
    stored = await Config.get_many("openai.api_base_urls", "openai.api_configs")
    urls = [str(url).rstrip("/") for url in stored.get("openai.api_base_urls") or []]
    configs: Any = stored.get("openai.api_configs") or {}
    if wanted not in urls or not isinstance(configs, dict):
        return ""
    settings = configs.get(str(urls.index(wanted)))
    return str(settings.get("prefix_id") or "") if isinstance(settings, dict) else ""
