"""What opencode asks of a gateway: a file that is open and names no model, and the configuration for a key."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.fixtures.gateway import InProcess, deployment, in_process, model

PATH = "/.well-known/opencode"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    nowhere = deployment("http://127.0.0.1:9")
    models = [
        model("coder", nowhere, price={"input": 3, "output": 15}, context_window=64_000, max_output_tokens=8_000),
        model("small", nowhere, price={"input": 0.1, "output": 0.2}),
        model("fim", nowhere, mode="completion"),
    ]
    server = {"public_url": "https://ai.example.com"}
    with in_process(tmp_path_factory.mktemp("company"), {"models": models, "server": server}) as served:
        yield served


def get(company: InProcess, path: str, key: str | None = None) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx2.get(f"{company.url}{path}", headers=headers, timeout=30)


def test_the_file_names_the_command_and_no_model(company: InProcess) -> None:
    told = get(company, PATH).json()
    assert told["auth"]["command"] == ["sekisho", "key", "https://ai.example.com", "--for", "opencode"]
    assert told["remote_config"]["url"] == f"https://ai.example.com{PATH}/config"
    assert told["remote_config"]["headers"] == {"Authorization": f"Bearer {{env:{told['auth']['env']}}}"}
    assert "coder" not in str(told)


def test_the_configuration_is_that_of_the_keys_models(company: InProcess) -> None:
    told = get(company, f"{PATH}/config", company.key).json()
    assert (told["model"], told["small_model"]) == ("sekisho/coder", "sekisho/small")
    provider = told["provider"]["sekisho"]
    assert provider["options"]["baseURL"] == "https://ai.example.com/v1"
    assert provider["options"]["apiKey"] == "{env:SEKISHO_TOKEN}"
    assert provider["models"] == {
        "coder": {"name": "coder", "limit": {"context": 64_000, "output": 8_000}},
        "small": {"name": "small"},
    }
    assert company.key not in str(told)


@pytest.mark.parametrize("key", [None, "sk-unknown"])
def test_it_needs_a_key(company: InProcess, key: str | None) -> None:
    assert get(company, f"{PATH}/config", key).status_code == 401
