"""Which requests go to the gateway, and the person's groups."""

from typing import Any

from open_webui.models.config import Config

from plugins.shared.groups import group_names
from plugins.shared.log import log
from plugins.user_identity.memory import remembered


async def goes_to_gateway(gateway_url: str, model: dict[str, Any], metadata: dict[str, Any], request: Any) -> bool:
    """Return whether the request goes to the gateway; a direct connection goes through the browser, so never there."""
    if metadata.get("direct"):
        return False
    if not gateway_url:
        return True
    base_id = (model.get("info") or {}).get("base_model_id") or model.get("id")
    index = (getattr(request.app.state, "OPENAI_MODELS", {}).get(base_id) or {}).get("urlIdx")
    urls = await remembered("urls", connection_urls)
    return index is not None and index < len(urls) and urls[index].rstrip("/") == gateway_url.rstrip("/")


async def connection_urls() -> list[str]:
    return list(await Config.get("openai.api_base_urls") or [])


async def remembered_groups(user_id: str) -> list[str]:
    async def load() -> list[str]:
        return await group_names(user_id)

    try:
        return await remembered(f"groups of {user_id}", load)
    except Exception:
        log.exception("user_identity: signing without groups")
        return []
