"""Stability's models of images on Amazon Bedrock: what answers tell.

Source: docs.aws.amazon.com/bedrock: model-parameters-stability-diffusion, stable-image-services.
"""

from gateway import lenient
from gateway.dialects.chat import CLIENT, relay
from gateway.dialects.contract import UpstreamDialect
from gateway.dialects.endpoint import Endpoint, PerCall
from gateway.dialects.usage import Usage
from gateway.wire import Members

FILTERED = "Filter reason"
"""How the reasons begin for which a filter took an image away, under status 200."""


def usage_of(answer: Members) -> Usage | None:
    """Return how many images an answer has."""
    return Usage(images=len(images_of(lenient.peek(answer, "images"))))


def images_of(found: object) -> list[str]:
    """Return images in base64."""
    return [each for each in found if isinstance(each, str) and each] if isinstance(found, list) else []


def filter_of(reasons: object) -> str | None:
    """Return the reason of a filter; None where none took anything away."""
    found = reasons if isinstance(reasons, list) else []
    return next((each for each in found if isinstance(each, str) and each.startswith(FILTERED)), None)


def failure(answer: Members) -> bool:
    """Return whether a whole answer with status 200 is an error: without an image, and no filter took it away."""
    return not images_of(lenient.peek(answer, "images")) and not filter_of(lenient.peek(answer, "finish_reasons"))


def _is_error(answer: Members) -> bool:
    """Return False: no client speaks this shape, so none gets its errors untouched."""
    return False


def _accept(fields: Members) -> None:
    """Accept anything: requests are written by the gateway alone."""


STABILITY = Endpoint(
    "stability",
    "/stability",
    ("image",),
    _accept,
    CLIENT,
    UpstreamDialect(_is_error, failure, usage_of, relay),
    prompt=(),
    streams=False,
    per_call=lambda model: PerCall(1),
)
