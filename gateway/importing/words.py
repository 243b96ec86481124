"""What LiteLLM's settings of whole sections mean here: tables of words."""

from collections.abc import Mapping

from gateway.importing.findings import Kind

_Row = tuple[Kind, str]
_BUDGETS = "budgets are of keys, persons and teams: `sekisho budgets set`"
_NO_CACHE = "answers are not cached; servers' caches of prompts are used"
_DATABASE = "keys and records are in a database of our own: write 'database:' for PostgreSQL, and make the keys anew"
_FILE_ALONE = "the file alone is the configuration; edits are picked up while running"
_LEDGER = "the ledger has every request: `sekisho usage`, Parquet on object storage"
_PROMPTS = "prompts are not recorded; 'ledger.content' names the keys whose are, encrypted"
_HEALTH = "deployments are judged by the requests that they serve; `sekisho config check` looks for credentials"
_OWN_COOLDOWN = "a deployment that fails is left for 5 seconds, then longer up to 60, and probed by one request"
_LOAD = "the deployment with the least outstanding tokens for its weight is asked"
_METRICS = "/metrics, and rules of your monitoring"
_UI = "there is no page of administration; the command line and /admin are"
_MCP = "tool servers are configured on their own"

CALLBACKS: Mapping[str, _Row] = {
    **dict.fromkeys(("s3", "s3_v2"), ("exact", "ledger.litellm: a copy of each record in LiteLLM's layout")),
    "prometheus": ("exact", "/metrics"),
    "prometheus_system": ("exact", "/metrics"),
    **dict.fromkeys(("otel", "opentelemetry", "arize_phoenix"), ("manual", "write 'telemetry: {endpoint: …}'")),
    **dict.fromkeys(("gcs_bucket", "azure_storage"), ("manual", "write 'ledger.destination: gs://…' or 'az://…'")),
}
"""By name. Others are services that nothing is sent to."""

