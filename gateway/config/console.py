"""The people's pages at `/console`."""

from typing import Annotated

from pydantic import Field

from gateway.config.oidc import Oidc
from gateway.config.section import Section

Mail = Annotated[str, Field(pattern=r"^[^@\s]{1,64}@[^@\s]{1,255}$")]


class Console(Section):
    """Who sees what on the pages at `/console`; everybody who is signed in sees their own use and keys."""

    administrators: tuple[Mail, ...] = ()
    """E-mail addresses of administrators: by `oidc`, or in Open WebUI of those who are administrators there, too."""
    team_leads: dict[str, tuple[Mail, ...]] = Field({})
    """E-mail addresses of those who see a team's people and spend, by team; Open WebUI's are believed."""
    open_webui_admins: bool = True
    """Administrators of Open WebUI are administrators here, too."""
    session_hours: Annotated[float, Field(gt=0, le=24 * 31)] = 8
    """Hours after which one signs in again."""
    oidc: Oidc | None = None
    """null = no sign-in with the company's provider."""
