"""Azure Blob Storage as Microsoft emulates it (azurite), which checks signatures."""

import base64
import hashlib
import hmac
import subprocess
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.coding_tools import tools
from tests.fakes.serving import free_port

FOLDER = Path(__file__).parent / "azurite"
CONTAINER = "company-logs"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's own, the same everywhere."""
VERSION = "2021-08-06"


class AzureServer:
    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        program = tools.installed("azurite-blob", FOLDER)
        options = ("--silent", "--disableTelemetry", "--skipApiVersionCheck", "--blobHost", "127.0.0.1")
        call = [str(program), *options, "--blobPort", str(self.port), "--location", str(data)]
        self._process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._make_container()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def options(self, **more: str) -> dict[str, Any]:
        """`ledger.store_options` for this server."""
        account = {"azure_storage_account_name": ACCOUNT, "azure_storage_account_key": KEY}
        return {"azure_storage_endpoint": self.url, **account, **more}

    def _make_container(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self._signed(), timeout=5).close()
                return
            except OSError:
                assert self._process.poll() is None, "azurite ended"
                assert time.monotonic() < deadline, "azurite did not start"
                time.sleep(0.1)

    def _signed(self) -> urllib.request.Request:
        """Create Container, as "Authorize with Shared Key" of Azure's REST API says."""
        date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = f"x-ms-date:{date}\nx-ms-version:{VERSION}"
        text = "PUT" + "\n" * 12 + f"{headers}\n/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
        signature = base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)).decode()
        told = {"x-ms-date": date, "x-ms-version": VERSION, "Authorization": f"SharedKey {ACCOUNT}:{signature}"}
        return urllib.request.Request(f"{self.url}/{CONTAINER}?restype=container", method="PUT", headers=told)
