"""A record as LiteLLM (1.106) logs it: `StandardLoggingPayload`.

What LiteLLM knows and we don't (prompts, spend of keys, …) is null or empty as it is there; fields, names and types
are its own, as its proxy writes them.
"""

from typing import Any

from gateway.ledger.record import Record
from gateway.providers.rows import PROVIDERS

_CALL_TYPES = {
    "chat": "acompletion",
    "completions": "atext_completion",
    "fim": "atext_completion",
    "infill": "atext_completion",
    "embeddings": "aembedding",
    "responses": "aresponses",
    "messages": "anthropic_messages",
    "rerank": "arerank",
    "score": "arerank",
    "images": "aimage_generation",
    "transcriptions": "atranscription",
    "speech": "aspeech",
    "moderations": "amoderation",
}
_UNKNOWN_METADATA = (
    "user_api_key_spend",
    "user_api_key_max_budget",
    "user_api_key_budget_reset_at",
    "user_api_key_user_spend",
    "user_api_key_user_max_budget",
    "user_api_key_team_spend",
    "user_api_key_team_max_budget",
    "user_api_key_org_id",
    "user_api_key_org_alias",
    "user_api_key_project_id",
    "user_api_key_project_alias",
    "spend_logs_metadata",
    "requester_metadata",
    "prompt_management_metadata",
    "mcp_tool_call_metadata",
    "vector_store_request_metadata",
    "routing_decision",
    "cold_storage_object_key",
)


_UNKNOWN_ERROR = (
    "error_provider_request_id",
    "error_rate_limit_category",
    "error_rate_limit_type",
    "error_budget_entity_type",
    "error_budget_entity_id",
    "error_budget_limit",
    "error_budget_spend",
    "normalized_error",
)


def _provider_name(record: Record) -> str | None:
    """Return LiteLLM's name of a record's provider."""
    row = PROVIDERS.get(record.provider or "")
    return row.litellm_name if row and row.litellm_name else record.provider


def payload(record: Record) -> dict[str, Any]:
    """Return a record as `StandardLoggingPayload`. Times are seconds since 1970, costs USD."""
    start = record.started_at / 1e6
    failed = record.outcome != "ok"
    total = (record.input_tokens or 0) + (record.output_tokens or 0)
    cost = (record.cost_nano_usd or 0) / 1e9
    return {
        "id": record.request_id,
        "trace_id": record.chat_id or record.request_id,
        "session_id": record.chat_id or "",
        "litellm_call_id": record.request_id,
        "call_type": _CALL_TYPES.get(record.api, record.api),
        "stream": record.stream,
        "response_cost": cost,
        "autorouter_savings": None,
        "autorouter_savings_estimate": None,
        "autorouter_baseline_observation": None,
        "zero_cost_diagnostic": None,
        "cost_breakdown": None if failed else _breakdown(cost),
        "response_cost_failure_debug_info": None,
        "status": "failure" if failed else "success",
        "status_fields": {"llm_api_status": "failure" if failed else "success", "guardrail_status": "not_run"},
        "custom_llm_provider": _provider_name(record),
        "total_tokens": total,
        "prompt_tokens": record.input_tokens or 0,
        "completion_tokens": record.output_tokens or 0,
        "startTime": start,
        "endTime": start + (record.duration_ms or 0) / 1000,
        "completionStartTime": start + (record.first_token_ms or record.duration_ms or 0) / 1000,
        "response_time": (record.duration_ms or 0) / 1000,
        "model_map_information": {"model_map_key": record.upstream_model or "", "model_map_value": None},
        "model": record.upstream_model or record.model or "",
        "model_id": record.deployment or "",
        "model_group": record.model,
        "api_base": "",
        "metadata": _metadata(record),
        "cache_hit": False,
        "cache_key": None,
        "saved_cache_cost": 0.0,
        "request_tags": [record.task],
        "request_model_access_groups": [],
        "end_user": record.user_id or "",
        "requester_ip_address": record.client_ip,
        "user_agent": record.client,
        "messages": None,
        "response": None,
        "error_str": record.error_code if failed else None,
        "error_information": _error(record, failed),
        "model_parameters": {"stream": record.stream},
        "hidden_params": _hidden(record, cost),
        "guardrail_information": None,
        "standard_built_in_tools_params": {"web_search_options": None, "file_search": None},
    }


def _metadata(record: Record) -> dict[str, Any]:
    return {
        **dict.fromkeys(_UNKNOWN_METADATA),
        "user_api_key_hash": record.key_id,
        "user_api_key_alias": record.key_alias,
        "user_api_key_team_id": record.team,
        "user_api_key_team_alias": record.team,
        "user_api_key_user_id": record.user_id,
        "user_api_key_user_email": record.user_email,
        "user_api_key_end_user_id": record.user_id,
        "user_api_key_request_route": None,
        "user_api_key_auth_metadata": {},
        "requester_custom_headers": {},
        "applied_guardrails": [],
        "requester_ip_address": record.client_ip,
        "user_agent": record.client,
        "usage_object": _usage(record),
        "team_id": record.team,
        "team_alias": record.team,
        "used_client_oauth_token": False,
    }


def _usage(record: Record) -> dict[str, Any]:
    return {
        "prompt_tokens": record.input_tokens or 0,
        "completion_tokens": record.output_tokens or 0,
        "total_tokens": (record.input_tokens or 0) + (record.output_tokens or 0),
        "prompt_tokens_details": {"cached_tokens": record.cached_input_tokens},
        "completion_tokens_details": {"reasoning_tokens": record.reasoning_tokens},
        "cache_creation_input_tokens": record.cache_write_tokens,
        "cache_read_input_tokens": record.cached_input_tokens,
    }


def _hidden(record: Record, cost: float) -> dict[str, Any]:
    return {
        "model_id": record.deployment,
        "cache_key": None,
        "api_base": None,
        "response_cost": cost,
        "litellm_overhead_time_ms": None,
        "additional_headers": None,
        "batch_models": None,
        "batch_successful_requests": None,
        "batch_failed_requests": None,
        "litellm_model_name": record.upstream_model,
        "usage_object": _usage(record),
    }


def _breakdown(cost: float) -> dict[str, Any]:
    """Return the cost breakdown: costs by kind of token are not recorded, nothing is discounted."""
    unknown = ("input_cost", "output_cost", "service_tier", "data_residency", "vertex_location")
    none = ("tool_usage_cost", "discount_percent", "discount_amount")
    margins = ("margin_percent", "margin_fixed_amount", "margin_total_amount")
    totals = {"total_cost": cost, "original_cost": cost}
    return {**totals, **dict.fromkeys(unknown), **dict.fromkeys((*none, *margins), 0.0)}


def _error(record: Record, failed: bool) -> dict[str, Any]:
    """Return the error, with empty texts where nothing failed."""
    error = {
        "error_code": str(record.status or ""),
        "error_class": record.error_code or "",
        "llm_provider": record.provider or "",
        "traceback": "",
        "error_message": record.error_code or record.outcome,
    }
    return {**(error if failed else dict.fromkeys(error, "")), **dict.fromkeys(_UNKNOWN_ERROR)}
