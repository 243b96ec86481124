"""A whole generateContent answer into the canonical form: it is a stream of one chunk."""

from gateway.profiles.profile import Profile
from gateway.translation.answer import Answer, Closed, Delta, Ended, Started
from gateway.translation.checks import Fields
from gateway.translation.gemini.stream_reader import GeminiStreamReader


def read_answer(fields: Fields, profile: Profile) -> Answer:
    """Read an answer. Never raises."""
    reader = GeminiStreamReader(profile)
    events = [*reader.take(fields), *reader.finish()]
    started = next(each for each in events if isinstance(each, Started))
    ended = next(each for each in events if isinstance(each, Ended))
    likely = [token for each in events if isinstance(each, Delta) and each.logprobs for token in each.logprobs]
    return Answer(
        id=started.id,
        model=started.model,
        parts=tuple(each.part for each in events if isinstance(each, Closed)),
        end=ended.end,
        usage=ended.usage,
        logprobs={"content": likely} if likely else None,
    )
