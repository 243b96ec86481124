"""Correction of the token estimate by model.

Each model counts differently: context_guard compares with the usage that the gateway returned, in this process.
"""

from typing import Any


def correction(request: Any, model_id: str) -> float:
    """Return the factor by which the estimate is multiplied for this model."""
    return float(getattr(request.app.state, "sekisho_corrections", {}).get(model_id, 1.0))
