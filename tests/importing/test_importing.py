"""LiteLLM's configurations as ours: what stands in the result, and one finding for every value of the file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.load import load
from gateway.config.schema import Config
from gateway.errors import ConfigError
from gateway.importing.importing import Imported, import_litellm

_CANARY = "canary-3f9a"


def _imported(folder: Path, text: str, **more: str) -> Imported:
    (folder / "config.yaml").write_text(text)
    for name, content in more.items():
        (folder / f"{name}.yaml").write_text(content)
    done = import_litellm(folder / "config.yaml", folder / "out")
    assert done.problems == []
    _each_value_is_told_of_once(done, folder, text, more.values())
    return done


def _each_value_is_told_of_once(done: Imported, folder: Path, text: str, more: Any) -> None:
    """Check that each value of the files is below the key of exactly one finding."""
    data: dict[str, Any] = {}
    for each in (text, *more):
        for name, value in (YAML(typ="safe").load(each) or {}).items():
            if name != "include":
                data[name] = [*data[name], *value] if isinstance(data.get(name), list) else data.get(name, value)
    keys = [finding.key for finding in done.findings]
    for leaf in _leaves(data, ()):
        assert len([key for key in keys if leaf[: len(key)] == key]) == 1, leaf


def _leaves(node: Any, key: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    rows = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    children = [leaf for name, value in rows for leaf in _leaves(value, (*key, name))]
    yield from children or [key]


def _result(done: Imported, folder: Path, **environ: str) -> Config:
    values = {name: "k" * 40 for name in done.variables} | environ
    return load(folder / "out" / "sekisho.yaml", values).config


def _kinds(done: Imported) -> dict[str, str]:
    return {finding.dotted: finding.kind for finding in done.findings}


def _entry(name: str, model: str, **params: Any) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": model, **params}}


def _text(**sections: Any) -> str:
    return json.dumps(sections)


def test_models_of_three_clouds_and_own_machines_in_a_file_each(tmp_path: Path) -> None:
    done = _imported(
        tmp_path,
        _text(
            model_list=[
                _entry("gpt", "azure/gpt-eu", api_base="https://r.openai.azure.com", api_key="os.environ/AZ_KEY"),
                _entry("gpt", "openai/gpt-6.1-sol", api_key="os.environ/OPENAI_API_KEY", weight=3),
                _entry("claude", "bedrock/converse/eu.anthropic.claude-opus-5-5", aws_region_name="eu-central-1"),
                _entry("gemini", "vertex_ai/gemini-3.8-flash", vertex_project="p-1", vertex_location="eu"),
                _entry("qwen", "hosted_vllm/Qwen/Qwen3", api_base="http://gpu1:8000/v1", max_parallel_requests=32),
                _entry("foundry", "azure_ai/claude-opus-5-5", api_base="https://r.services.ai.azure.com", api_key="x"),
                _entry("grok", "xai/grok-4.6"),
            ]
        ),
    )
    config = _result(done, tmp_path, AZ_KEY="az" * 20)
    found = {model.name: model.deployments for model in config.models}

    assert [file.name for file in done.files] == [
        "sekisho.yaml",
        *(f"{cloud}.yaml" for cloud in ("azure", "bedrock", "vertex", "onprem", "others")),
    ]
    azure, openai = found["gpt"]
    assert (azure.provider, azure.model) == ("azure", "gpt-eu")
    assert azure.base_url is not None
    assert azure.base_url.startswith("https://r.openai.azure.com")
    assert azure.api_key is not None
    assert azure.api_key.reveal() == "az" * 20
    assert (openai.provider, openai.weight) == ("openai", 3)
    (claude,) = found["claude"]
    assert (claude.region, claude.dialects, claude.model) == (
        "eu-central-1",
        ("converse",),
        "eu.anthropic.claude-opus-5-5",
    )
    assert (found["gemini"][0].project, found["gemini"][0].location) == ("p-1", "eu")
    assert (found["qwen"][0].model, found["qwen"][0].max_concurrency) == ("Qwen/Qwen3", 32)
    assert (found["foundry"][0].provider, found["foundry"][0].base_url) == (
        "azure-anthropic",
        "https://r.services.ai.azure.com",
    )
    assert found["grok"][0].base_url == "https://api.x.ai/v1"
    assert "XAI_API_KEY" in done.variables


def test_azure_by_date_by_entra_id_and_by_the_model_behind_a_name(tmp_path: Path) -> None:
    entry = _entry("m", "azure/company-chat", api_base="https://r.openai.azure.com", api_version="2024-10-21")
    entry["litellm_params"] |= {"tenant_id": "os.environ/T", "client_id": "os.environ/C", "client_secret": "x"}
    entry["model_info"] = {"base_model": "azure/gpt-6.1-sol"}
    done = _imported(tmp_path, _text(model_list=[entry]))
    ((deployment,),) = [model.deployments for model in _result(done, tmp_path).models]

    assert (deployment.api_version, deployment.entra, deployment.base_model) == ("2024-10-21", True, "gpt-6.1-sol")
    assert deployment.api_key is None
    kinds = _kinds(done)
    assert kinds["model_list.0.model_info.base_model"] == "exact"
    assert kinds["model_list.0.litellm_params.client_secret"] == "manual"


def test_an_address_may_be_a_variable_of_any_name(tmp_path: Path) -> None:
    entry = _entry("m", "hosted_vllm/x", api_base="os.environ/GPUS", api_key="os.environ/GPUS_API_KEY")
    done = _imported(tmp_path, _text(model_list=[entry]))
    ((deployment,),) = [model.deployments for model in _result(done, tmp_path, GPUS="http://gpu1:8000/v1").models]

    assert deployment.base_url == "http://gpu1:8000/v1"


def test_what_is_said_of_a_model_is_kept_and_a_second_word_is_told_of(tmp_path: Path) -> None:
    first = _entry("m", "openai/gpt-6-luna", input_cost_per_token=0.000003)
    first["model_info"] = {"mode": "embedding", "max_input_tokens": 8192, "output_cost_per_token": "1.5e-05"}
    second = _entry("m", "openai/gpt-6-sol", input_cost_per_token=0.000004, cache_read_input_token_cost=0.0000003)
    done = _imported(tmp_path, _text(model_list=[first, second]))
    (model,) = _result(done, tmp_path).models

    assert (model.mode, model.context_window) == ("embedding", 8192)
    assert model.price is not None
    assert [float(each or 0) for each in (model.price.input, model.price.output, model.price.cached_input)] == [
        3,
        15,
        0.3,
    ]
    kinds = _kinds(done)
    assert kinds["model_list.0.litellm_params.input_cost_per_token"] == "exact"
    assert kinds["model_list.1.litellm_params.input_cost_per_token"] == "manual"


def test_fallbacks_aliases_timeouts_and_strictness(tmp_path: Path) -> None:
    models = [_entry(name, f"openai/{name}") for name in ("a", "b", "c")]
    done = _imported(
        tmp_path,
        _text(
            model_list=models,
            router_settings={
                "fallbacks": [{"a": ["b"]}],
                "model_group_alias": {"also-a": "a", "hidden": {"model": "b", "hidden": True}, "none": "nobody"},
                "routing_strategy": "latency-based-routing",
                "stream_timeout": 30,
            },
            litellm_settings={
                "context_window_fallbacks": [{"a": ["c"]}],
                "content_policy_fallbacks": [{"a": ["c"]}],
                "default_fallbacks": ["c"],
                "drop_params": False,
                "request_timeout": 90,
            },
        ),
    )
    found = {model.name: model for model in _result(done, tmp_path).models}

    assert set(found) == {"a", "b", "c", "also-a", "hidden"}
    assert found["a"].fallback == ("b", "c")
    assert found["b"].fallback == ("c",)
    assert found["c"].fallback == ()
    assert all(model.strict_parameters for model in found.values())
    assert {(each.timeout, each.idle_timeout) for model in found.values() for each in model.deployments} == {(90, 30)}
    kinds = _kinds(done)
    assert kinds["router_settings.model_group_alias.none"] == "manual"
    assert kinds["litellm_settings.content_policy_fallbacks"] == "unsupported"
    assert kinds["router_settings.fallbacks"] == "exact"
    assert kinds["router_settings.routing_strategy"] == "approximate"


def test_a_wildcard_is_the_models_that_the_table_knows(tmp_path: Path) -> None:
    done = _imported(tmp_path, _text(model_list=[_entry("openai/*", "openai/*"), _entry("*", "groq/*")]))
    names = {model.name for model in _result(done, tmp_path).models}

    assert {"openai/gpt-6.1-sol", "openai/text-embedding-3-large"} <= names
    assert "openai/gpt-4" not in names, "it has ended"
    assert _kinds(done)["model_list.0.model_name"] == "approximate"
    assert _kinds(done)["model_list.1"] == "manual", "nobody lists that vendor's models"


def test_general_settings_redis_s3_and_metrics(tmp_path: Path) -> None:
    done = _imported(
        tmp_path,
        _text(
            model_list=[],
            general_settings={
                "master_key": "os.environ/LITELLM_MASTER_KEY",
                "max_request_size_mb": 10,
                "global_max_parallel_requests": 50,
                "allowed_ips": ["10.1.2.3", "10.0.0.0/8"],
                "maximum_spend_logs_retention_period": "30d",
                "database_url": "os.environ/DATABASE_URL",
                "pass_through_endpoints": [{"path": "/v1/x", "target": "https://example.com"}],
            },
            router_settings={
                "redis_host": "os.environ/REDIS_HOST",
                "redis_port": 6380,
                "redis_password": "os.environ/RP",
            },
            litellm_settings={
                "callbacks": ["prometheus", "langfuse"],
                "success_callback": "s3_v2",
                "s3_callback_params": {
                    "s3_bucket_name": "logs",
                    "s3_path": "litellm/",
                    "s3_region_name": "eu-central-1",
                    "s3_aws_access_key_id": "os.environ/AK",
                    "s3_use_team_prefix": True,
                    "s3_partition_granularity": "hour",
                    "s3_strip_base64_files": True,
                },
            },
        ),
    )
    config = _result(done, tmp_path, REDIS_HOST="cache")

    assert config.admin_key is not None
    assert config.server.max_body_bytes == 10 * 1024 * 1024
    assert config.admission.max_running == 50
    assert [str(each) for each in config.server.allowed_networks] == ["10.1.2.3/32", "10.0.0.0/8"]
    assert config.shared_state is not None
    assert config.shared_state.reveal() == f"redis://:{'k' * 40}@cache:6380"
    assert config.ledger.retention_days == 30
    copy = config.ledger.litellm
    assert copy is not None
    assert (copy.destination, copy.team_prefix, copy.granularity) == ("s3://logs/litellm", True, "hour")
    assert config.ledger.store_options["aws_region"].reveal() == "eu-central-1"
    kinds = _kinds(done)
    assert kinds["litellm_settings.callbacks.0"] == "exact"
    assert kinds["litellm_settings.callbacks.1"] == "unsupported"
    assert kinds["litellm_settings.s3_callback_params.s3_strip_base64_files"] != "exact"
    assert kinds["general_settings.database_url"] == "manual"
    assert kinds["general_settings.pass_through_endpoints"] == "unsupported"


def test_a_file_of_credentials_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        _text(model_list=[_entry("one", "vertex_ai/gemini-3.8-flash", vertex_credentials="/etc/google/gateway.json")])
    )
    out = tmp_path / "out"
    CliRunner().invoke(app, ["import-litellm", str(tmp_path / "config.yaml"), "--out", str(out)])
    assert "credentials_file: /etc/google/gateway.json" in (out / "models" / "vertex.yaml").read_text()


def test_secrets_in_the_file_become_variables_and_are_never_shown(tmp_path: Path) -> None:
    text = _text(
        environment_variables={"OPENAI_API_KEY": f"sk-{_CANARY}-env"},
        model_list=[
            _entry("one", "openai/gpt-6-sol", api_key=f"sk-{_CANARY}"),
            _entry("two", "openai/gpt-6-luna", api_key=f"sk-{_CANARY}"),
            _entry("three", "openai/gpt-6-luna", api_key=f"sk-{_CANARY}-other"),
            _entry("four", "hosted_vllm/x", api_base=f"https://gpu/v1?api_key={_CANARY}"),
            _entry("five", "bedrock/amazon.nova-lite-v1:0", aws_region_name="x-1", aws_secret_access_key=_CANARY),
            _entry("six", "vertex_ai/gemini-3.8-flash", vertex_credentials=json.dumps({"private_key": _CANARY})),
            _entry("seven", "azure/x", api_base="https://r.openai.azure.com", client_secret=_CANARY, tenant_id="t"),
        ],
        general_settings={"master_key": f"sk-{_CANARY}-admin", "database_url": f"postgresql://u:{_CANARY}@h/d"},
        router_settings={"redis_host": "r", "redis_password": _CANARY},
        litellm_settings={"s3_callback_params": {"s3_bucket_name": "b", "s3_aws_secret_access_key": _CANARY}},
        mcp_servers={"a": {"auth_value": _CANARY}},
        unknown_section={"deep": [_CANARY]},
    )
    (tmp_path / "config.yaml").write_text(text)
    out = tmp_path / "out"
    shown = CliRunner().invoke(app, ["import-litellm", str(tmp_path / "config.yaml"), "--out", str(out)])
    written = "".join(file.read_text() for file in out.rglob("*.yaml"))

    assert shown.exit_code == 0, shown.output
    assert _CANARY not in shown.output + written
    assert written.count("${ONE_API_KEY}") == 2, "one secret is one variable"
    assert "${THREE_API_KEY}" in written
    assert "ONE_API_KEY" in shown.output
    told = json.loads(
        CliRunner()
        .invoke(app, ["import-litellm", str(tmp_path / "config.yaml"), "--out", str(tmp_path / "2"), "--json"])
        .output
    )
    assert _CANARY not in json.dumps(told)
    assert {each["kind"] for each in told["findings"] if each["key"].endswith("api_key")} == {"manual"}


def test_credentials_of_a_list_stand_on_the_deployments(tmp_path: Path) -> None:
    done = _imported(
        tmp_path,
        _text(
            model_list=[_entry("m", "azure/gpt", litellm_credential_name="eu")],
            credential_list=[
                {
                    "credential_name": "eu",
                    "credential_values": {"api_key": "os.environ/EU_KEY", "api_base": "https://eu.openai.azure.com"},
                }
            ],
        ),
    )
    ((deployment,),) = [model.deployments for model in _result(done, tmp_path).models]

    assert deployment.base_url is not None
    assert deployment.base_url.startswith("https://eu.openai.azure.com")
    assert "EU_KEY" in done.variables


def test_includes_are_read_and_their_lines_named(tmp_path: Path) -> None:
    done = _imported(
        tmp_path,
        "include: [more.yaml]\nmodel_list:\n- model_name: a\n  litellm_params: {model: openai/a}\n",
        more="model_list:\n- model_name: b\n  litellm_params:\n    model: openai/b\n    rpm: 5\nodd: 1\n",
    )

    assert [model.name for model in _result(done, tmp_path).models] == ["a", "b"]
    places = {finding.dotted: finding.place for finding in done.findings}
    assert places["model_list.1.litellm_params.rpm"] == "more.yaml:5"
    assert places["odd"] == "more.yaml:6"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    text = _text(model_list=[_entry("a", "openai/a")])
    _imported(tmp_path, text)
    before = {file: file.read_text() for file in (tmp_path / "out").rglob("*.yaml")}

    with pytest.raises(ConfigError, match="is there already"):
        import_litellm(tmp_path / "config.yaml", tmp_path / "out")
    assert before == {file: file.read_text() for file in (tmp_path / "out").rglob("*.yaml")}


@pytest.mark.parametrize(
    "text",
    [
        "model_list: &a [*a]",
        "model_list: {x: 1, x: 2}",
        "x: !!python/name:os.system echo",
        "[1, 2]",
        "a: [" * 500,
        "\x00",
        "include: [config.yaml]",
        "include: [nowhere.yaml]",
        "include: [5]",
        "x: ${",
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join('*' + chr(97 + n) for _ in range(10))}]\n" for n in range(7)
        ),
    ],
)
def test_hostile_yaml_is_refused_and_nothing_is_written(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(text)

    with pytest.raises(ConfigError):
        import_litellm(tmp_path / "config.yaml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "odd", [None, 5, "x", [], {}, [[]], [None], {"a": None}, True, 1e400, -1, "os.environ/", "os.environ/a b", "ａ"]
)
def test_odd_values_anywhere_are_told_of_and_crash_nothing(odd: Any, tmp_path: Path) -> None:
    names = (
        "model",
        "api_base",
        "api_key",
        "timeout",
        "weight",
        "rpm",
        "input_cost_per_token",
        "aws_region_name",
        "api_version",
    )
    entries = [
        {"model_name": "m", "litellm_params": {"model": "openai/x", name: odd}, "model_info": {"mode": odd, "id": odd}}
        for name in names
    ]
    entries += [{"model_name": odd, "litellm_params": odd, "model_info": odd}, odd]
    text = json.dumps(
        {
            "model_list": entries,
            "router_settings": {"fallbacks": odd, "model_group_alias": odd, "redis_host": odd, "redis_port": odd},
            "litellm_settings": {
                "callbacks": odd,
                "cache_params": odd,
                "s3_callback_params": odd,
                "default_fallbacks": odd,
            },
            "general_settings": {"master_key": odd, "allowed_ips": odd, "max_request_size_mb": odd},
            "credential_list": odd,
            "guardrails": odd,
            "environment_variables": odd,
        }
    ).replace("Infinity", ".inf")
    (tmp_path / "config.yaml").write_text(text)
    done = import_litellm(tmp_path / "config.yaml", tmp_path / "out")

    keys = [finding.key for finding in done.findings]
    for leaf in _leaves(YAML(typ="safe").load(text), ()):
        assert len([key for key in keys if leaf[: len(key)] == key]) == 1, leaf


def test_names_that_ours_cannot_be(tmp_path: Path) -> None:
    names = ["with blank", "x" * 300, "日本語 モデル", "a/b:c"]
    done = _imported(tmp_path, _text(model_list=[_entry(name, "openai/x") for name in names]))

    assert [model.name for model in _result(done, tmp_path).models] == [
        "with-blank",
        "x" * 256,
        "日本語-モデル",
        "a/b:c",
    ]


def _servers(folder: Path, **entries: Any) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return our tool servers as they are written, what became of each value, and the whole file."""
    done = _imported(folder, _text(mcp_servers=entries))
    written = (folder / "out" / "sekisho.yaml").read_text()
    servers = (YAML(typ="safe").load(written).get("mcp") or {}).get("servers", {})
    return servers, {name.removeprefix("mcp_servers."): kind for name, kind in _kinds(done).items()}, written


