"""The codec of Bedrock's Converse, which only upstreams speak."""

from gateway.translation.codec import Codec, no_client
from gateway.translation.converse.answer_reader import read_answer
from gateway.translation.converse.names import CARRIED, DIALECT
from gateway.translation.converse.request_writer import write_request
from gateway.translation.converse.stream_reader import ConverseStreamReader

CODEC = Codec(
    dialect=DIALECT,
    read_request=no_client,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=no_client,
    reader=ConverseStreamReader,
    writer=no_client,
    custom_tools=False,
    carried=CARRIED,
)
