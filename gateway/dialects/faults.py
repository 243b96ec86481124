"""Error messages of upstreams, in the shapes that vendors use: the HTTP status they stand for, and their words."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

_STATUS_NAMES = (
    "code",
    "status",
    "status_code",
    "statusCode",
    "http_code",
    "httpCode",
    "error_code",
    "type",
    "__type",
    "finish_reason",
)
"""Members that tell the kind of an error, by a number or a name, the most exact first."""
_WORD_NAMES = (
    "response",
    "error",
    "fault",
    "message",
    "Message",
    "msg",
    "title",
    "detail",
    "errors",
    "error_message",
    "error_description",
    "errorMessage",
    "faultstring",
    "description",
    "reason",
    "metadata",
    "raw",
)
"""Members in which servers put words for people."""

_KINDS = {
    400: "badrequest badrequesterror invalidrequest invalidrequesterror invalidargument invalidprompt validationerror "
    "contextlengthexceeded exceedcontextsizeerror contentfilter contentpolicyviolation validationexception "
    "responsibleaipolicyviolation",
    401: "authenticationerror unauthenticated unauthorized invalidapikey invalidauthentication",
    402: "billingerror paymentrequired insufficientbalance insufficientcredits",
    403: "permissionerror permissiondenied permissiondeniederror forbidden accessdeniedexception "
    "unrecognizedclientexception expiredtokenexception expiredtoken",
    404: "notfound notfounderror modelnotfound modelnotfounderror resourcenotfoundexception",
    413: "requesttoolarge",
    422: "unprocessableentity unprocessableentityerror",
    429: "ratelimiterror ratelimitexceeded resourceexhausted toomanyrequests insufficientquota "
    "ratelimited throttlingexception toomanyrequestsexception modelnotreadyexception servicequotaexceededexception",
    500: "servererror internalservererror internalerror internal apierror internalserverexception",
    502: "modelerrorexception modelstreamerrorexception",
    503: "overloaded overloadederror unavailable serviceunavailable serviceunavailableerror engineoverloaded "
    "serviceunavailableexception",
    504: "timeout timeouterror deadlineexceeded gatewaytimeout modeltimeoutexception",
}
_STATUSES = {name: status for status, names in _KINDS.items() for name in names.split()}
_TOO_LONG = (
    "context length",
    "context_length",
    "context window",
    "context size",
    "context_size",
    "context limit",
    "maximum model length",
    "prompt is too long",
    "input is too long",
    "exceeds the maximum number of tokens",
    "too many tokens",
    "too many input tokens",
    "model supports up to",
    "model only supports up to",
    "input tokens exceed",
    "exceeds maximum length",
    "input length exceeds",
    "prompt too long",
    "input too long",
    "input is too large",
    "`inputs` tokens + `max_new_tokens` must be",
    "`inputs` must have less than",
)
_FILTERED = frozenset(("contentfilter", "contentpolicyviolation", "responsibleaipolicyviolation"))
_EXPIRED = frozenset(("expiredtokenexception", "expiredtoken", "apikeyexpired", "tokenexpired", "accesstokenexpired"))
_OTHER_LIMITS = ("max tokens must be less", "output tokens must be less", "please wait")
"""In words of too many tokens that are asked for, or that were used in a minute: no shorter prompt helps."""
_ENDED = (
    "reached the end of its life",
    "has been deprecated",
    "has been retired",
    "has been decommissioned",
    "has been discontinued",
    "has been shut down",
    "is no longer available",
    "was removed on",
    "marked by provider as legacy",
    "model is retired",
)
"""How vendors say that a model has ended, each behind a name of at most some hundred letters."""
_ENDED_WITHIN = 300
_UNPAID = ("your credit balance is too low", "insufficient balance", "insufficient credit")
"""How such an error begins; further on, its words may quote the request."""
_BAD_KEY = ("api key not valid", "api key expired")
"""How Google says it, under status 400."""
_OLD_KEY = (_BAD_KEY[1], "bearer token has expired")
"""How Google and Amazon say that a key is past its end."""

_LONGEST_WORDS = 2000
_MOST_TEXTS = 10
_DEEPEST = 10
_LONGEST_DELAY = 30
_DELAY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?s")
_TRACE = re.compile(r"Traceback \(most recent call last\).*|\n\s+at .*|\n\s+File \".*", re.DOTALL)


class Fault(msgspec.Struct, frozen=True):
    """An upstream's error message."""

    status: int | None = None
    """The HTTP status that it names itself, or None."""
    words: str = ""
    """What it says to people, bounded in length; empty where it says nothing readable."""
    too_long: bool = False
    """True if the prompt does not fit the model's context window."""
    filtered: bool = False
    """True if a filter of contents refused the request."""
    expired: bool = False
    """True if the credentials of the request are past their end."""
    ended: bool = False
    """True if the model is no longer served by its vendor."""
    retry_after: float | None = None
    """Seconds to wait, where it says so: Google's `RetryInfo`."""