def test_tool_servers(tmp_path: Path) -> None:
    servers, kinds, _ = _servers(
        tmp_path,
        **{
            "wiki": {
                "url": "https://wiki.example.com/mcp",
                "transport": "http",
                "auth_type": "bearer_token",
                "auth_value": "os.environ/WIKI_TOKEN",
                "description": "Pages",
                "allowed_tools": ["read"],
                "disallowed_tools": ["delete"],
                "timeout": 30,
                "allow_all_keys": False,
                "extra_headers": ["authorization"],
                "mcp_info": {"server_name": "The wiki", "mcp_server_cost_info": {"default_cost_per_query": 0.01}},
                "static_headers": {"X-Team": "research"},
                "unheard_of": 1,
            },
            "my git server!": {"command": "mcp-server-git", "args": ["--repository", "/srv"], "env": {"GIT_KEY": "x"}},
            "keyed": {"url": "https://a.example/mcp", "auth_type": "api_key", "auth_value": _CANARY},
            "header": {"url": "https://b.example/mcp", "static_headers": {"Authorization": f"Bearer {_CANARY}"}},
            "odd": {"url": "https://c.example/mcp", "auth_type": "aws_sigv4", "aws_region_name": "x"},
            "pages": {"spec_path": "https://d.example/openapi.json"},
            "view": {"url": "https://e.example/mcp"},
            "none": 5,
        },
    )
    assert servers["wiki"] == {
        "url": "https://wiki.example.com/mcp",
        "transport": "http",
        "headers": {"x-team": "${STATIC_HEADERS_X_TEAM}"},
        "auth": {"token": "${WIKI_TOKEN}"},
        "description": "Pages",
        "allow": ["read"],
        "deny": ["delete"],
        "timeouts": {"call": 30.0},
        "access": "listed",
        "title": "The wiki",
        "price_per_call": 0.01,
    }
    assert servers["my-git-server"]["command"] == ["mcp-server-git", "--repository", "/srv"]
    assert list(servers["my-git-server"]["env"]) == ["GIT_KEY"]
    assert servers["keyed"]["headers"] == {"x-api-key": "${KEYED_AUTH_VALUE}"}
    assert list(servers) == ["wiki", "my-git-server", "keyed", "header", "odd", "view-1"]
    assert servers["header"]["auth"]["token"].startswith("${")
    assert kinds["wiki.auth_value"] == "exact"
    assert kinds["keyed.auth_value"] == "manual"
    assert kinds["wiki.extra_headers"] == kinds["wiki.unheard_of"] == "unsupported"
    assert kinds["odd.auth_type"] == kinds["pages"] == kinds["none"] == "manual"


