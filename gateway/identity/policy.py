"""What a key may do: data, and the checks that need nothing but the request."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal, get_args

from gateway.config.section import CLASSES as CLASSES
from gateway.config.section import TrafficClass as TrafficClass
from gateway.errors import ConfigError

BudgetWindow = Literal["day", "week", "month"]


_LONGEST_ADDRESS = 64


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits of one key; None = none. Money in nano-USD, times in UTC microseconds."""

    models: tuple[str, ...] | None = None
    """Globs such as `gemma-*`; None = every model."""
    networks: tuple[str, ...] | None = None
    """Source networks; None = every one that the server allows."""
    traffic_class: TrafficClass | None = None
    """For requests whose kind does not say more."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    parallel_requests: int | None = None
    budget_nano_usd: int | None = None
    budget_window: BudgetWindow | None = None
    budget_hard: bool = True
    """False: spending over the budget is warned about, not refused."""
    expires_at: int | None = None
    mcp: tuple[str, ...] | None = None
    """Tool servers and their tools, as globs: `wiki`, `git/read_*`; None = every server that is open to all keys."""

    def allows(self, model: str) -> bool:
        return self.models is None or any(fnmatchcase(model, glob) for glob in self.models)

    def allows_tool(self, server: str, tool: str, is_open: bool) -> bool:
        """Return whether the key may use a tool of a server. `is_open`: to keys that name no tool servers."""
        if self.mcp is None:
            return is_open
        whole = f"{server}/{tool}"
        return any(fnmatchcase(whole if "/" in glob else server, glob) for glob in self.mcp)

    def allows_server(self, server: str, is_open: bool) -> bool:
        """Return whether the key may use a server or some tool of it."""
        if self.mcp is None:
            return is_open
        return any(fnmatchcase(server, glob.partition("/")[0]) for glob in self.mcp)

    def allows_all_of(self, server: str, is_open: bool) -> bool:
        """Return whether the key may use all of a server: its resources and prompts too."""
        if self.mcp is None:
            return is_open
        parts = (glob.partition("/") for glob in self.mcp)
        return any(fnmatchcase(server, name) and rest in ("", "*") for name, _, rest in parts)

    def within(self, models: tuple[str, ...] | None, traffic_class: TrafficClass | None) -> "Policy":
        """Return this policy with a team's models as a further bound, and its class where the key says none."""
        own = {field.name: getattr(self, field.name) for field in fields(Policy)}
        own["traffic_class"] = self.traffic_class or traffic_class
        return TeamPolicy(**own, team_models=models)

    def allows_from(self, address: IPv4Address | IPv6Address | None) -> bool:
        return self.networks is None or (address is not None and inside(address, self.networks))


@dataclass(frozen=True, slots=True)
class TeamPolicy(Policy):
    """Limits of one key in the hands of a team."""

    team_models: tuple[str, ...] | None = None
    """Globs of the team; None = every model."""

    def allows(self, model: str) -> bool:
        team = self.team_models
        return Policy.allows(self, model) and (team is None or any(fnmatchcase(model, glob) for glob in team))


def inside(address: IPv4Address | IPv6Address, networks: tuple[str, ...]) -> bool:
    """Return whether an address is in one of the networks; an IPv4 address written as IPv6 counts as IPv4."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in _parsed(networks))


@lru_cache(1024)
def _parsed(networks: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(network) for network in networks)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address as a server or proxy writes it, or None."""
    return _parsed_address(text.strip()[:_LONGEST_ADDRESS])


@lru_cache(4096)
def _parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(_without_port(text))
    except ValueError:
        return None


def _without_port(text: str) -> str:
    """Cut the port that some proxies write as well: `192.0.2.1:5000`, `[2001:db8::1]:5000`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Check policy fields of a command line or an admin call. Raises `ConfigError` naming the field."""
    known = {field.name for field in fields(Policy)}
    if unknown := values.keys() - known:
        shown = ", ".join(sorted(unknown))[:_LONGEST_SHOWN]
        raise ConfigError(f"{shown}: unknown; allowed: {', '.join(sorted(known))}")
    for name, value in values.items():
        if value is not None or name == "budget_hard":
            _CHECKS[name](name, value)
    if values.get("budget_nano_usd") is not None and not values.get("budget_window"):
        raise ConfigError("budget_window: missing; a budget is per day, week or month")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def check_name(field: str, value: object, longest: int) -> None:
    """Raise `ConfigError` for anything but a text of 1 to `longest` characters that can be shown in one line."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ConfigError(f"{field}: must be text without line breaks and control characters")
    if len(value) > longest:
        raise ConfigError(f"{field}: is longer than {longest} characters")


def _check_list(field: str, value: object) -> None:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ConfigError(f"{field}: must be a list of texts such as {_EXAMPLES[field]}")
    if len(value) > _MOST_LISTED:
        raise ConfigError(f"{field}: more than {_MOST_LISTED}; a glob or a larger network says it shorter")


def _check_models(field: str, value: Any) -> None:
    _check_list(field, value)
    for each in value:
        check_name(field, each, _LONGEST_GLOB)


def _check_mcp(field: str, value: Any) -> None:
    _check_models(field, value)
    for each in value:
        if each.count("/") > 1 or each.startswith("/") or each.endswith("/"):
            raise ConfigError(
                f"{field}: {each!r:.60} is neither a tool server nor 'server/tool', such as {_EXAMPLES[field]}"
            )


def _check_networks(field: str, value: Any) -> None:
    _check_list(field, value)
    for each in value:
        try:
            ip_network(each)
        except ValueError:
            raise ConfigError(f"{field}: {each!r:.60} is not a network such as {_EXAMPLES[field]}") from None


def _check_flag(field: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{field}: must be true or false")


def _one_of(*choices: str) -> Callable[[str, object], None]:
    def check(field: str, value: object) -> None:
        if value not in choices:
            raise ConfigError(f"{field}: {value!r:.60} is not one of {', '.join(choices)}")

    return check


def _whole(most: int) -> Callable[[str, object], None]:
    def check(field: str, value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise ConfigError(f"{field}: must be a whole number that is not negative, at most {most}")

    return check


_LONGEST_SHOWN = 200
_LONGEST_GLOB = 256
_MOST_LISTED = 500
_EXAMPLES = {"models": "'gemma-*'", "networks": "10.0.0.0/8 or 2001:db8::/32", "mcp": "wiki or 'git/read_*'"}
_MOST_COUNTED = 2**31 - 1
"""What the database's columns hold."""
_MOST_NANO_USD = 10**18
_LATEST = 253_370_764_800 * 10**6
"""The year 9999, in microseconds."""
_CHECKS: dict[str, Callable[[str, Any], None]] = {
    "models": _check_models,
    "networks": _check_networks,
    "traffic_class": _one_of(*CLASSES),
    "requests_per_minute": _whole(_MOST_COUNTED),
    "tokens_per_minute": _whole(_MOST_COUNTED),
    "parallel_requests": _whole(_MOST_COUNTED),
    "budget_nano_usd": _whole(_MOST_NANO_USD),
    "budget_window": _one_of(*get_args(BudgetWindow)),
    "budget_hard": _check_flag,
    "expires_at": _whole(_LATEST),
    "mcp": _check_mcp,
}
