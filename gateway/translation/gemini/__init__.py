"""The codec of Google's generateContent."""

from gateway.translation.codec import Codec
from gateway.translation.gemini.answer_reader import read_answer
from gateway.translation.gemini.answer_writer import write_answer
from gateway.translation.gemini.names import DIALECT
from gateway.translation.gemini.request_reader import read_request
from gateway.translation.gemini.request_writer import write_request
from gateway.translation.gemini.stream_reader import GeminiStreamReader
from gateway.translation.gemini.stream_writer import GeminiStreamWriter

CODEC = Codec(
    dialect=DIALECT,
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    reader=GeminiStreamReader,
    writer=GeminiStreamWriter,
    custom_tools=False,
    ignorable=frozenset(("safetySettings", "labels", "modelArmorConfig")),
)
