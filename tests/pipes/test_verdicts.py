"""The verdicts of document search: what a claim needs, without Open WebUI around it."""

from datetime import date

import pytest

from plugins.document_search.asked import read_question
from plugins.document_search.cutting import sections
from plugins.document_search.following import followed
from plugins.document_search.highlighting import highlighted
from plugins.document_search.passages import Passage
from plugins.document_search.ranking import merged
from plugins.document_search.roots import figured
from plugins.document_search.statements import statements_of
from plugins.document_search.support import has_subject, supports
from plugins.document_search.verdict import Verdict, judged
from plugins.document_search.weights import Weights
from tests.bench.company.measure import measured_company, shelved

TODAY = date(2026, 11, 28)

PAGES = (
    ("Travel.md", "# Travel\nThe hotel limit is EUR 140 per night in Germany. Meals are EUR 28 a day."),
    ("MT-7 Pro.md", "# Data sheet MT-7 Pro\n- List price: EUR 129\n- Weight: 455 g"),
    ("Visitors.txt", "Visitors\nVisitors sign in at reception and get a yellow\nbadge. Dogs are not allowed."),
    ("Leave 2021.md", "# Leave\nValid from 1 March 2021.\n\nSecond parents receive 10 days of paid leave."),
    ("Leave 2026.md", "# Leave\nValid from 1 April 2026.\n\nSecond parents receive 20 days of paid leave."),
    ("Copy of Leave 2026.md", "# Leave\nValid from 1 April 2026.\n\nSecond parents receive 20 days of paid leave."),
    ("Calendar 2025.md", "# Calendar 2025\n- Summer shutdown: 4 to 15 August"),
    ("日当.md", "# 出張旅費規程\n| 区分 | 日当 |\n| --- | --- |\n| 課長 | 2,800円 |\n| 部長 | 3,400円 |"),
    ("東工場.txt", "東工場案内\n来客用駐車場は東門の横である。食堂は12時に開く。"),
    ("西工場.txt", "西工場案内\n食堂は11時に開く。"),
    ("手順.md", "# 労災の手順\n労災が起きたときの手順:\n1. 応急手当をする。\n2. 上司に知らせる。"),
)


def verdict(question: str, *earlier: str, pages: tuple[tuple[str, str], ...] = PAGES) -> Verdict:
    shelves = [shelved("pages", pages)]
    best = merged([" ".join([*earlier, question])], shelves, {})
    rare = Weights("", shelves).rare
    if earlier:
        return followed(question, earlier[0], best, TODAY, 0.82, rare)
    return judged(read_question(question, TODAY), best, TODAY, rare=rare)


def claimed(question: str, *earlier: str) -> str:
    return "\n".join(claim.statement.text for claim in verdict(question, *earlier).claims)


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("What is the hotel limit per night in Germany?", "EUR 140"),
        ("How heavy is the MT-7 Pro?", "455 g"),
        ("Which colour is the badge of visitors?", "yellow badge"),
        ("Are dogs allowed for visitors?", "Dogs are not allowed"),
        ("部長の日当はいくらですか。", "3,400円"),
        ("東工場の来客用駐車場はどこですか。", "東門の横"),
        ("労災が起きたときの手順を教えてください。", "上司に知らせる"),
    ],
)
def test_a_sentence_that_meets_the_question_is_claimed(question: str, held: str) -> None:
    assert held in claimed(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the hotel limit per night in Austria?",
        "What is the hotel limit per night in Germany for guests?",
        "What does the MT-7 weigh?",
        "What does the MT-8 Pro weigh?",
        "How long is the warranty of the MT-7 Pro?",
        "Which colour is the badge of suppliers?",
        "Who issues the badge of visitors?",
        "How many days of paid leave do grandparents receive?",
        "When is the summer shutdown this year?",
        "Is the hotel limit higher in Germany or in Austria?",
        "派遣社員の日当はいくらですか。",
        "部長の宿泊費はいくらですか。",
        "西工場の来客用駐車場はどこですか。",
        "情報漏えいが起きたときの手順を教えてください。",
    ],
)
def test_what_no_sentence_meets_is_not_claimed(question: str) -> None:
    found = verdict(question)
    assert found.claims == []