@pytest.mark.parametrize(
    ("entry", "oauth", "kinds"),
    [
        ({}, {}, {"auth_type": "exact"}),
        (
            {"client_id": "c", "client_secret": "os.environ/S", "scopes": ["a"], "authorization_url": "https://i/a"},
            {"client_id": "c", "client_secret": "${S}", "scopes": ["a"]},
            {"client_secret": "exact", "authorization_url": "approximate"},
        ),
        (
            {
                "client_id": "c",
                "client_secret": _CANARY,
                "oauth2_flow": "client_credentials",
                "token_url": "https://i/t",
            },
            {"client_id": "c", "client_secret": "${A_CLIENT_SECRET}", "grant": "client_credentials"},
            {"client_secret": "manual", "token_url": "approximate", "oauth2_flow": "exact"},
        ),
        (
            {"client_id": "c", "client_secret": "os.environ/S", "token_url": "https://i/t"},
            {"client_id": "c", "client_secret": "${S}", "grant": "client_credentials"},
            {"token_url": "approximate"},
        ),
        ({"client_secret": _CANARY}, {}, {"client_secret": "manual"}),
        ({"scopes": ["a b", 5]}, {}, {"scopes": "manual"}),
        ({"client_id": "os.environ/CLIENT"}, {"client_id": "${CLIENT}"}, {"client_id": "exact"}),
    ],
)
def test_tool_servers_at_which_one_signs_in(
    tmp_path: Path, entry: dict[str, Any], oauth: dict[str, Any], kinds: dict[str, str]
) -> None:
    servers, found, written = _servers(tmp_path, a={"url": "https://a.example/mcp", "auth_type": "oauth2", **entry})
    assert servers["a"]["auth"] == {"oauth": oauth}
    assert {name: found[f"a.{name}"] for name in kinds} == kinds
    assert _CANARY not in written


def test_a_tool_server_with_token_exchange(tmp_path: Path) -> None:
    entry = {"url": "https://a.example/mcp", "auth_type": "oauth2_token_exchange", "client_id": "c", "audience": "wiki"}
    (tmp_path / "config.yaml").write_text(_text(mcp_servers={"a": entry}))
    done = import_litellm(tmp_path / "config.yaml", tmp_path / "out")
    servers = YAML(typ="safe").load((tmp_path / "out" / "sekisho.yaml").read_text())["mcp"]["servers"]
    assert servers["a"]["auth"]["oauth"] == {"client_id": "c", "grant": "token_exchange", "audience": "wiki"}
    assert _kinds(done)["mcp_servers.a.auth_type"] == "manual"
    assert len(done.problems) == 1
    assert "open_webui.identity_secret" in done.problems[0]
