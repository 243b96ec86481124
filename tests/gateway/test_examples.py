"""The examples: each loads, names models that live and cost what is known, and can be explained."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from gateway.commands.config import app
from gateway.config.load import Loaded, load
from gateway.profiles.known import known_of
from gateway.routing.checks import endings_of, unpriced
from gateway.routing.routes import build_routes
from tests.fakes.google import Google
from tests.fakes.serving import serving

_FOLDER = Path(__file__).parents[2] / "examples"
_FILES = sorted(file.name for file in _FOLDER.glob("*.yaml"))
_ALL = "sekisho.yaml"
_ENVIRONMENT = {
    "AZURE_ENDPOINT": "https://company.openai.azure.com",
    "FOUNDRY_ENDPOINT": "https://company.services.ai.azure.com",
    "GOOGLE_PROJECT": "our-project",
    **dict.fromkeys(("AZURE_API_KEY", "FOUNDRY_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "k" * 40),
    **dict.fromkeys(("COHERE_API_KEY", "MISTRAL_API_KEY", "SEKISHO_ADMIN_KEY", "SEKISHO_IDENTITY_SECRET"), "k" * 40),
}
"""Of all examples; their README names them."""
_DIALECTS = {
    "embedding": "embeddings",
    "rerank": "rerank",
    "image": "images",
    "speech": "speech",
    "transcription": "transcriptions",
}
"""In which clients ask models of these modes."""
_NEWEST = date(2026, 11, 28)
"""The day of which the examples are true."""
_WARNED = timedelta(days=90)


def _load(name: str) -> Loaded:
    return load(_FOLDER / name, _ENVIRONMENT)


@pytest.mark.parametrize("name", _FILES)
def test_every_model_lives_and_has_a_price_or_says_why(name: str) -> None:
    loaded = _load(name)
    routes = build_routes(loaded.config, {})

    assert list(unpriced(loaded, routes)) == []
    near = [each.words for each in endings_of(loaded, routes) if each.life.ends <= _NEWEST + _WARNED]
    assert near == [], "name a model that lives on"
    assert all(model.context_window for model in loaded.config.models if model.mode in ("chat", "completion"))


@pytest.mark.parametrize("name", _FILES)
def test_each_can_be_checked_and_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in _ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    explained = CliRunner().invoke(app, ["explain", "--config", str(_FOLDER / name)])

    assert explained.exit_code == 0, explained.output
    for number, model in enumerate(_load(name).config.models):
        assert f'models.{number}.name = "{model.name}"' in explained.output
        if model.mode == "chat":
            assert f"models.{number}.deployments.0 for clients of chat = null" not in explained.output
            assert f"models.{number}.deployments.0 for clients of messages = null" not in explained.output
        if dialect := _DIALECTS.get(model.mode):
            assert f"models.{number}.deployments.0 for clients of {dialect} = null" not in explained.output, model.name


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a service account of Google's, whose tokens a server of ours gives."""
    google, file = Google(lambda texts: []), tmp_path_factory.mktemp("google") / "account.json"
    with serving(google) as address:
        file.write_text(json.dumps(google.service_account(address)))
        yield file


@pytest.fixture
def credentials(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What signs requests to Amazon and Google, made up."""
    signing = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "k" * 40}
    for variable, value in {**_ENVIRONMENT, **signing, "GOOGLE_APPLICATION_CREDENTIALS": str(account)}.items():
        monkeypatch.setenv(variable, value)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("name", _FILES)
def test_the_check_is_clean(name: str) -> None:
    done = CliRunner().invoke(app, ["check", "--json", "--config", str(_FOLDER / name)])
    told = json.loads(done.output)

    assert done.exit_code == 0
    assert "warnings" not in told
    ends = [date.fromisoformat(each["ends"]) for each in told.get("endings", [])]
    assert all(end > _NEWEST + _WARNED for end in ends), "only as the days go by"


def test_all_together_have_every_family_of_every_vendor() -> None:
    models = _load(_ALL).config.models
    modes = Counter(model.mode for model in models)
    names: dict[str, str] = {
        mode: " ".join(each.known_model for model in models if model.mode == mode for each in model.deployments)
        for mode in modes
    }

    assert 40 <= modes["chat"] <= 50
    for mode, vendors in {
        "chat": ("amazon", "claude", "command", "gemini", "llama", "mistral", "gpt"),
        "embedding": ("amazon.titan", "amazon.nova", "cohere", "gemini", "text-embedding"),
        "rerank": ("amazon", "cohere", "rerank-v4"),
        "image": ("gemini", "gpt-image", "stability"),
        "speech": ("gemini", "gpt"),
        "transcription": ("gemini", "gpt"),
    }.items():
        assert [vendor for vendor in vendors if vendor not in names[mode]] == [], mode


def test_the_file_of_all_includes_every_other_one() -> None:
    included = YAML(typ="safe").load((_FOLDER / _ALL).read_text())["include"]

    assert sorted([*included, _ALL]) == _FILES


def test_the_readme_names_each_file_and_variable() -> None:
    text = (_FOLDER / "README.md").read_text()

    assert [name for name in (*_FILES, *_ENVIRONMENT) if name not in text] == []


def test_models_of_the_clouds_are_ones_that_somebody_lists() -> None:
    hosted = ("bedrock", "azure", "vertex", "openai", "anthropic", "cohere")
    unknown = [
        f"{each.provider} {each.known_model}"
        for model in _load(_ALL).config.models
        for each in model.deployments
        if each.provider in hosted
        and model.mode in ("chat", "embedding")
        and not known_of(each.provider, each.known_model).context_window
    ]

    assert unknown == []
