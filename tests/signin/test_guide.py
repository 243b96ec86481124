"""The settings in the guide of signing in are ones that the gateway takes, and the same in both languages."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from ruamel.yaml import YAML

from gateway.config.load import load
from gateway.config.schema import Config
from gateway.console.oidc_pages import CALLBACK
from gateway.errors import ConfigError
from gateway.signin.errors import Reason

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, JAPANESE = ((DOCS / f"console-sign-in{suffix}.md").read_text() for suffix in ("", ".ja"))


def _settings(page: str) -> list[dict[str, Any]]:
    blocks = page.replace("${SEKISHO_OIDC_SECRET}", "se:c/r+e%t-0123456789")
    return [YAML(typ="safe").load(each) for each in re.findall(r"```yaml\n(.*?)```", blocks, re.DOTALL)]


@pytest.mark.parametrize("settings", _settings(ENGLISH), ids=lambda each: each["console"]["oidc"]["issuer"])
def test_settings_are_taken(settings: dict[str, Any]) -> None:
    made = Config.model_validate(settings)
    assert made.console
    assert made.console.oidc


@pytest.mark.parametrize("page", [ENGLISH, JAPANESE], ids=["en", "ja"])
def test_both_languages_say_the_same(page: str) -> None:
    assert _settings(page) == _settings(ENGLISH)
    assert CALLBACK in page
    assert all(f"`{reason}`" in page for reason in get_args(Reason))


def test_the_address_of_browsers_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "sekisho.yaml"
    file.write_text("models: []\nconsole: {oidc: {issuer: https://login.example.com, client_id: sekisho}}\n")
    with pytest.raises(ConfigError, match=r"sekisho.yaml:2: console.oidc: needs 'server.public_url'"):
        load(file, {})
    file.write_text(f"{file.read_text()}server: {{public_url: https://ai.example.com}}\n")
    assert load(file, {}).config.console
