"""Ends of an answer are found wherever the pieces of the stream are cut."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.translation.completion.cutting import Cutter, cut

ENDS = ("<|endoftext|>", "<|fim_prefix|>", "\n\n", "ab", "aab")
TEXTS = st.lists(st.sampled_from([*ENDS, "<|", "<|fim_", "a", "b", "\n", "x", "語", "|>"]), max_size=12).map("".join)


@given(text=TEXTS, sizes=st.lists(st.integers(1, 6), min_size=1))
def test_any_cut_of_the_stream_gives_the_same_text(text: str, sizes: list[int]) -> None:
    cutter, got, at, number = Cutter(ENDS), "", 0, 0
    while at < len(text):
        size = sizes[number % len(sizes)]
        got += cutter.feed(text[at : at + size])
        at, number = at + size, number + 1
    got += cutter.end()
    assert (got, cutter.cut) == cut(text, ENDS)


@given(text=TEXTS)
def test_what_is_held_back_may_be_an_end_and_no_more(text: str) -> None:
    cutter = Cutter(ENDS)
    shown = cutter.feed(text)
    held = cutter.end()
    assert cutter.cut or any(end.startswith(held) for end in ENDS)
    assert cutter.cut or shown + held == text


def test_without_ends_everything_goes_on() -> None:
    cutter = Cutter(())
    assert (cutter.feed("<|x|>"), cutter.end(), cutter.cut) == ("<|x|>", "", False)
