"""What the report is written from."""

from plugins.research.run import Run

LONGEST_MATERIAL = 60_000  # the notes that a report is written from


def material(run: Run) -> str:
    """Return the question and the notes, fairly shared among the questions."""
    share = LONGEST_MATERIAL // max(1, len(run.questions))
    parts = []
    for at, question in enumerate(run.questions):
        notes = [note for note in run.notes if note.question == at]
        lines = "\n".join(f"[{one.source.number}] {one.claim} — “{one.quote}”" for one in notes)
        parts.append(f"Question {at + 1}: {question}\n{lines[:share]}")
    pairs = [f"[{one.source.number}] and [{two.source.number}]: {why}" for one, two, why in run.contradictions]
    notes_and_pairs = "\n\n".join([*parts, *(["Contradictions:", *pairs] if pairs else [])])
    return f"The question: {run.turn.question}\n\nThe notes:\n{run.data(notes_and_pairs)}"
