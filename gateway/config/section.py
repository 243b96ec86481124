"""What every section of the configuration is made of: its base class, and values that several sections have."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from gateway.config.addresses import without_secrets
from gateway.secret import Secret, at_least

Share = Literal["id", "id_and_email", "all"]
TrafficClass = Literal["completion", "chat", "agent", "task", "batch"]
CLASSES: tuple[TrafficClass, ...] = get_args(TrafficClass)
"""In the order in which they are served."""
LONGEST_SECONDS = 366 * 86_400
LARGEST_BYTES = 2**50
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""A limit that is counted; what the columns of the database hold."""
Usd = Annotated[Decimal, Field(ge=0, le=10**9)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]


def _printable(path: Path) -> Path:
    if not str(path).isprintable():
        raise ValueError("has a character that no path should have")
    return path


FilePath = Annotated[Path, AfterValidator(_printable)]
SigningSecret = Annotated[Secret, AfterValidator(at_least(32))]
"""As long as the output of the hash that it keys (RFC 7518, section 3.2)."""
AccessKey = Annotated[Secret, AfterValidator(at_least(16))]
"""A secret that clients send."""
Address = Annotated[str, PlainSerializer(without_secrets)]
"""A URL; shown without its password."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
