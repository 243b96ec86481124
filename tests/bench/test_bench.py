"""The bench itself, as short as it goes: our gateway alone, one figure."""

import json
import shutil
import subprocess
import sys

import pytest

_MISSING = [name for name in ("nginx", "wrk") if not shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin")]


@pytest.mark.skipif(bool(_MISSING), reason=f"missing: {', '.join(_MISSING)}; `make bench` installs them as root")
def test_measures_the_gateway() -> None:
    options = ["--quick", "--peers", "sekisho", "--only", "chat", "--seconds", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", *options], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["failures"] == []
    assert found["values"]["sekisho"]["requests_per_second"] > 0
    assert [each["reached"] for each in found["verdicts"]["cpu_per_request"]] == [None, None], "nobody to compare with"
