"""Lines of the manifest for people who begin: notice, starter prompts, banner for new models; applied and undone."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from install.errors import ManifestError
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.resources.models import SINCE
from install.pack.tree import get
from tests.fixtures.open_webui import OpenWebUIServer
from tests.install.conftest import FakeGateway, Pack, content_of

FILTER = """\
filters:
  - name: notices
    valves: {gateway_url: "${SEKISHO_GATEWAY_URL}", secret: "${SEKISHO_IDENTITY_SECRET}"}
"""
LINES = """\
notice:
  version: 2026-04
  text: {ja: "file:notice.ja.md"}
  link: https://intra.example/ai
suggestions:
  - title: Summarise
    subtitle: a long text
    content: "Summarise this text in five sentences:\\n"
    i18n: {ja-JP: {title: 要約, subtitle: 長い文章, content: 次の文章を5文で要約してください。}}
  - {title: Explain, content: Explain this to a beginner.}
new_models: {days: 14}
"""


@pytest.fixture
def options(gateway: FakeGateway, options: Options) -> Options:
    """With the pack's own plugins."""
    return dataclasses.replace(options, plugins=None)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return written(tmp_path, FILTER + LINES)


def written(folder: Path, text: str) -> Manifest:
    (folder / "notice.ja.md").write_text("**社内**の注意", encoding="utf-8")
    path = folder / "pack.yaml"
    path.write_text(text, encoding="utf-8")
    return read_manifest(path)


def banners(server: OpenWebUIServer) -> dict[str, Any]:
    stored = server.request("GET", "/api/v1/configs/export")["ui.banners"] or []
    return {each["id"]: each for each in stored}


def test_they_are_applied_once_and_undone(server: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    before = content_of(server)
    pack.apply(manifest)
    [stored] = [
        each
        for each in server.request("GET", "/api/v1/functions/export?include_valves=true")
        if each["id"] == "notices"
    ]
    assert (stored["is_active"], stored["is_global"]) == (True, True)
    valves = stored["valves"]
    assert (valves["guide"], valves["guide_version"], valves["guide_link"]) == (
        True,
        "2026-04",
        "https://intra.example/ai",
    )
    assert (valves["guide_text_en"], valves["guide_text_ja"]) == ("", "**社内**の注意")
    config = server.request("GET", "/api/config", token=server.admin_token)
    assert config["default_prompt_suggestions"] == [
        {"title": ["Summarise", "a long text"], "content": "Summarise this text in five sentences:\n"},
        {"title": ["Explain", ""], "content": "Explain this to a beginner."},
    ]
    japanese = config["default_prompt_suggestions_i18n"]["ja-JP"]["suggestion_prompts"]
    assert [each["title"][0] for each in japanese] == ["要約", "Explain"], "what has no translation stays"
    assert set(banners(server)) == {"sekisho_notice"}, "no model is new where all are"
    notice = banners(server)["sekisho_notice"]
    assert "(https://intra.example/ai)" in notice["content"]
    assert "社内ルール" in notice["i18n"]["ja-JP"]["content"]
    assert pack.plan(manifest).pending == ()
    pack.rollback()
    assert content_of(server) == before


def test_what_an_administrator_had_comes_back(server: OpenWebUIServer, pack: Pack, manifest: Manifest) -> None:
    theirs = {
        "ui.prompt_suggestions": [{"title": ["Ours", ""], "content": "Hi"}],
        "ui.banners": [{"id": "lunch", "type": "info", "content": "Noon", "dismissible": True, "timestamp": 1}],
    }
    server.request("POST", "/api/v1/configs/import", {"config": theirs})
    pack.apply(manifest)
    assert set(banners(server)) == {"lunch", "sekisho_notice"}
    pack.remove()
    found = server.request("GET", "/api/v1/configs/export")
    assert found["ui.prompt_suggestions"] == theirs["ui.prompt_suggestions"]
    assert [each["id"] for each in found["ui.banners"]] == ["lunch"]


def test_a_model_that_comes_later_is_named_for_some_days(
    server: OpenWebUIServer, pack: Pack, manifest: Manifest, gateway: FakeGateway, tmp_path: Path
) -> None:
    pack.apply(manifest)
    gateway.models += [
        {"id": "new-model", "object": "model", "mode": "chat"},
        {"id": "new-embedding", "object": "model", "mode": "embedding"},
    ]
    pack.apply(manifest)
    new = banners(server)["sekisho_new_models"]
    assert new["content"] == "New in the model menu: new-model"
    assert new["i18n"]["ja-JP"]["content"] == "新しいモデルが使えます: new-model"
    assert pack.plan(manifest).pending == ()
    row = next(each for each in server.request("GET", "/api/v1/models/all") if each["id"] == "new-model")
    assert get(row, SINCE) == f"{datetime.now(UTC).date()}"
    row["meta"]["sekisho"]["since"] = f"{datetime.now(UTC).date() - timedelta(days=15)}"
    form = {key: row[key] for key in ("id", "name", "base_model_id", "params", "meta")}
    server.request("POST", "/api/v1/models/model/update", form)
    pack.apply(manifest)
    assert "sekisho_new_models" not in banners(server), "its days are over"
    pack.apply(written(tmp_path, FILTER))
    assert banners(server) == {}


def test_without_a_notice_the_filter_shows_none(server: OpenWebUIServer, pack: Pack, tmp_path: Path) -> None:
    pack.apply(written(tmp_path, FILTER))
    stored = server.request("GET", "/api/v1/functions/export?include_valves=true")
    assert next(each for each in stored if each["id"] == "notices")["valves"]["guide"] is False
    assert banners(server) == {}


def test_a_notice_needs_its_filter(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"pack.yaml:1.*the filter notices shows the notice"):
        pack.plan(written(tmp_path, "notice: {}\n"))


@pytest.mark.parametrize(
    "line",
    [
        "notice: {link: 'javascript:alert(1)'}",
        "notice: {link: 'https://a.example/)[x](https://b.example'}",
        "notice: {version: ''}",
        "notice: {text: {fr: x}}",
        "notice: {text: {ja: 'file:missing.md'}}",
        "suggestions: [{title: x}]",
        "suggestions: [{title: '', content: x}]",
        "suggestions: [{title: x, content: ''}]",
        "suggestions: {title: x, content: y}",
        "suggestions: [{title: x, content: y, i18n: {ja-JP: {title: z}}}]",
        "new_models: {days: 0}",
        "new_models: {days: 99999999999999999999}",
        "new_models: true",
    ],
)
def test_what_cannot_be_is_told_with_its_line(pack: Pack, tmp_path: Path, line: str) -> None:
    with pytest.raises(ManifestError, match=r"pack.yaml:4"):
        pack.plan(written(tmp_path, FILTER + line + "\n"))
