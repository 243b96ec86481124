"""The codec of Cohere's Chat, which only upstreams speak."""

from gateway.translation.codec import Codec, no_client
from gateway.translation.cohere.answer_reader import read_answer
from gateway.translation.cohere.names import CARRIED, DIALECT
from gateway.translation.cohere.request_writer import write_request
from gateway.translation.cohere.stream_reader import CohereStreamReader

CODEC = Codec(
    dialect=DIALECT,
    read_request=no_client,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=no_client,
    reader=CohereStreamReader,
    writer=no_client,
    custom_tools=False,
    carried=frozenset(CARRIED),
)