_ROUTER: Mapping[str, _Row] = {
    "routing_strategy": ("approximate", _LOAD),
    "routing_strategy_args": ("unsupported", _LOAD),
    "routing_groups": ("unsupported", _LOAD),
    "weights": ("manual", "write 'weight:' on the deployments"),
    "num_retries": ("approximate", "at most four attempts, within one budget of retries"),
    "max_retries": ("approximate", "at most four attempts, within one budget of retries"),
    "retry_after": ("approximate", "the server's Retry-After is kept, else a quarter of a second"),
    "retry_policy": ("approximate", "what another deployment may do better is tried again, by the kind of error"),
    "model_group_retry_policy": (
        "approximate",
        "what another deployment may do better is tried again, by the kind of error",
    ),
    **dict.fromkeys(("allowed_fails", "allowed_fails_policy", "cooldown_time"), ("approximate", _OWN_COOLDOWN)),
    "disable_cooldowns": ("unsupported", _OWN_COOLDOWN),
    "enable_pre_call_checks": ("approximate", "a prompt that is too long goes to a fallback with a larger window"),
    "optional_pre_call_checks": ("approximate", "the same conversation goes to the server that has its prefix cached"),
    "model_group_affinity_config": (
        "approximate",
        "the same conversation goes to the server that has its prefix cached",
    ),
    "content_policy_fallbacks": ("unsupported", "a refusal of the model is its answer; no other model is asked"),
    "default_max_parallel_requests": ("manual", "write 'max_concurrency:' on the deployments"),
    "default_litellm_params": ("manual", "write it on each deployment"),
    "enable_tag_filtering": ("unsupported", "deployments are not chosen by tags"),
    "tag_filtering_match_any": ("unsupported", "deployments are not chosen by tags"),
    **dict.fromkeys(("cache_responses", "cache_kwargs", "caching_groups", "client_ttl"), ("unsupported", _NO_CACHE)),
    **dict.fromkeys(("set_verbose", "debug_level"), ("unsupported", "the log has a line a request that failed")),
    "provider_budget_config": ("unsupported", _BUDGETS),
    "polling_interval": ("unsupported", _FILE_ALONE),
    "ignore_invalid_deployments": ("unsupported", "a configuration that cannot be used is refused as a whole"),
}
_GENERAL: Mapping[str, _Row] = {
    **dict.fromkeys(("database_url", "database_type", "database_args"), ("manual", _DATABASE)),
    **dict.fromkeys(("database_connection_pool_limit", "database_connection_timeout"), ("unsupported", _DATABASE)),
    **dict.fromkeys(
        ("store_model_in_db", "supported_db_objects", "disable_schema_update"), ("unsupported", _FILE_ALONE)
    ),
    "proxy_config_reload_interval_seconds": ("approximate", _FILE_ALONE),
    **dict.fromkeys(
        ("disable_spend_logs", "proxy_batch_write_at", "use_spend_logs_partitioning"), ("approximate", _LEDGER)
    ),
    **dict.fromkeys(("store_prompts_in_spend_logs", "disable_error_logs"), ("manual", _PROMPTS)),
    **dict.fromkeys(
        ("background_health_checks", "health_check_interval", "health_check_details"), ("approximate", _HEALTH)
    ),
    **dict.fromkeys(("alerting", "alerting_threshold", "alert_types", "alerting_args"), ("unsupported", _METRICS)),
    **dict.fromkeys(("alert_to_webhook_url", "spend_report_frequency"), ("unsupported", _METRICS)),
    "max_parallel_requests": ("manual", "keys have `--parallel-requests`; 'admission.max_running' is of all"),
    "admission_queue_timeout_seconds": ("manual", "write 'admission.patience:' by class of traffic"),
    "cancel_on_disconnect": ("exact", "a client that goes away frees the model"),
    "completion_model": ("unsupported", "the request names the model"),
    "infer_model_from_keys": ("unsupported", "models are named in the file"),
    "pass_through_endpoints": (
        "unsupported",
        "every request is of an API that is understood; there are no other routes",
    ),
    **dict.fromkeys(
        ("user_header_name", "user_header_mappings"), ("manual", "people are told by signed identity: 'open_webui:'")
    ),
    "enforce_user_param": ("unsupported", "people are told by their keys and signed identity"),
    **dict.fromkeys(
        ("custom_auth", "custom_key_generate", "enable_jwt_auth", "litellm_jwtauth"),
        ("unsupported", "keys are our own"),
    ),
    **dict.fromkeys(
        ("key_management_system", "key_management_settings"), ("manual", "secrets come from the environment: ${NAME}")
    ),
    **dict.fromkeys(
        ("use_google_kms", "use_azure_key_vault"), ("manual", "secrets come from the environment: ${NAME}")
    ),
    **dict.fromkeys(("ui_access_mode", "enable_public_model_hub"), ("unsupported", _UI)),
    **dict.fromkeys(
        ("allowed_routes", "admin_only_routes", "public_routes"), ("unsupported", "keys have models, not routes")
    ),
    "forward_client_headers_to_llm_api": ("unsupported", "headers of a client are not sent on, but those of its API"),
    "coordination_redis": ("manual", "write 'shared_state: redis://…'"),
    "use_redis_transaction_buffer": ("approximate", _LEDGER),
    "disable_prisma_schema_update": ("unsupported", _DATABASE),
    "custom_team_metadata_validate": ("unsupported", "keys are our own"),
    "reject_clientside_metadata_tags": ("unsupported", "records have team, key, person, program and task"),
    "service_account_settings": ("unsupported", "keys are our own"),
    "default_team_disabled": ("unsupported", "keys are our own"),
    "pass_through_request_timeout": (
        "unsupported",
        "every request is of an API that is understood; there are no other routes",
    ),
    "max_response_size_mb": ("unsupported", "answers are bounded by the gateway itself"),
    "mcp_internal_ip_ranges": ("manual", _MCP),
    "otel": ("manual", "write 'telemetry: {endpoint: …}'"),
}
_LITELLM: Mapping[str, _Row] = {
    **{
        name: row
        for name, row in _ROUTER.items()
        if name in ("num_retries", "allowed_fails", "content_policy_fallbacks")
    },
    "drop_params": ("exact", "what a model's API cannot take is left out and listed in x-sekisho-dropped"),
    "modify_params": ("approximate", "requests are repaired for the model's family"),
    **dict.fromkeys(
        ("cache", "cache_params", "enable_caching_on_provider_specific_optional_params"), ("unsupported", _NO_CACHE)
    ),
    "s3_callback_params": ("manual", "write 'ledger.litellm: {destination: …}'"),
    "turn_off_message_logging": ("exact", _PROMPTS),
    "redact_user_api_key_info": ("approximate", "records name keys by their alias, never by the key"),
    "json_logs": ("unsupported", "the log is lines of text"),
    **dict.fromkeys(
        ("set_verbose", "suppress_debug_info"), ("unsupported", "the log has a line a request that failed")
    ),
    **dict.fromkeys(
        ("max_budget", "budget_duration", "max_user_budget", "max_internal_user_budget"), ("manual", _BUDGETS)
    ),
    **dict.fromkeys(
        ("default_internal_user_params", "default_team_settings", "default_team_params"), ("manual", _BUDGETS)
    ),
    **dict.fromkeys(("upperbound_key_generate_params", "default_key_generate_params"), ("manual", _BUDGETS)),
    "tag_budget_config": ("unsupported", _BUDGETS),
    **dict.fromkeys(("cost_discount_config", "cost_margin_config"), ("manual", "write 'price:' on the models")),
    "callback_settings": ("unsupported", _LEDGER),
    **dict.fromkeys(("langfuse_default_tags", "langfuse_public_key", "langfuse_secret"), ("unsupported", _LEDGER)),
    "ssl_verify": ("manual", "an authority of the company's stands in 'server.custom_ca'"),
    "include_cost_in_streaming_usage": ("exact", "the usage that Open WebUI gets has its cost"),
    "require_auth_for_metrics_endpoint": (
        "approximate",
        "'server.metrics_networks' may read /metrics, others with the admin key",
    ),
    "disable_end_user_cost_tracking": ("unsupported", _LEDGER),
    "disable_end_user_cost_tracking_prometheus_only": ("approximate", "metrics name no person"),
    "disable_hf_tokenizer_download": ("exact", "nothing is downloaded"),
    "websearch_interception_params": ("unsupported", "the web is searched by Open WebUI"),
    "mcp_semantic_tool_filter": ("unsupported", _MCP),
    "code_interpreter_interception_params": ("unsupported", "programs are run by the client"),
    "force_ipv4": ("unsupported", "addresses are tried side by side"),
    "extra_spend_tag_headers": ("unsupported", "records have team, key, person, program and task"),
    "guardrails": ("unsupported", "nothing is checked beside the model here"),
    "mcp_aliases": ("manual", _MCP),
    "public_model_groups": ("unsupported", _UI),
}
SETTINGS: Mapping[str, Mapping[str, _Row]] = {
    "router_settings": _ROUTER,
    "general_settings": _GENERAL,
    "litellm_settings": _LITELLM,
}

