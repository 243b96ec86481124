"""Responses, in both of its roles."""

from gateway.translation.codec import Codec
from gateway.translation.responses.answer_reader import read_answer
from gateway.translation.responses.answer_writer import write_answer
from gateway.translation.responses.history import ResponsesHistory
from gateway.translation.responses.names import IGNORABLE, RESPONSES
from gateway.translation.responses.request_reader import read_request
from gateway.translation.responses.request_writer import write_request
from gateway.translation.responses.stream_reader import ResponsesReader
from gateway.translation.responses.stream_writer import ResponsesWriter

CODEC = Codec(
    dialect=RESPONSES,
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    reader=ResponsesReader,
    writer=ResponsesWriter,
    history=ResponsesHistory(),
    names_answers=True,
    ignorable=IGNORABLE,
)
