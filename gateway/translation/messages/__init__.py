"""The codec of Anthropic's Messages."""

from gateway.translation.codec import Codec
from gateway.translation.messages.answer_reader import read_answer
from gateway.translation.messages.answer_writer import write_answer
from gateway.translation.messages.names import DIALECT, IGNORABLE
from gateway.translation.messages.request_reader import read_request
from gateway.translation.messages.request_writer import write_request
from gateway.translation.messages.stream_reader import MessagesStreamReader
from gateway.translation.messages.stream_writer import MessagesStreamWriter

CODEC = Codec(
    dialect=DIALECT,
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    reader=MessagesStreamReader,
    writer=MessagesStreamWriter,
    custom_tools=False,
    refuses_server_tools=True,
    ignorable=IGNORABLE,
)