SECTIONS: Mapping[str, _Row] = {
    "environment_variables": ("manual", "set it in the environment of the gateway; it is not written into a file"),
    "credential_list": ("exact", "its values stand on the deployments that name it"),
    "guardrails": ("unsupported", "nothing is checked beside the model here"),
    "policy_attachments": ("unsupported", "nothing is checked beside the model here"),
    "sandbox_tools": ("unsupported", "programs are run by the client"),
    "policies": ("unsupported", "nothing is checked beside the model here"),
    "mcp_tools": ("manual", _MCP),
    "vector_store_registry": ("unsupported", "documents are searched by the pack in Open WebUI"),
    "search_tools": ("unsupported", "the web is searched by Open WebUI"),
    "callback_settings": ("unsupported", _LEDGER),
    "prompts": ("unsupported", "prompts are the client's"),
    "assistant_settings": ("unsupported", "OpenAI's assistants are not served"),
    "finetune_settings": ("unsupported", "models are not trained here"),
    "files_settings": ("unsupported", "files are not kept here"),
    "worker_config": ("manual", "write 'server: {workers: …}'"),
    "agents": ("manual", "write a model with 'mode: agent' whose 'base_url' is the agent's"),
    "general_settings": ("unsupported", "not known here; it is left out"),
    "router_settings": ("unsupported", "not known here; it is left out"),
    "litellm_settings": ("unsupported", "not known here; it is left out"),
}
"""Of whole sections: what each entry becomes."""
