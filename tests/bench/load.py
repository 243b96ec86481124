"""As many requests as go through: wrk, one thread, its numbers as JSON."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.install import debian
from tests.bench.measure import on

_MARK = "BENCH "
_SCRIPT = """
local requests, next = {}, 0
init = function()
  for line in io.lines("%(bodies)s") do
    requests[#requests + 1] = wrk.format("POST", "%(path)s", {%(headers)s}, line)
  end
end
request = function()
  next = next %% #requests + 1
  return requests[next]
end
done = function(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('BENCH {"requests": %%d, "micros": %%d, ', summary.requests, summary.duration))
  io.write(string.format('"refused": %%d, "broken": %%d, ', errors.status, broken))
  io.write(string.format('"p50": %%d, "p99": %%d}\\n', latency:percentile(50), latency:percentile(99)))
end
"""


class LoadFailed(Exception):
    """wrk ended without numbers, or most of the requests failed."""


@dataclass(frozen=True)
class Load:
    """What wrk counted. Latencies in microseconds."""

    requests: int
    seconds: float
    refused: int
    """Answers that were not 2xx or 3xx."""
    broken: int
    """Connections that failed, requests without an answer."""
    p50: int
    p99: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def run(
    port: int,
    path: str,
    headers: Mapping[str, str],
    bodies: Sequence[bytes],
    *,
    connections: int,
    seconds: float,
    cores: set[int],
    folder: Path,
) -> Load:
    """Send `bodies` in turn, on each connection as soon as the last request is answered. Raises `LoadFailed`."""
    body_file, script = folder / "bodies.jsonl", folder / "load.lua"
    body_file.write_bytes(b"\n".join(bodies) + b"\n")
    fields = ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items())
    script.write_text(_SCRIPT % {"bodies": body_file, "path": path, "headers": fields})
    command = [debian("wrk", "wrk"), "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{max(1, round(seconds))}s", "--timeout", "30s", "--script", str(script)]
    with on(cores):
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{port}{path}"],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=False,
        )
    load = parse(done.stdout)
    if load is None or load.requests == 0:
        raise LoadFailed(f"wrk: {(done.stderr or done.stdout).strip()[-300:] or 'no output'}")
    if load.refused + load.broken > load.requests / 100:
        raise LoadFailed(f"{load.refused} of {load.requests} requests refused, {load.broken} broken")
    return load


def parse(output: str) -> Load | None:
    """The numbers in wrk's output, or None."""
    line = next((line for line in output.splitlines() if line.startswith(_MARK)), None)
    if line is None:
        return None
    found = json.loads(line.removeprefix(_MARK))
    return Load(seconds=found.pop("micros") / 1e6, **found)
