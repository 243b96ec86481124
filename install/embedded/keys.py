"""The stack's passwords and keys: made at the first start, and anew where one no longer works."""

import asyncio
from dataclasses import replace

from gateway.config.schema import Config
from gateway.identity import key_admin
from gateway.identity.keys import KeyStore, opened
from gateway.preflight import load
from gateway.project import ADMIN_EMAIL
from gateway.secret import Secret
from install.embedded.layout import (
    ADMIN_KEY,
    OPEN_WEBUI_KEY,
    Layout,
    Say,
    StackSecrets,
    new_secret,
    save_secrets,
)
from install.embedded.parts import Ports, gateway_environment
from install.errors import InstallError


def first_secrets(layout: Layout) -> StackSecrets:
    """Make passwords and secrets for the first start; keys come with `with_keys`. Raises `InstallError`."""
    if (layout.open_webui / "webui.db").exists():
        raise InstallError(
            f"{layout.secrets} is missing, and with it the password of {ADMIN_EMAIL}.",
            f"Put back a copy of it, or delete {layout.data} to start anew.",
        )
    nothing = Secret("")
    return StackSecrets(
        new_secret(9), new_secret(32), new_secret(32), nothing, nothing, new_secret(18), admin_key=new_secret(32)
    )


def with_keys(layout: Layout, ports: Ports, secrets: StackSecrets, say: Say) -> StackSecrets:
    """Return the secrets with keys that the gateway knows; what had to be made is saved, and said."""
    config = load(layout.config, gateway_environment(ports, secrets)).config
    for line in missing_lines(config):
        say(f"{layout.config} lacks a line, without which `sekisho doctor` cannot prove all ways. Add: {line}")
    found = asyncio.run(_working(config, secrets))
    save_secrets(layout, found)
    for name, alias in (("gateway_key", OPEN_WEBUI_KEY), ("api_key", ADMIN_KEY)):
        former = getattr(secrets, name)
        if former.reveal() and former != getattr(found, name):
            say(f"The key '{alias}' was revoked or lost; a new one takes its place")
    return found


def missing_lines(config: Config) -> list[str]:
    """Return the lines that a configuration of an earlier version lacks; the file is its owner's, who adds them."""
    lines = {
        'admin_key: "${SEKISHO_ADMIN_KEY}"': config.admin_key,
        'open_webui: {identity_secret: "${SEKISHO_IDENTITY_SECRET}"}': config.open_webui.identity_secret,
    }
    return [line for line, value in lines.items() if value is None]


async def _working(config: Config, secrets: StackSecrets) -> StackSecrets:
    async with opened(config) as store:
        return replace(
            secrets,
            gateway_key=await _one(store, secrets.gateway_key, OPEN_WEBUI_KEY, "open-webui"),
            api_key=await _one(store, secrets.api_key, ADMIN_KEY, None),
        )


async def _one(store: KeyStore, kept: Secret, alias: str, identity: str | None) -> Secret:
    key = await store.find(kept.reveal()) if kept.reveal() else None
    if key and key.identity == identity:
        return kept
    _, made = await key_admin.create(store, _free(store, alias), owner=ADMIN_EMAIL, identity=identity)
    return made


def _free(store: KeyStore, alias: str) -> str:
    """Return the alias, with a number where a former key has it."""
    taken = {key.alias for key in store.all()}
    numbered = (f"{alias}-{number}" for number in range(2, len(taken) + 3))
    return alias if alias not in taken else next(name for name in numbered if name not in taken)
