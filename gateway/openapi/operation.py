"""One documented operation: data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one route takes and answers. `query`, `body` and `answer` are msgspec structs or dataclasses."""

    method: Method
    path: str
    """As the route has it, such as `/v1/me/keys/{id}`."""
    summary: str
    answer: Any
    about: str = ""
    """Sentences below the summary, in Markdown."""
    query: Any = None
    open_query: tuple[str, ...] = ()
    """Names of the query that may be given several times, beside those of `query`."""
    body: Any = None
    any_body: bool = False
    """True where the body is a JSON object of any kind."""
    codes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Error codes of this operation by HTTP status, beside those that every route has."""
    example: Mapping[str, Any] | None = None
    """A body."""
    answered: Mapping[str, Any] | None = None
    """The answer to it."""

    @property
    def name(self) -> str:
        """Return the operation's id, such as `post_v1_me_keys_id_rotate`."""
        words = self.path.replace("{", "").replace("}", "").strip("/").replace("-", "_").split("/")
        return "_".join((self.method.lower(), *words))

    @property
    def is_admin(self) -> bool:
        """Return whether the admin key opens it; a person's key opens the others."""
        return self.path.startswith("/admin/")
