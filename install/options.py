"""Options that the pack's commands share: flags → environment → defaults meet here and nowhere else."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from gateway.cli_options import takes
from gateway.project import ADMIN_EMAIL, Project, find, remember
from gateway.secret import Secret, weakness
from install.errors import UsageError
from install.open_webui import Credentials, OpenWebUI, Password, Token, TokenCache, connect
from install.pack.engine.receipts import Receipts, server_folder, state_folder
from install.pack.inputs import Options
from install.pack.manifest import BUNDLED
from install.wording import language_of, say, speak

SERVER = "Open WebUI"
GATEWAY = "Gateway"
PACK = "Pack"

Lang = Annotated[
    Literal["en", "ja"] | None, typer.Option("--lang", help="English or Japanese.", show_default="$LC_ALL, $LANG")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def _option(flag: str, panel: str, help: str, env: str | None = None, **more: Any) -> Any:
    return typer.Option(flag, envvar=env, help=help, rich_help_panel=panel, **more)


def _secret(flag: str, panel: str, help: str, env: str, metavar: str, parser: Callable[[str], Secret] = Secret) -> Any:
    return _option(flag, panel, help, env, parser=parser, metavar=metavar)


def given_secret(text: str) -> Secret:
    """Return a secret of the gateway as it was given. Raises `BadParameter` for blanks and placeholders."""
    if reason := weakness(text):
        raise typer.BadParameter(reason)
    return Secret(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Every field is an option of every command that is marked with `takes_server_options`."""

    url: Annotated[
        str, _option("--url", SERVER, "Address of Open WebUI, e.g. http://localhost:8080.", "SEKISHO_OPEN_WEBUI_URL")
    ]
    token: Annotated[
        Secret | None,
        _secret("--token", SERVER, "API key of an administrator.", "SEKISHO_OPEN_WEBUI_TOKEN", "TOKEN"),
    ] = None
    email: Annotated[
        str | None, _option("--email", SERVER, "Sign in as this administrator.", "SEKISHO_OPEN_WEBUI_EMAIL")
    ] = None
    password: Annotated[
        Secret | None,
        _secret("--password", SERVER, "Asked for if it is missing.", "SEKISHO_OPEN_WEBUI_PASSWORD", "PASSWORD"),
    ] = None
    state: Annotated[
        Path | None,
        _option(
            "--state",
            SERVER,
            "Folder of the receipts; share it where several machines install.",
            "SEKISHO_STATE",
            file_okay=False,
            show_default="~/.local/state/sekisho",
        ),
    ] = None

    lang: Lang = None

    def __post_init__(self) -> None:
        speak(language_of(self.lang, os.environ))

    @property
    def project(self) -> Project | None:
        """The stack that runs here, where it is the one that is meant: nobody else gets its password and keys."""
        found = find()
        return found if found and self.means(found) else None

    def means(self, project: Project) -> bool:
        return project.open_webui_url == self.url.rstrip("/")

    def kept(self, name: str) -> Secret | None:
        """Return a secret of the stack that is meant."""
        return self.project.secret(name) if self.project else None

    def credentials(self) -> Credentials:
        """Return the token, or the address and password. Raises `UsageError`."""
        if self.token:
            return Token(self.token)
        if not self.email:
            if kept := self.kept("admin_password"):
                return Password(ADMIN_EMAIL, self.password or (lambda: kept))
            raise UsageError(say("The sign-in is missing."), say("Pass --token, or --email and --password."))
        email = self.email
        return Password(email, self.password or (lambda: _ask_password(email)))

    @property
    def folder(self) -> Path:
        state = self.state or (self.project.receipts if self.project else state_folder(os.environ))
        return server_folder(state, self.url)

    @contextmanager
    def connected(self) -> Iterator[OpenWebUI]:
        """Sign in and yield the client. Raises an `OpenWebUIError`."""
        with connect(self.url, self.credentials(), TokenCache(self.folder / "tokens.json")) as client:
            yield client

    def receipts(self) -> Receipts:
        return Receipts(self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions(ServerOptions):
    """What the manifest needs, too."""

    gateway_url: Annotated[
        str,
        _option(
            "--gateway-url",
            GATEWAY,
            "Address under which Open WebUI reaches the gateway, e.g. http://gateway:4000/v1.",
            "SEKISHO_GATEWAY_URL",
        ),
    ]
    gateway_key: Annotated[
        Secret | None,
        _secret(
            "--gateway-key",
            GATEWAY,
            "Open WebUI's key at the gateway; needed the first time.",
            "SEKISHO_GATEWAY_KEY",
            "KEY",
            given_secret,
        ),
    ] = None
    identity_secret: Annotated[
        Secret | None,
        _secret(
            "--identity-secret",
            GATEWAY,
            "Signs who is asking; the same as in the gateway's configuration.",
            "SEKISHO_IDENTITY_SECRET",
            "SECRET",
            given_secret,
        ),
    ] = None
    manifest: Annotated[
        Path | None,
        _option(
            "--manifest",
            PACK,
            "What belongs to the pack.",
            "SEKISHO_MANIFEST",
            show_default="the one that `sekisho up` runs with, else the bundled pack.yaml",
        ),
    ] = None
    plugins: Annotated[
        Path | None,
        _option(
            "--plugins",
            PACK,
            "Folder with filters/, pipes/, functions/ and tools/ to use instead of the bundled files.",
            exists=True,
            file_okay=False,
        ),
    ] = None
    embedding_model: Annotated[
        str | None, _option("--embedding-model", PACK, "Use this gateway model for document search.")
    ] = None

    def means(self, project: Project) -> bool:
        # Not super(): a dataclass with slots is another class than the one that it would name.
        return ServerOptions.means(self, project) and project.gateway_url == self.gateway_url.rstrip("/")

    @property
    def manifest_file(self) -> Path:
        """The manifest that was named, else the one that the stack was last given, else the bundled one."""
        return self.manifest or (self.project and self.project.manifest) or BUNDLED

    def remember(self) -> None:
        """Let `sekisho up` know which manifest was applied to its stack."""
        if self.project and self.manifest:
            own = None if self.manifest.resolve() == BUNDLED.resolve() else self.manifest.absolute()
            remember(replace(self.project, manifest=own))

    def desired(self, *, force: bool = False, fewer_models: bool = False) -> Options:
        project = self.project
        return Options(
            gateway_url=self.gateway_url,
            gateway_key=self.gateway_key or self.kept("gateway_key"),
            identity_secret=self.identity_secret or self.kept("identity"),
            embedding_model=self.embedding_model,
            usual_embedding_model=project.embedding_model if project else None,
            plugins=self.plugins,
            environment=dict(os.environ),
            force=force,
            fewer_models=fewer_models,
            ask=_ask,
        )


def _ask_password(email: str) -> Secret:
    if not sys.stdin.isatty():
        raise UsageError(say("The password is missing."), say("Pass --password or set SEKISHO_OPEN_WEBUI_PASSWORD."))
    return Secret(typer.prompt(say("Password of {email}", email=email), hide_input=True, err=True))


def _ask(question: str, hidden: bool) -> str | None:
    if not sys.stdin.isatty():
        return None
    answer: str = typer.prompt(question, hide_input=hidden, err=True)
    return answer


takes_server_options = takes(ServerOptions)
takes_pack_options = takes(PackOptions)
"""The command's first parameter becomes all the options above."""
