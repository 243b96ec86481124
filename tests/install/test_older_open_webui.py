"""The oldest Open WebUI with the hooks that the pack needs: plugins load, everything goes in and out again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.secret import Secret
from install.open_webui import Token, connect
from install.pack.engine.receipts import Receipts
from install.pack.inputs import Options
from install.pack.manifest import BUNDLED, Manifest, read_manifest
from install.pack.plugin import INSTALL
from tests.fixtures.open_webui import ROOT, OpenWebUIServer, start
from tests.install.conftest import GATEWAY_KEY, IDENTITY_SECRET, FakeGateway, Pack, content_of

PROGRAM = ROOT / ".venv-open-webui-0.11" / "bin" / "open-webui"
NEEDS = "required_open_webui_version: "

pytestmark = [pytest.mark.needs_open_webui, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenWebUIServer]:
    yield from start(tmp_path_factory.mktemp("open-webui-0.11"), program=PROGRAM)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Our plugins as if they asked for nothing newer: whether they load is what is to be seen."""
    for kind in ("filters", "functions", "pipes", "tools"):
        (tmp_path / kind).mkdir()
        for path in (INSTALL.parent / kind).glob("*.py"):
            lines = path.read_text().splitlines(keepends=True)
            kept = (f"{NEEDS}0.11.2\n" if line.startswith(NEEDS) else line for line in lines)
            (tmp_path / kind / path.name).write_text("".join(kept))
    return tmp_path


def test_the_pack_goes_in_and_out_again(
    older: OpenWebUIServer, gateway: FakeGateway, catalogue: Path, tmp_path: Path
) -> None:
    before = content_of(older)
    more = "default_filters: [full_text]\nembeddings: e5-small\nrerank: bge-reranker\nspeech: say\nimages: paint\n"
    more += "task_model: claude-sonnet\nbanners: [{id: sekisho, content: Hello}]\n"
    path = tmp_path / "pack.yaml"
    path.write_text(BUNDLED.read_text() + more)
    manifest: Manifest = read_manifest(path)
    options = Options(gateway.url, Secret(GATEWAY_KEY), Secret(IDENTITY_SECRET), plugins=catalogue)
    with connect(older.url, Token(Secret(older.admin_token))) as client:
        assert client.version == "0.11.4"
        pack = Pack(client, options, Receipts(tmp_path / "state"))

        pack.apply(manifest)

        functions = {row["id"]: row for row in older.request("GET", "/api/v1/functions/export")}
        assert functions.keys() >= {entry.name for entry in (*manifest.filters, *manifest.functions)}
        assert all(row["is_active"] for row in functions.values())
        for id in functions:
            older.request("GET", f"/api/v1/functions/id/{id}/valves/spec")
        assert pack.apply(manifest).pending == ()
        pack.remove()
    assert content_of(older) == before
