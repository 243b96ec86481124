"""Valves: what cannot be had stays as it is stored, unknown names are told, former names carry their values over."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from gateway.secret import Secret
from install.errors import InstallError, ManifestError
from install.pack.inputs import Options
from install.pack.manifest import Manifest, read_manifest
from install.pack.plugin_valves import declared_valves
from tests.fixtures.open_webui import OpenWebUIServer
from tests.install.conftest import IDENTITY_SECRET, PLUGIN, FakeGateway, Pack

VALVES = "/api/v1/functions/id/sekisho_greeting/valves"
ASKING = 'filters: [{name: sekisho_greeting, valves: {secret: "prompt:The secret", loudness: "${LOUDNESS}"}}]\n'


def stored(server: OpenWebUIServer) -> Any:
    return server.request("GET", VALVES)


def written(folder: Path, text: str) -> Manifest:
    path = folder / "written.yaml"
    path.write_text(text)
    return read_manifest(path)


@pytest.mark.parametrize("absent", [{}, {"SEKISHO_IDENTITY_SECRET": ""}, {"SEKISHO_IDENTITY_SECRET": " \n"}])
def test_a_variable_that_is_not_set_takes_nothing_away(
    server: OpenWebUIServer, pack: Pack, manifest_file: Path, options: Options, absent: dict[str, str]
) -> None:
    manifest = read_manifest(manifest_file)
    pack.apply(manifest)
    later = dataclasses.replace(options, identity_secret=None, environment=absent)

    plan = pack.apply(manifest, later)

    assert (plan.pending, plan.blocked) == ((), ())
    assert plan.changes[0].details == ("valve secret: kept as stored, SEKISHO_IDENTITY_SECRET is not set",)
    assert stored(server) == {"secret": IDENTITY_SECRET}
    assert pack.apply(manifest, dataclasses.replace(later, force=True)).pending == ()
    assert stored(server) == {"secret": IDENTITY_SECRET}
    pack.remove()
    assert "sekisho_greeting" not in {row["id"] for row in server.request("GET", "/api/v1/functions/")}


def test_who_was_asked_once_is_not_asked_again(
    server: OpenWebUIServer, pack: Pack, options: Options, tmp_path: Path
) -> None:
    questions: list[str] = []

    def answer(question: str, hidden: bool) -> str:
        questions.append(question)
        return "told by a person"

    manifest = written(tmp_path, ASKING)
    given = dataclasses.replace(options, ask=answer, environment={"LOUDNESS": "7"})
    first = pack.apply(manifest, given)
    assert stored(server) == {"secret": "told by a person", "loudness": 7}
    assert "valve loudness: ***" in first.changes[0].details

    for again in (given, dataclasses.replace(given, ask=None)):
        assert pack.apply(manifest, again).pending == ()
    assert questions == ["The secret"]
    assert stored(server) == {"secret": "told by a person", "loudness": 7}


def test_keys_of_connections_and_agents_stay_as_stored(
    server: OpenWebUIServer, pack: Pack, options: Options, tmp_path: Path
) -> None:
    manifest = written(
        tmp_path,
        'models: []\nconnection: {headers: {X-Company: "${COMPANY}"}}\n'
        'connections: [{url: "http://127.0.0.1:9", key: "${OTHER}", headers: {X-O: "${OTHER}"}, enabled: false}]\n'
        'agents: [{name: desk, url: "http://127.0.0.1:10/v1", key: "${DESK}"}]\n',
    )
    given = dataclasses.replace(options, plugins=None, environment={"OTHER": "sk-o", "DESK": "sk-d", "COMPANY": "ACME"})
    with pytest.raises(ManifestError, match="DESK is not set"):
        pack.plan(manifest, dataclasses.replace(given, environment={}))
    pack.apply(manifest, given)
    config = server.request("GET", "/openai/config")
    valves = server.request("GET", "/api/v1/functions/id/agents/valves")
    assert valves["keys"] == '{"desk": "sk-d"}'
    assert valves["identity_secret"] == IDENTITY_SECRET

    again = pack.apply(manifest, dataclasses.replace(given, environment={}, identity_secret=None))

    assert (again.pending, again.blocked) == ((), ())
    assert server.request("GET", "/openai/config") == config
    assert server.request("GET", "/api/v1/functions/id/agents/valves") == valves


@pytest.mark.parametrize(
    ("valves", "says"),
    [
        ("{loudnes: 3}", "sekisho_greeting has no valve loudnes. Allowed: loudness, priority, secret"),
        ("{loudness: loud}", "the value has another type. Allowed: int"),
        ("{secret: }", "has no value; write one, or take the line out"),
        ('{secret: "file:empty.txt"}', "empty.txt is empty"),
    ],
)
def test_wrong_valves_are_told_before_anything_is_written(pack: Pack, tmp_path: Path, valves: str, says: str) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ManifestError) as wrong:
        pack.plan(written(tmp_path, f"filters:\n  - name: sekisho_greeting\n    valves: {valves}\n"))
    assert says in str(wrong.value)
    assert "written.yaml:3: " in str(wrong.value)


HIDES_ITS_VALVES = PLUGIN.replace("class Valves(BaseModel)", "class Valves(vars()['BaseModel'])").replace(
    "class Filter:", "class Filter:\n    BaseModel = BaseModel\n"
)


def test_a_valve_that_the_server_drops_is_taken_back(
    server: OpenWebUIServer, pack: Pack, plugins: Path, tmp_path: Path
) -> None:
    (plugins / "filters" / "sekisho_greeting.py").write_text(HIDES_ITS_VALVES)
    manifest = written(tmp_path, "filters: [{name: sekisho_greeting, valves: {loudnes: 3}}]\n")
    with pytest.raises(InstallError, match="does not store loudnes as given"):
        pack.apply(manifest)
    assert "sekisho_greeting" not in {row["id"] for row in server.request("GET", "/api/v1/functions/")}


def test_a_renamed_valve_takes_a_persons_value_with_it(
    server: OpenWebUIServer, pack: Pack, manifest_file: Path, plugins: Path
) -> None:
    manifest = read_manifest(manifest_file)
    pack.apply(manifest)
    server.request("POST", f"{VALVES}/update", {"loudness": 9, "secret": IDENTITY_SECRET})
    path = plugins / "filters" / "sekisho_greeting.py"
    renamed = PLUGIN.replace("0.1.0", "0.2.0").replace("loudness", "volume")

    path.write_text(renamed)
    told = pack.plan(manifest).changes[0].details
    assert "valve loudness: version 0.2.0 has no such valve, its value has no effect" in told

    path.write_text(renamed.replace("class Filter", 'RENAMED_VALVES = {"loudness": "volume"}\n\n\nclass Filter'))
    pack.apply(manifest)
    assert stored(server) == {"volume": 9, "secret": IDENTITY_SECRET}
    assert pack.apply(manifest).pending == ()
    assert stored(server) == {"volume": 9, "secret": IDENTITY_SECRET}
    pack.remove()


def test_an_installation_locked_by_an_unknown_valve_can_be_removed(
    server: OpenWebUIServer, pack: Pack, manifest_file: Path
) -> None:
    pack.apply(read_manifest(manifest_file))
    server.request("POST", f"{VALVES}/update", {})  # As the server drops a name that it does not know.

    assert pack.remove().blocked == ()
    assert "sekisho_greeting" not in {row["id"] for row in server.request("GET", "/api/v1/functions/")}


INHERITED = """
class Common(BaseModel):
    a: int = 1

