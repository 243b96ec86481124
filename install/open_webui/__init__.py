"""Open WebUI's admin API. Nothing outside this folder knows its URLs."""

from install.open_webui.admin import OpenWebUI
from install.open_webui.session import Credentials, Password, Token, connect
from install.open_webui.tokens import TokenCache

__all__ = ["Credentials", "OpenWebUI", "Password", "Token", "TokenCache", "connect"]
