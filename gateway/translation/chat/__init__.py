"""The codec of OpenAI's Chat Completions, and of what compatible servers and clients make of it."""

from gateway.translation.chat.answer_reader import read_answer
from gateway.translation.chat.answer_writer import write_answer
from gateway.translation.chat.names import CHAT
from gateway.translation.chat.request_reader import IGNORABLE, read_request
from gateway.translation.chat.request_writer import write_request
from gateway.translation.chat.stream_reader import ChatStreamReader
from gateway.translation.chat.stream_writer import ChatStreamWriter
from gateway.translation.codec import Codec

CODEC = Codec(
    dialect=CHAT,
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    reader=ChatStreamReader,
    writer=ChatStreamWriter,
    count_stream={"stream_options": {"include_usage": True}},
    ignorable=IGNORABLE,
)
