"""What LiteLLM's settings mean here: tables of words."""

from collections.abc import Mapping

from gateway.importing.findings import Kind

_OF_KEYS = (
    "limits are of keys, persons and teams here: see `sekisho keys create --help` and `sekisho budgets set --help`"
)
_OF_QUEUES = "a deployment's `max_concurrency` and the queue before it keep bursts away; rates are limited by key"
_BY_CLIENT = "a request's own value is sent; defaults of a model are not set here"
_CREDENTIALS = "set it in the environment of the gateway, where Amazon's libraries read it"
_ENTRA = "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET in the environment of the gateway"
_AS_NAMED = "deployments are named by model, provider and address"
_ROUTERS = "models that choose other models are not served here"

MODES: Mapping[str, str] = {
    "chat": "chat",
    "responses": "chat",
    "completion": "completion",
    "embedding": "embedding",
    "rerank": "rerank",
    "image_generation": "image",
    "image_edit": "image",
    "audio_transcription": "transcription",
    "audio_speech": "speech",
    "moderation": "moderation",
    "moderations": "moderation",
}
PRICES: Mapping[str, tuple[str, int]] = {
    "input_cost_per_token": ("input", 10**6),
    "output_cost_per_token": ("output", 10**6),
    "cache_read_input_token_cost": ("cached_input", 10**6),
    "cache_creation_input_token_cost": ("cache_write", 10**6),
    "output_cost_per_reasoning_token": ("reasoning", 10**6),
    "output_cost_per_image": ("image", 1),
    "input_cost_per_second": ("audio_second", 1),
    "input_cost_per_query": ("search_unit", 1),
}
"""Members of a price: ours, and how many of theirs one of ours is."""
TOLD: Mapping[str, str] = {
    "max_input_tokens": "context_window",
    "max_output_tokens": "max_output_tokens",
    "max_tokens": "max_output_tokens",
}

_Row = tuple[Kind, str]
PARAMETERS: Mapping[str, _Row] = {
    **dict.fromkeys(("rpm", "tpm", "itpm", "otpm"), ("manual", _OF_QUEUES)),
    **dict.fromkeys(("default_api_key_tpm_limit", "default_api_key_rpm_limit"), ("manual", _OF_KEYS)),
    **dict.fromkeys(("max_budget", "budget_duration"), ("manual", _OF_KEYS)),
    **dict.fromkeys(
        ("temperature", "top_p", "top_k", "seed", "stop", "max_completion_tokens"), ("unsupported", _BY_CLIENT)
    ),
    **dict.fromkeys(("presence_penalty", "frequency_penalty", "n", "reasoning_effort"), ("unsupported", _BY_CLIENT)),
    **dict.fromkeys(("thinking", "extra_body", "response_format", "tools", "metadata"), ("unsupported", _BY_CLIENT)),
    **dict.fromkeys(("aws_access_key_id", "aws_secret_access_key", "aws_session_token"), ("manual", _CREDENTIALS)),
    **dict.fromkeys(("aws_session_name", "aws_sts_endpoint", "aws_external_id"), ("manual", _CREDENTIALS)),
    **dict.fromkeys(("aws_web_identity_token",), ("manual", _CREDENTIALS)),
    **dict.fromkeys(("tenant_id", "client_id", "client_secret", "azure_scope"), ("manual", _ENTRA)),
    **dict.fromkeys(("azure_ad_token", "azure_username", "azure_password"), ("manual", _ENTRA)),
    "max_retries": ("approximate", "other deployments are asked first, within one budget of retries"),
    "num_retries": ("approximate", "other deployments are asked first, within one budget of retries"),
    "drop_params": ("exact", "what a model's API cannot take is left out and listed; strict_parameters refuses it"),
    "additional_drop_params": ("approximate", "what a model's API cannot take is left out by its family's table"),
    "order": ("approximate", "deployments share the load by weight; put a later one into a model named in 'fallback'"),
    "organization": ("manual", "OpenAI takes the organisation of the key"),
    "region_name": ("manual", "the address of the deployment says where it is"),
    "extra_headers": ("unsupported", "no headers of its own are sent to an upstream"),
    "tags": ("unsupported", "deployments are not chosen by tags; make a model of its own and allow it to a key"),
    "tag_regex": ("unsupported", "deployments are not chosen by tags; make a model of its own and allow it to a key"),
    "mock_response": ("unsupported", "answers are never invented"),
    "guardrails": ("unsupported", "nothing is checked beside the model here"),
    "cache_control_injection_points": ("unsupported", "marks of caches are the client's"),
    "merge_reasoning_content_in_choices": ("unsupported", "reasoning is sent as the client's API has it"),
    "keepalive_seconds": ("approximate", "'server.keepalive_seconds' is of all models"),
    "use_chat_completions_api": ("manual", "write 'dialects: [chat]' on the deployment"),
    "use_in_pass_through": ("unsupported", "there are no routes that pass everything on"),
    "configurable_clientside_auth_params": ("unsupported", "a client never sets keys or addresses"),
    "ssl_verify": ("manual", "an authority of the company's stands in 'server.custom_ca'"),
    "id": ("approximate", _AS_NAMED),
    "access_groups": ("manual", "name the models of a key: `sekisho keys create --model`"),
    "team_id": ("manual", "name the models of a team's keys: `sekisho keys create --team --model`"),
    "team_public_model_name": ("manual", "a model has one name"),
    "description": ("manual", "write 'description:' on the model"),
    "access_windows": ("manual", "write 'available: {from, until}' on the model"),
    "blocked": ("manual", "write 'available: {until}' on the model, or take it out"),
    "mode": ("unsupported", "this mode is not served here"),
    "auto_router_config_path": ("unsupported", _ROUTERS),
    "auto_router_config": ("unsupported", _ROUTERS),
    "auto_router_default_model": ("unsupported", _ROUTERS),
    "auto_router_embedding_model": ("unsupported", _ROUTERS),
    "complexity_router_config": ("unsupported", _ROUTERS),
    "adaptive_router_config": ("unsupported", _ROUTERS),
    "input_cost_per_character": ("manual", "write 'price:' on the model"),
    "output_cost_per_second": ("manual", "write 'price:' on the model"),
    "aws_bedrock_project_id": ("manual", "projects are of 'provider: bedrock-mantle', with 'project:'"),
    **dict.fromkeys(
        ("timeout", "stream_timeout", "request_timeout", "max_parallel_requests", "weight", "max_tokens"),
        ("manual", "is no number above zero that could be read"),
    ),
    **dict.fromkeys(
        ("api_base", "base_url", "api_key", "api_version", "base_model", "aws_region_name", "vertex_project"),
        ("approximate", "is empty, or of no use with this vendor"),
    ),
}
"""Parameters of entries, and members of their `model_info`, that are not carried over as they stand."""
