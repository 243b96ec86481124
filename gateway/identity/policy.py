"""What a key may do: data, and the checks that need nothing but the request."""

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Literal, get_args

from gateway.errors import ConfigError

BudgetWindow = Literal["day", "week", "month"]
TrafficClass = Literal["completion", "chat", "agent", "task", "batch"]
CLASSES: tuple[TrafficClass, ...] = get_args(TrafficClass)
"""In the order in which they are served."""


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

    def allows(self, model: str) -> bool:
        return self.models is None or any(fnmatchcase(model, glob) for glob in self.models)

    def allows_from(self, address: IPv4Address | IPv6Address | None) -> bool:
        return self.networks is None or (address is not None and inside(address, self.networks))


def inside(address: IPv4Address | IPv6Address, networks: tuple[str, ...]) -> bool:
    """Whether an address is in one of the networks; an IPv4 address written as IPv6 counts as IPv4."""
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
    """Some proxies write the port as well: `192.0.2.1:5000`, `[2001:db8::1]:5000`."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Policy fields from a command line or an admin call. Raises `ConfigError` naming the field."""
    known = {field.name for field in fields(Policy)}
    if unknown := values.keys() - known:
        raise ConfigError(f"{', '.join(sorted(unknown))}: unknown; allowed: {', '.join(sorted(known))}")
    for name, value in values.items():
        _check(name, value)
    if values.get("budget_nano_usd") is not None and not values.get("budget_window"):
        raise ConfigError("budget_window: missing; a budget is per day, week or month")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _check(name: str, value: Any) -> None:
    choices = {"traffic_class": CLASSES, "budget_window": get_args(BudgetWindow)}.get(name)
    if value is None:
        return
    if choices and value not in choices:
        raise ConfigError(f"{name}: '{value}' is not one of {', '.join(choices)}")
    if name == "networks":
        _check_networks(value)
    elif name == "models" and not (isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)):
        raise ConfigError("models: must be a list of names or globs such as 'gemma-*'")
    elif name == "budget_hard" and not isinstance(value, bool):
        raise ConfigError("budget_hard: must be true or false")
    elif name in _COUNTS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ConfigError(f"{name}: must be a whole number that is not negative")


_COUNTS = ("requests_per_minute", "tokens_per_minute", "parallel_requests", "budget_nano_usd", "expires_at")


def _check_networks(networks: Any) -> None:
    for network in networks if isinstance(networks, (list, tuple)) else [networks]:
        try:
            ip_network(network)
        except (ValueError, TypeError):
            raise ConfigError(f"networks: '{network}' is not a network such as 10.0.0.0/8 or 2001:db8::/32") from None
