"""The start and the memory of a gateway with every example's models: three clouds, the vendors, own GPUs."""

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.measure import cores, resident_mib
from tests.bench.processes import Probe, started, wait_for
from tests.fakes.serving import free_port

MOST_SECONDS, MOST_MIB = 1.5, 140
_STARTS = 5
_PATIENCE_SECONDS = 60
_EXAMPLES = Path(__file__).parents[2] / "examples"
_ENVIRONMENT = {
    "AZURE_ENDPOINT": "https://company.openai.azure.com",
    "FOUNDRY_ENDPOINT": "https://company.services.ai.azure.com",
    "GOOGLE_PROJECT": "our-project",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    **dict.fromkeys(("AZURE_API_KEY", "FOUNDRY_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "k" * 40),
    **dict.fromkeys(("COHERE_API_KEY", "MISTRAL_API_KEY", "SEKISHO_ADMIN_KEY", "SEKISHO_IDENTITY_SECRET"), "k" * 40),
    "AWS_SECRET_ACCESS_KEY": "k" * 40,
}


def every_provider() -> dict[str, float]:
    """Return seconds until a request is answered, and MiB, the median of some starts."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(_EXAMPLES, Path(folder) / "examples")
        taken = [_start(Path(folder), number) for number in range(_STARTS)]
    return {
        "every_provider_start": statistics.median(seconds for seconds, _ in taken),
        "every_provider_resident": statistics.median(mib for _, mib in taken),
    }


def _start(folder: Path, number: int) -> tuple[float, float]:
    port, file = free_port(), folder / "examples" / f"start-{number}.yaml"
    text = (folder / "examples" / "sekisho.yaml").read_text()
    file.write_text(text.replace("port: 4000", f"port: {port}"))
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    log, begun = folder / "output.log", time.perf_counter()
    with started(command, log=log, cores=cores()[0], env=_ENVIRONMENT) as process:
        wait_for(process, log, Probe(port, "/healthz"), _PATIENCE_SECONDS)
        return time.perf_counter() - begun, resident_mib([process.pid])