def fault_of(body: bytes) -> Fault:
    """Read an error: JSON of any vendor, or plain text. HTML and stack traces hold no words for people."""
    found = _parsed(body)
    words = _joined(found)
    kinds = list(_kinds(found))
    lowered = f"{words} {' '.join(kinds)}".lower()
    status = 402 if lowered.startswith(_UNPAID) else 401 if lowered.startswith(_BAD_KEY) else _status(kinds)
    too_long = any(mark in lowered for mark in _TOO_LONG) and not any(mark in lowered for mark in _OTHER_LIMITS)
    names = {_plain_kind(kind) for kind in (*kinds, *_detailed(found, "reason"))}
    return Fault(
        400 if too_long and status is None else status,
        words,
        too_long,
        filtered=not names.isdisjoint(_FILTERED),
        expired=not names.isdisjoint(_EXPIRED) or lowered.startswith(_OLD_KEY),
        ended="model" in lowered[:_ENDED_WITHIN] and any(mark in lowered[:_ENDED_WITHIN] for mark in _ENDED),
        retry_after=_retry_after(found),
    )


def _parsed(body: bytes) -> Any:
    """Return JSON as Python data, anything else as text."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _holders(found: Any, depth: int = _DEEPEST) -> Iterator[dict[str, Any]]:
    """Yield the objects that describe an error, the innermost first."""
    if isinstance(found, list):
        found = found[0] if found else None
    if isinstance(found, dict) and depth:
        for name in ("response", "error", "detail", "message"):
            yield from _holders(found.get(name), depth - 1)
        yield found


def _kinds(found: Any) -> Iterator[str]:
    """Yield the names and numbers by which an error tells its kind."""
    for holder in _holders(found):
        for name in _STATUS_NAMES:
            if isinstance(kind := holder.get(name), str | int) and not isinstance(kind, bool):
                yield str(kind)[:100]


def status_named(kind: str) -> int | None:
    """Return the status that the name of an error stands for; Amazon writes `space#Name` and `Name:address`."""
    return _STATUSES.get(_plain_kind(kind))


def _plain_kind(kind: str) -> str:
    """Return the letters of a kind, as every vendor puts others between them."""
    return re.sub("[^a-z]", "", kind.rpartition("#")[2].partition(":")[0].lower())


def _status(kinds: Sequence[str]) -> int | None:
    for kind in kinds:
        if len(kind) == 3 and kind.isdecimal() and kind.isascii() and "400" <= kind <= "599":
            return int(kind)
        if status := status_named(kind):
            return status
    return None


def _retry_after(found: Any) -> float | None:
    """Return the seconds of a `retryDelay`, which is written as `34.5s`."""
    delays = (each for each in _detailed(found, "retryDelay") if _DELAY.fullmatch(each[:_LONGEST_DELAY]))
    return next((float(each[:-1]) for each in delays), None)


def _detailed(found: Any, name: str) -> Iterator[str]:
    """Yield the texts under a name in the `details` of an error of Google's."""
    for holder in _holders(found):
        details = holder.get("details")
        for each in details[:_MOST_TEXTS] if isinstance(details, list) else ():
            if isinstance(each, dict) and isinstance(text := each.get(name), str):
                yield text[:100]


def _joined(found: Any) -> str:
    texts: dict[str, None] = {}
    for text in _texts(found, _DEEPEST):
        texts.setdefault(text)
        if len(texts) == _MOST_TEXTS:
            break
    return "; ".join(texts)[:_LONGEST_WORDS]


def _texts(found: Any, depth: int) -> Iterator[str]:
    """Yield the words for people in an error, wherever they stand."""
    if depth == 0:
        return
    if isinstance(found, str):
        yield from _plain(found, depth)
    elif isinstance(found, list):
        for each in found[:_MOST_TEXTS]:
            yield from _texts(each, depth - 1)
    elif isinstance(found, dict) and isinstance(found.get("loc"), list) and isinstance(found.get("msg"), str):
        place = ".".join(str(each)[:100] for each in found["loc"][:_DEEPEST])
        yield from _plain(f"{place}: {found['msg']}", depth)
    elif isinstance(found, dict):
        for name in _WORD_NAMES:
            yield from _texts(found.get(name), depth - 1)


def _plain(text: str, depth: int) -> Iterator[str]:
    """Yield a text, or the words of the JSON in it: some servers pass on what another one told them."""
    text = text.strip()
    if text[:1] in ("{", "[") and isinstance(inner := _parsed(text.encode("utf-8", "replace")), dict | list):
        yield from _texts(inner, depth - 1)
        return
    text = _TRACE.sub("", text[: 4 * _LONGEST_WORDS]).encode("utf-8", "replace").decode()
    if text and text[0] not in "<{[":
        yield " ".join("".join(each if each.isprintable() else " " for each in text).split())
