"""Our connection among Open WebUI's three parallel collections, without a server."""

from typing import Any

from install.pack.resources.connections import as_config, entries, from_record, to_record


def config(urls: list[str], keys: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "ENABLE_OPENAI_API": True,
        "OPENAI_API_BASE_URLS": urls,
        "OPENAI_API_KEYS": keys,
        "OPENAI_API_CONFIGS": settings,
    }


def rewritten(before: dict[str, Any]) -> dict[str, Any]:
    return as_config(before, [from_record(to_record(entry)) for entry in entries(before)])


def test_what_is_not_ours_comes_back_byte_by_byte() -> None:
    settings = {
        "0": {"enable": False, "tags": [{"name": "mine", "colour": "red"}], "headers": {"X-Own": "1"}, "own": None},
        "1": {},
    }
    before = config(["http://a/v1", "http://b/v1", "http://c/v1"], ["ka", "", "kc"], settings)
    assert rewritten(before) == before


def test_settings_kept_under_a_url_move_to_their_index() -> None:
    before = config(["http://a/v1", "http://b/v1"], ["ka"], {"http://b/v1": {"enable": False}})
    after = rewritten(before)
    assert after["OPENAI_API_KEYS"] == ["ka", ""]
    assert after["OPENAI_API_CONFIGS"] == {"1": {"enable": False}}


def test_surplus_keys_of_an_old_installation_are_not_taken_for_ours() -> None:
    assert rewritten(config(["http://a/v1"], ["ka", "left over"], {}))["OPENAI_API_KEYS"] == ["ka"]
