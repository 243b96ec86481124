"""Which modules Open WebUI installs, from its environment's own metadata: `python -m install.kit.rules.modules`.

Run it after an update of Open WebUI, with the environment's Python as an argument where it is not beside the checkout.
"""

import json
import subprocess
import sys
from pathlib import Path

from install.kit.drive import open_webui_python
from install.kit.rules.open_webui import INSTALLED

ASK = """
import json, re
from importlib import metadata
from importlib.util import find_spec
from packaging.requirements import Requirement

def plain(name):
    return re.sub("[-_.]+", "-", name).lower()

seen, waiting = set(), [("open-webui", "")]
while waiting:
    name, extra = waiting.pop()
    if (name, extra) in seen:
        continue
    try:
        needs = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        continue
    seen.add((name, extra))
    for need in map(Requirement, needs):
        if need.marker is None or need.marker.evaluate({"extra": extra}):
            waiting += [(plain(need.name), each) for each in ("", *need.extras)]
wanted = {name for name, _ in seen}
modules = [(each, names) for each, names in metadata.packages_distributions().items() if each.isidentifier()]
brought = {each for each, names in modules if each[0] != "_" and wanted & set(map(plain, names))}
found = sorted(filter(find_spec, brought))
print(json.dumps({"open_webui": metadata.version("open-webui"), "modules": found}))
"""


def installed(python: Path) -> str:
    """Return `{"open_webui": VERSION, "modules": [NAME, …]}` as JSON: what Open WebUI and its requirements bring."""
    done = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True)
    return json.dumps(json.loads(done.stdout), indent=1) + "\n"


if __name__ == "__main__":
    INSTALLED.write_text(installed(open_webui_python(Path(sys.argv[1]) if sys.argv[1:] else None)), encoding="utf-8")
