"""The filter: each request to the gateway carries who asks, signed."""

from typing import Any, Literal

from pydantic import BaseModel

from plugins.shared.identity import identity
from plugins.shared.signature import sign
from plugins.shared.valve import valve
from plugins.user_identity.gateway import goes_to_gateway, remembered_groups
from plugins.user_identity.memory import is_fresh, warn_no_secret

TOKEN_KEY = "sekisho_identity"
CLAIMED_BY_CLIENT = (TOKEN_KEY, "user", "safety_identifier")


class Filter:
    class Valves(BaseModel):
        priority: int = valve(100, "valves.priority")
        secret: str = valve("", "valves.secret", json_schema_extra={"input": {"type": "password"}})
        lifetime_seconds: int = valve(300, "valves.lifetime_seconds", ge=10, le=3600)
        share: Literal["id", "id_and_email", "all"] = valve("all", "valves.share")
        gateway_url: str = valve("", "valves.gateway_url")

    def __init__(self) -> None:
        self.valves = self.Valves()

    async def inlet(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
    ) -> dict[str, Any]:
        for key in CLAIMED_BY_CLIENT:
            body.pop(key, None)
        return await self.request(body, __user__, __metadata__, __model__, __request__)

    async def request(
        self,
        body: dict[str, Any],
        __user__: dict[str, Any],
        __metadata__: dict[str, Any],
        __model__: dict[str, Any],
        __request__: Any,
    ) -> dict[str, Any]:
        """Sign before every call of the model, so that a long tool loop never outlives its signature."""
        valves = self.valves
        token = body.pop(TOKEN_KEY, None)
        if not valves.secret:
            warn_no_secret()
        elif await goes_to_gateway(valves.gateway_url, __model__, __metadata__, __request__):
            claims = identity(__user__, __metadata__, await remembered_groups(__user__["id"]), valves.share)
            fresh = is_fresh(token, claims, valves.secret)
            body[TOKEN_KEY] = token if fresh else sign(claims, valves.secret, valves.lifetime_seconds)
        return body
