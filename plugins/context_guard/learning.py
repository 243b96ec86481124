"""What the gateway's usage teaches about the estimate."""

from typing import Any

CORRECTED_MODELS = 500


def learn(request: Any, model_id: str, estimated: int, real: Any) -> None:
    """Correct the estimate for a model.

    Short prompts teach nothing: what a model adds by itself would weigh too much. Nor do counts that cannot be true.
    """
    state = request.app.state
    if not hasattr(state, "sekisho_corrections"):
        state.sekisho_corrections = {}
    known = state.sekisho_corrections
    if estimated < 1000 or not isinstance(real, int) or not estimated / 2 <= real <= estimated * 2:
        return
    if model_id not in known and len(known) >= CORRECTED_MODELS:
        return
    seen = real / estimated
    known[model_id] = round(known[model_id] * 0.7 + seen * 0.3, 4) if model_id in known else seen
