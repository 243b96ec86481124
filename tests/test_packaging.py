"""The wheel: what users install, in an environment of its own, outside the checkout."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGIN_FOLDERS = ("filters", "pipes", "tools", "functions")


def _run(*call: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(each) for each in call], capture_output=True, text=True, check=False, cwd=cwd)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_all_code_and_all_plugins(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    code = {str(file.relative_to(ROOT)) for name in ("gateway", "install") for file in (ROOT / name).rglob("*.py")}
    plugins = {
        f"install/catalog/{file.relative_to(ROOT)}" for name in PLUGIN_FOLDERS for file in (ROOT / name).glob("*.py")
    }
    assert plugins
    assert code | plugins | {"install/pack.yaml"} <= held
    assert not [name for name in held if name.startswith("tests/")]


@pytest.mark.timeout(300)
def test_the_bare_installation_works_and_names_its_extras(wheel: Path, tmp_path: Path) -> None:
    """Without extras the installer runs, with the plugins from the wheel; the gateway says what it needs."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    pip = (python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    _run(*pip, cwd=tmp_path)
    sekisho = tmp_path / "venv/bin/sekisho"
    assert "plan" in _run(sekisho, "--help", cwd=tmp_path).stdout
    plan = ("plan", "--url", "http://127.0.0.1:9", "--token", "x", "--gateway-url", "http://127.0.0.1:9/v1")
    unreachable = _run(sekisho, *plan, cwd=tmp_path, check=False)
    assert (unreachable.returncode, "does not answer" in unreachable.stderr) == (1, True), unreachable.stderr
    find = "from install.pack.plugin import find_plugin; print(find_plugin('filters', 'full_text', None).id)"
    assert _run(python, "-c", find, cwd=tmp_path).stdout.strip() == "full_text"
    serve = _run(sekisho, "serve", "--config", "x.yaml", cwd=tmp_path, check=False)
    assert serve.returncode == 2
    assert "pip install '.[gateway]'" in serve.stderr
