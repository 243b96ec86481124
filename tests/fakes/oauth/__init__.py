"""A real authorization server, on the SDK's own handlers, and a tool server that takes its tokens alone."""

from tests.fakes.oauth.issuer import Issuer, issuing
from tests.fakes.oauth.resource import Protected, protected

__all__ = ["Issuer", "Protected", "issuing", "protected"]
