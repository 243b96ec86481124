"""The Japanese of every sentence of the installer, by its English."""

from collections.abc import Mapping

from install.wording.client_sentences import CLIENT
from install.wording.manifest_sentences import MANIFEST
from install.wording.plan_sentences import PLAN
from install.wording.server_sentences import SERVER

SENTENCES: Mapping[str, str] = {**SERVER, **PLAN, **MANIFEST, **CLIENT}
