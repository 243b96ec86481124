"""What the tests need from Debian: installs it where that is possible, else says which tests will be skipped."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.coding_tools import tools


@dataclass(frozen=True)
class Need:
    """A Debian package, how to tell that it is there, and which tests wait for it."""

    package: str
    present: Callable[[], bool]
    tests: str


def exists(path: str) -> Callable[[], bool]:
    return lambda: Path(path).exists()


NEEDS = (
    Need("redis-server", exists("/usr/bin/redis-server"), "tests of limits that several processes share"),
    Need("postgresql", lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")), "tests of a shared database"),
    Need("nginx-light", exists("/usr/sbin/nginx"), "tests behind a balancer"),
    Need("wrk", exists("/usr/bin/wrk"), "the test of the bench"),
    Need("chromium", exists("/usr/bin/chromium"), "browser tests"),
    Need(
        "fonts-noto-cjk",
        exists("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
        "Japanese in screenshots (no test is skipped)",
    ),
)

NPM = {
    "The coding tools are": tools.FOLDER,
    "Azure's emulator is": Path(__file__).parent / "ledger" / "azurite",
    "The judges of tool servers are": Path(__file__).parent / "mcp",
    "The judge of the console's pages is": Path(__file__).parent / "console",
    "The certified OpenID provider is": Path(__file__).parent / "signin",
}

APT_ENVIRONMENT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
APT_SECONDS = 900


def main() -> None:
    """Debian's packages, then what comes from npm."""
    install_packages()
    for what, folder in NPM.items():
        if problem := tools.install(folder):
            print(f"{what} missing; the tests of it will be skipped: {problem}")


def install_packages() -> None:
    missing = [need for need in NEEDS if not need.present()]
    if missing and os.geteuid() == 0:
        print(f"Installing {_packages(missing)} …", flush=True)
        if _apt("update") and _apt("install", "--yes", "--no-install-recommends", *(need.package for need in missing)):
            print("Installed.")
        missing = [need for need in missing if not need.present()]
    if missing:
        for need in missing:
            print(f"Without {need.package}: {need.tests}.")
        print(f"To mend it: sudo apt-get update && sudo apt-get install --no-install-recommends {_packages(missing)}")


def _apt(*arguments: str) -> bool:
    """Quiet unless it fails; another apt that holds the lock is waited for."""
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120", *arguments]
    try:
        done = subprocess.run(
            command, env=APT_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=APT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"apt-get {arguments[0]}: {error}")
        return False
    if done.returncode:
        print(f"apt-get {arguments[0]} failed:\n{(done.stdout + done.stderr)[-600:]}")
    return done.returncode == 0


def _packages(needs: Sequence[Need]) -> str:
    return " ".join(need.package for need in needs)


if __name__ == "__main__":
    main()