class Filter:
    class Valves(Common):
        b: "str" = Field("", json_schema_extra={"extra": 1})
        _own: int = 1
        every: ClassVar[int] = 1
"""


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (PLUGIN, {"priority", "loudness", "secret"}),
        (INHERITED, {"a", "b"}),
        ("class Pipe:\n    pass\n", set()),
        ("class Pipe:\n    class Valves(Elsewhere):\n        a: int = 1\n", None),
        ("class Pipe:\n    class Valves(BaseModel, extra='allow'):\n        a: int = 1\n", None),
        ("class Pipe:\n    class Valves(BaseModel):\n        model_config = {'extra': 'allow'}\n", None),
        ("class Pipe:\n    class Valves(BaseModel):\n        a: int = Field(1, alias='b')\n", None),
        ("class Pipe:\n    class Valves(Valves):\n        a: int = 1\n", None),
        ("class Pipe:\n    Valves = Elsewhere\n", None),
        ("not python (", None),
    ],
)
def test_names_are_read_from_the_file(content: str, names: set[str] | None) -> None:
    found = declared_valves(content)
    assert (None if found is None else set(found)) == names


def test_a_rotated_secret_is_still_written(
    server: OpenWebUIServer, pack: Pack, manifest_file: Path, options: Options, gateway: FakeGateway
) -> None:
    manifest = read_manifest(manifest_file)
    pack.apply(manifest)
    pack.apply(manifest, dataclasses.replace(options, identity_secret=Secret("another-secret-0123456789-0123456789")))
    assert stored(server) == {"secret": "another-secret-0123456789-0123456789"}
