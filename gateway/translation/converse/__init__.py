"""The codec of Bedrock's Converse, which only upstreams speak."""

from typing import Any, NoReturn

from gateway.translation.codec import Codec
from gateway.translation.converse.answer_reader import read_answer
from gateway.translation.converse.names import CARRIED, DIALECT
from gateway.translation.converse.request_writer import write_request
from gateway.translation.converse.stream_reader import ConverseStreamReader


def _no_client(*arguments: Any) -> NoReturn:
    """Stand where a client's half would be: `rows.UPSTREAM_CODECS` alone has Converse, so nobody gets here."""
    raise NotImplementedError("no client speaks Converse")


CODEC = Codec(
    dialect=DIALECT,
    read_request=_no_client,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=_no_client,
    reader=ConverseStreamReader,
    writer=_no_client,
    custom_tools=False,
    carried=CARRIED,
)
