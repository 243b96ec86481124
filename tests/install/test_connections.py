"""Merging our connection into Open WebUI's three parallel collections, without a server."""

from typing import Any

from gateway.secret import Secret
from install.pack.change import Action
from install.pack.connections import IDENTITY_HEADERS, diff, with_gateway
from install.pack.desired import Connection

OURS = Connection("http://gateway:4000/v1", Secret("sk-ours"), {})


def config(urls: list[str], keys: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": urls,
        "OPENAI_API_KEYS": keys,
        "OPENAI_API_CONFIGS": settings,
    }


def test_settings_kept_under_a_url_move_to_their_index() -> None:
    before = config(["http://a/v1", "http://b/v1"], ["ka"], {"http://b/v1": {"enable": False}})
    after = with_gateway(OURS, before)
    assert after["OPENAI_API_BASE_URLS"] == ["http://a/v1", "http://b/v1", OURS.url]
    assert after["OPENAI_API_KEYS"] == ["ka", "", "sk-ours"]
    assert after["OPENAI_API_CONFIGS"]["1"] == {"enable": False}
    assert "0" not in after["OPENAI_API_CONFIGS"]


def test_surplus_keys_of_an_old_installation_are_not_taken_for_ours() -> None:
    after = with_gateway(OURS, config(["http://a/v1"], ["ka", "left over"], {}))
    assert after["OPENAI_API_KEYS"] == ["ka", "sk-ours"]


def test_ours_stays_in_its_place_and_keeps_the_settings_of_the_administrator() -> None:
    settings = {"enable": False, "prefix_id": "gw", "tags": [{"name": "mine"}], "headers": {"X-Own": "1"}}
    before = config(["HTTP://Gateway:4000/v1/", "http://b/v1"], ["old", "kb"], {"0": settings})
    after = with_gateway(OURS, before)
    assert after["OPENAI_API_BASE_URLS"] == [OURS.url, "http://b/v1"]
    assert after["OPENAI_API_KEYS"] == ["sk-ours", "kb"]
    merged = after["OPENAI_API_CONFIGS"]["0"]
    assert merged["prefix_id"] == "gw"
    assert merged["enable"] is True
    assert merged["tags"] == [{"name": "mine"}, {"name": "sekisho"}]
    assert merged["headers"] == {"X-Own": "1", **IDENTITY_HEADERS}


def test_a_header_in_other_letters_is_the_same_header() -> None:
    settings = {"headers": {"x-openwebui-user-id": "{{USER_EMAIL}}"}}
    merged = with_gateway(OURS, config([OURS.url], ["sk-ours"], {"0": settings}))["OPENAI_API_CONFIGS"]["0"]
    assert merged["headers"] == IDENTITY_HEADERS
    assert with_gateway(OURS, config([OURS.url], ["sk-ours"], {"0": merged}))["OPENAI_API_CONFIGS"]["0"] == merged


def test_the_difference_is_told_without_the_key() -> None:
    done = with_gateway(OURS, config([], [], {}))
    (same,) = diff(OURS, done)
    assert same.action is Action.UNCHANGED

    done["OPENAI_API_KEYS"] = ["sk-old"]
    done["OPENAI_API_CONFIGS"]["0"]["headers"].pop("X-Sekisho-Task")
    (change,) = diff(OURS, done | {"ENABLE_OPENAI_API": False})
    assert change.action is Action.UPDATE
    assert change.details == ("key: ***", "header X-Sekisho-Task: {{TASK}}", "OpenAI connections: on")
    assert "sk-" not in repr(change)
