"""Open WebUI's connection to the gateway."""

from open_webui.models.config import Config


async def connection_key(gateway_url: str) -> str | None:
    """Return the key of the connection with this address, None if there is none."""
    wanted = gateway_url.strip().rstrip("/")
    stored = await Config.get_many("openai.api_base_urls", "openai.api_keys")
    pairs = zip(stored.get("openai.api_base_urls") or [], stored.get("openai.api_keys") or [], strict=False)
    return next((str(key) for url, key in pairs if wanted and str(url).rstrip("/") == wanted), None)