def test_what_is_missing_is_named() -> None:
    assert "Austria" in verdict("What is the hotel limit per night in Austria?").missing
    assert "派遣社員" in verdict("派遣社員の日当はいくらですか。").missing


def test_the_version_in_force_is_claimed_and_the_other_named_with_its_date() -> None:
    found = verdict("How many days of paid leave do second parents receive?")
    assert "20 days" in found.claims[0].statement.text
    assert [since for _, since in found.earlier] == [date(2021, 3, 1)], (
        "the copy is neither another version nor a rival"
    )


def test_two_documents_that_differ_are_asked_about() -> None:
    found = verdict("食堂は何時に開きますか。")
    assert found.claims == []
    assert len(found.rivals) == 2


def test_a_comparison_needs_both_sides() -> None:
    assert "2,800円" in claimed("課長と部長では日当はどちらが高いですか。")
    assert "3,400円" in claimed("課長と部長では日当はどちらが高いですか。")
    assert claimed("課長と社長では日当はどちらが高いですか。") == ""


def test_a_question_that_follows_replaces_a_word_of_the_earlier_one() -> None:
    assert "2,800円" in claimed("課長は？", "部長の日当はいくらですか。")
    assert claimed("社長は？", "部長の日当はいくらですか。") == ""


@pytest.mark.parametrize(
    ("text", "passages"),
    [
        ("A title\nA line that was wrapped in the\nmiddle of its sentence.", ["# A title", "in the middle of its"]),
        ("第3条（宿泊費）宿泊費の上限は別に定める。", ["### 第3条（宿泊費）", "宿泊費の上限は別に定める。"]),
        ("【休暇】\n休暇は前日までに上長へ申し\n出る。", ["### 休暇", "申し出る。"]),
        ("Item\tDetails\nPrice\tEUR 3", ["| Item | Details |", "| Price | EUR 3 |"]),
    ],
)
def test_a_text_is_cut_along_its_structure(text: str, passages: list[str]) -> None:
    [(_, shown)] = sections(text)
    assert all(part in shown for part in passages)


def test_each_piece_of_a_long_table_has_its_head_and_its_heading() -> None:
    rows = "\n".join(f"| part {number} | {number} EUR |" for number in range(200))
    pieces = list(sections(f"# Prices\n\n| Part | Price |\n| --- | --- |\n{rows}"))
    assert len(pieces) > 2
    assert all("| Part | Price |" in text for _, text in pieces)
    assert all("Prices" in heading + text for heading, text in pieces)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "|", "||||\n|||", "# ", "-", "1.", "\t\t", "=====", "第条", "x" * 50_000, "| a |\n" * 2_000]
)
def test_odd_texts_are_cut(text: str) -> None:
    assert sum(len(part) for _, part in sections(text)) <= 4 * len(text) + 1_000


@pytest.mark.parametrize(
    "question", ["", "?", "。。。", "of the", "1", "MT-7 " * 500, "「」", "\\ ( [ *", "which or or or"]
)
def test_odd_questions_are_judged(question: str) -> None:
    verdict(question)
    verdict(question, question)


def test_the_quoted_words_are_marked_where_the_passage_opens() -> None:
    claim = verdict("What is the hotel limit per night in Germany?").claims[0].statement
    shown = highlighted(claim.passage.text, [claim])
    assert "**The hotel limit is EUR 140 per night in Germany.**" in shown
    assert shown.replace("**", "") == claim.passage.text


def test_the_company_of_the_benchmark() -> None:
    """What README promises, on the half of the questions that is reported."""
    for report in measured_company(reported=True).values():
        total = report.total
        assert total.right >= 0.97 * total.clear, report.wrong
        assert total.claims <= 0.03 * total.unanswerable, report.wrong
        assert total.clear >= 0.85 * total.answerable


RULES_OF_GERMANY = (
    "# Working in Germany\nAnnual leave is 30 days. The notice period is three months. Dogs are not allowed."
)


