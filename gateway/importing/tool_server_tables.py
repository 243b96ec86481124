"""What members of an entry of LiteLLM's `mcp_servers` mean here: tables of words."""

from collections.abc import Mapping

from gateway.importing.findings import Kind

KEPT: Mapping[str, tuple[tuple[str, ...], Kind]] = {
    "description": (("description",), "exact"),
    "allowed_tools": (("allow",), "exact"),
    "disallowed_tools": (("deny",), "exact"),
    "timeout": (("timeouts", "call"), "exact"),
    "allow_all_keys": (("access",), "exact"),
}
"""Members with a counterpart, and how well they agree."""

_DISCOVERED = "the server's metadata says it; name another issuer in 'auth.oauth.issuer'"
_KEYS = "name the servers of a key: `sekisho keys create --mcp`"
LEFT: Mapping[str, tuple[Kind, str]] = {
    "authorization_url": ("approximate", _DISCOVERED),
    "token_url": ("approximate", _DISCOVERED),
    "registration_url": ("approximate", _DISCOVERED),
    "token_exchange_endpoint": ("approximate", _DISCOVERED),
    "subject_token_type": ("unsupported", "a signed identity is exchanged, never a client's token"),
    "client_id": ("manual", "belongs to 'auth.oauth.client_id'"),
    "client_secret": ("manual", "belongs to 'auth.oauth.client_secret', beside a 'client_id'"),
    "scopes": ("manual", "a list of names is wanted: 'auth.oauth.scopes'"),
    "alias": ("approximate", "a server has one name"),
    "server_name": ("approximate", "a server has one name"),
    "server_id": ("approximate", "a server has one name"),
    "extra_headers": ("unsupported", "a client's own headers, its key among them, are never sent on"),
    "allowed_params": ("unsupported", "arguments are checked by the tool's own schema"),
    "spec_version": ("approximate", "the revision is tried out; 'protocol' fixes the era"),
    "access_groups": ("manual", _KEYS),
    "mcp_access_groups": ("manual", _KEYS),
    "teams": ("manual", _KEYS),
    "available_on_public_internet": ("manual", "'server.allowed_networks' says who reaches the gateway"),
    "delegate_auth_to_upstream": ("unsupported", "a client's token is never sent on: people sign in, 'auth.oauth'"),
    "tool_name_to_display_name": ("unsupported", "tools keep the names of their server"),
    "tool_name_to_description": ("unsupported", "tools keep the descriptions of their server"),
    "authentication_token": ("manual", "write 'auth: {token: …}' if it is a bearer token"),
    "auth_value": ("manual", "write 'auth: {token: …}' if it is a bearer token"),
    "env": ("unsupported", "only a program has an environment"),
    "args": ("unsupported", "only a program has arguments"),
}
"""Members without a counterpart of their own; those that were told of already are not told of again."""
