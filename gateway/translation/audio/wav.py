"""WAV files around bare samples (PCM, 16 bits, one channel)."""

import struct

_BYTES_OF_SAMPLE = 2
_PCM = 1


def wav(samples: bytes, rate: int) -> bytes:
    """Return samples with the head of a WAV file; `rate` is in samples a second."""
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(samples),
        b"WAVE",
        b"fmt ",
        16,
        _PCM,
        1,
        rate,
        rate * _BYTES_OF_SAMPLE,
        _BYTES_OF_SAMPLE,
        8 * _BYTES_OF_SAMPLE,
        b"data",
        len(samples),
    )
    return head + samples


def seconds_of(size: int, rate: int) -> float:
    """Return how long so many bytes of samples sound."""
    return size / (rate * _BYTES_OF_SAMPLE)