@pytest.mark.parametrize(
    ("question", "said", "backed"),
    [
        ("How much annual leave is there in Germany?", "Annual leave is 30 days.", True),
        ("How much annual leave is there in the UK?", "Annual leave is 30 days.", False),
        ("How much annual leave is there in Germany?", "Annual leave is 25 days.", False),
        ("Are dogs allowed in Germany?", "Dogs are allowed.", False),
        ("Are dogs allowed in Germany?", "Dogs are not allowed.", True),
    ],
)
def test_a_models_sentence_is_held_against_the_words_it_quotes(question: str, said: str, backed: bool) -> None:
    asked = read_question(question, TODAY)
    statements = statements_of(Passage("k", RULES_OF_GERMANY, "Germany.md"))
    assert (has_subject(asked, RULES_OF_GERMANY) and supports(RULES_OF_GERMANY, said, True, statements)) is backed


NAMED = (
    ("Travel_policy_2026-v3.txt", "The hotel limit is EUR 140 per night in Norway."),
    ("Theories.txt", "Graham Twigg wrote about it in 1984. Twigg suggested that the cause was anthrax."),
    ("Offices.txt", "The booking office in Port Ansel opens at 6:30. Export Control approves visitors from Norway."),
    ("Tariff.md", "| Route | Adult | Bicycle |\n| --- | --- | --- |\n| Ansel - Greyrock | EUR 12 | EUR 3 |"),
    ("Labour.txt", "The labour organisation of the harbour was founded in 1911."),
    ("倉庫.txt", "第一倉庫は摂氏四度、第二倉庫は摂氏二十度に保つ。早番の手当は一回につき八百円である。"),
    *(
        (f"Filler {number}.txt", f"Minutes of meeting {number}: the committee took note of report {number}.")
        for number in range(20)
    ),
)


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("What is the hotel limit per night in Norway in 2026?", "EUR 140"),
        ("What did Graham Twigg suggest as the cause?", "anthrax"),
        ("When was the labor organization of the harbor founded?", "1911"),
        ("What do adults pay from Ansel to Greyrock?", "EUR 12"),
        ("What is one hotel limit per night in Norway?", "EUR 140"),
        ("第二倉庫は何度に保ちますか。", "二十度"),
        ("早番の手当はいくらですか。", "八百円"),
    ],
)
def test_names_numbers_and_spellings_meet(question: str, held: str) -> None:
    said = verdict(question, pages=NAMED).claims
    assert any(held in claim.statement.text for claim in said), said


@pytest.mark.parametrize(
    "question",
    [
        "What is the hotel limit per night in Norway in 2025?",
        "What did Peter Twigg suggest as the cause?",
        "Where is the booking office in Port Ansel?",
        "In which room is Export Control?",
        "How much does a motorcycle cost from Ansel to Greyrock?",
        "What is the hotel limit per night in Norway for trainees of the harbour organisation founded in 1911?",
        "第三倉庫は何度に保ちますか。",
    ],
)
def test_what_only_looks_like_an_answer_is_not_claimed(question: str) -> None:
    assert not verdict(question, pages=NAMED).claims


def test_sentences_of_one_passage_that_answer_together_are_shown_together() -> None:
    moved = "The old harbour crane was a gift of the guild. The old harbour crane was moved to the pier."
    both = verdict("What happened to the old harbour crane?", pages=(("Harbour.txt", moved), *NAMED))
    assert [claim.statement.number for claim in both.claims] == [0, 1]
    priced = "The old harbour crane cost EUR 5. The old harbour crane cost EUR 7."
    one = verdict("How much did the old harbour crane cost?", pages=(("Harbour.txt", priced), *NAMED))
    assert not one.claims, "a single value is asked for"


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("二〇二六年", "2026年"),
        ("八百円", "800円"),
        ("三千五百二十人", "3520人"),
        ("十七時四十五分", "17時45分"),
        ("二万円", "2万円"),
        ("統一場", "統一場"),
    ],
)
def test_numbers_in_kanji(text: str, figures: str) -> None:
    assert figured(text) == figures
