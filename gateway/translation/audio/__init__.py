"""Speech and transcripts for clients of OpenAI's Audio, by Gemini.

| file | has |
|---|---|
| `sink.py` | what becomes of an answer's pieces: sound, text or events |
| `speech.py`, `wav.py` | a text to speak as Gemini is asked for it, and its sound |
| `transcripts.py` | a sound to write down, and its words |
| `relay.py`, `crossing.py` | one request on its way, and the answer's pieces on the way back |
"""

from gateway.translation.audio.crossing import Audio
from gateway.translation.audio.speech import SPEECH
from gateway.translation.audio.transcripts import TRANSCRIPTS, TRANSLATIONS

__all__ = ["SPEECH", "TRANSCRIPTS", "TRANSLATIONS", "Audio"]
