"""What a question asks: its words, which of them narrow it down, and the kind of answer."""

import re
from datetime import date
from typing import NamedTuple

from plugins.document_search.kinds import COUNTERS, asked_kind
from plugins.document_search.language import CJK, in_cjk, normalised
from plugins.document_search.roots import FIGURES, NUMBER_WORD, THOUSANDS, figured, root
from plugins.document_search.topics import FUNCTION_WORDS
from plugins.document_search.vocabulary import (
    KEPT,
    LIGHT_ENGLISH,
    LIGHT_JAPANESE,
    MEASURES,
    SORTS,
    TYPED,
    TYPED_JAPANESE,
    YEARS,
)

KANJI = "\u3400-\u9fff\uf900-\ufaff々〆"
JAPANESE_RUN = re.compile(
    rf"[a-z][a-z0-9.+#&/_-]*|\d+(?:\.\d+)?(?:[万億千百]*(?:円|{COUNTERS}|万|億|ドル|ユーロ))?|[\u30a1-\u30ffー]+|[{KANJI}]+|[\uac00-\ud7a3]+|[\u3041-\u309f]+",
    re.IGNORECASE,
)
WORDS = re.compile(rf"[^\W_{CJK}]+(?:[-./'’&+][^\W_{CJK}]+)*")
ASKING_JAPANESE = re.compile(
    r"(?:何|幾)(?:[かヶカケ箇][月所国]|文字|世紀|曜日?|時間|年間|日間|[年月日時分秒名人件回度個階割番号枚台円本点部通社歳倍色種週キ名])?(?:目|くらい|ぐらい|ほど|頃)?"
    r"|いくら|いくつ|いつ|どこ|だれ|誰|どなた|どれ(?:くらい|ぐらい|だけ|ほど)?|どの(?:くらい|ぐらい|ような?)?|どんな|どう(?:やって|すれば|したら|して)?|どちら|どっち|なぜ|なに|なん"
    r"|教えて(?:ください|下さい|ほしい)?|知りたい|について|(?:です|ます|でしょう|ました|でした|ません)か?|ください"
)
RELATIVE = re.compile(rf"(?:{'|'.join(sorted(YEARS, key=len, reverse=True))})(?:'s|の)?", re.IGNORECASE)
NUMBER_WORD_ANY = re.compile(NUMBER_WORD.pattern, re.IGNORECASE)
ONE_OF_SOME = re.compile(
    r"(?<!line )(?<!level )(?<!grade )(?<!type )(?<!class )(?<!phase )(?<!room )(?<!building )(?<!step )(?<!zone )"
    r"(?<!tier )(?<!stage )(?<!chapter )(?<!section )(?<!page )(?<!floor )(?<!version )(?<!part )(?<!gate )"
    r"\bone\b(?!\s(?:full |half |whole |single |working )?(?:day|week|month|year|hour|minute|second|night|person|"
    r"percent|time|item|piece|copy|guest|room|hundred|thousand|million|kilo|met|mile|litre|liter|bag|seat|space|ticket|trip|car)|-)",
    re.IGNORECASE,
)
"""A "one" that counts nothing: one of, no one, what is one prominent …"""
MOST_TERMS = 60  # of a question, that are compared
CURRENCY = re.compile(r"(?i:eur|usd|gbp|jpy|chf|nok|sek|dkk|cad|aud|sgd|inr|euros?|dollars?|pounds?|yen|francs?)")
ROMAN_NUMERAL = re.compile(r"^[IVX]{1,4}$")


class Term(NamedTuple):
    """A word of a question. strength: name (codes, numbers, names), word, light, verb."""

    text: str
    """As it is compared: an English root, a Japanese run."""
    shown: str
    strength: str
    group: int = 0
    """Terms of one group stand beside each other in the question."""


class Asked(NamedTuple):
    """A question as it is compared with sentences."""

    text: str
    kind: str
    terms: tuple[Term, ...]

    @property
    def japanese(self) -> bool:
        return in_cjk(self.text)

    @property
    def telling(self) -> list[Term]:
        """The terms that a sentence has to meet."""
        return [term for term in self.terms if term.strength != "light"]


def dated(question: str, today: date) -> str:
    """Return the question with "this year" as the year that it is."""
    return RELATIVE.sub(
        lambda match: f" {today.year + YEARS[match.group().lower().removesuffix(chr(39) + 's').removesuffix('の')]} ",
        question,
    )


def english_terms(question: str) -> list[Term]:
    terms: list[Term] = []
    group, end, first = 0, 0, True
    question = THOUSANDS.sub("", question)
    kind = asked_kind(question)
    question = ONE_OF_SOME.sub(" ", question)
    question = NUMBER_WORD_ANY.sub(lambda match: FIGURES[match.group().lower()], question)
    counted_at = found.end() if (found := re.search(r"\bhow many\s+", question, re.IGNORECASE)) else -1
    for match in WORDS.finditer(question):
        word = match.group()
        between = question[end : match.start()]
        figure = FIGURES.get(word.lower(), word.lower())
        base, end_now = root(figure), match.end()
        roman = bool(ROMAN_NUMERAL.match(word)) and bool(terms) and between == " " and terms[-1].shown[:1].isupper()
        capital = (word[0].isupper() and not first and word != "I") or (len(word) > 1 and word.isupper())
        name = not CURRENCY.fullmatch(word) and (bool(re.search(r"\d", figure)) or capital or roman)
        base = f"#{word}" if roman else base
        if base in TYPED.get(kind, ()) and not name:
            group += 1
        elif (measure := MEASURES.get(base)) and re.search(
            r"\b(?:how|which|what)\b[^,]{0,24}$", question[: match.start()], re.IGNORECASE
        ):
            terms.append(Term(measure, word, "word", group + 1))
            group += 2
        elif match.start() == counted_at:
            terms.append(Term(base, word, "word", group))
        elif (base in LIGHT_ENGLISH or CURRENCY.fullmatch(word)) and not name:
            if base in KEPT:
                terms.append(Term(base, word, "light", group))
            group += 1
        else:
            group += bool(between.strip()) or between.count(" ") > 1
            strength = "name" if name else "sort" if base in SORTS else role_of(question, match)
            terms.append(Term(base, word, strength, group))
        end, first = end_now, False
    return terms


HELPERS = "do|does|did|can|could|may|might|must|should|will|would"
ARTICLES = "(?:(?:the|a|an|our|my|your|their|its|each|every|all)\\s)?"
QUALIFYING = re.compile(
    r"\b(for|in|at|of|from|with|without|outside|inside|during|on|by|under|per|between|except|besides|abroad)\s"
    rf"{ARTICLES}(?:[a-z-]+\s)?$"
)
ACTING = re.compile(r"[a-z]{3}(?:ing|ed)$")
ADVERB = re.compile(
    r"^(?!(?:daily|weekly|monthly|yearly|hourly|quarterly|annually|early|only|family|assembly|temporarily|permanently)$)"
    r"[a-z]{3,}[^p]ly$"
)
CONDITIONS = ("for", "with", "without", "outside", "per", "between", "except", "besides", "abroad")
SUBJECT_OF = re.compile(rf"\b(?:{HELPERS})\s{ARTICLES}([a-z-]+\s)?$")
AFTER_NOUN_WORDS = re.compile(r"\b(?:the|a|an|of|for|in|on|at|with|by|from)\s$")
CONTINUOUS = re.compile(r"\b(?:is|are|was|were|be|been)\s(?:\w+\s){0,3}$")
HELPED = re.compile(rf"\b(?:{HELPERS}|to)\s(?:\S+\s)+$")
CLAUSE_END = re.compile(r"\W*$|\s(?:in|on|at|of|for|to|from|with|by|as|the|a|an|into|during|about|through|over)\b")


def role_of(question: str, match: re.Match[str]) -> str:
    """Return what a word does in an English question: it narrows it down, is its verb, or names the sort of answer."""
    before, after = question[: match.start()].lower(), question[match.end() :].lower()
    if re.search(r"\b(?:what|which)\s$", before):
        return "category"
    word = match.group().lower()
    if (found := QUALIFYING.search(before)) and not (found.group(1) in CONDITIONS and ACTING.search(word)):
        return "condition" if found.group(1) in CONDITIONS else "qualifier"
    if (found := SUBJECT_OF.search(before)) and not (found.group(1) and CLAUSE_END.match(after)):
        return "subject"
    if ADVERB.search(word):
        return "verb"
    done = re.search(r"[a-z]{2}ed$", word) and not AFTER_NOUN_WORDS.search(before)
    doing = word.endswith("ing") and CONTINUOUS.search(before)
    return "verb" if done or doing or (HELPED.search(before) and CLAUSE_END.match(after)) else "word"


def japanese_terms(question: str) -> list[Term]:
    kind = asked_kind(question)
    whole = ASKING_JAPANESE.sub("\u3000", figured(question))
    terms: list[Term] = []
    group, end = 0, 0
    runs = list(JAPANESE_RUN.finditer(whole))
    for match in runs:
        run = match.group()
        if re.match(r"[\u3041-\u309f]", run):
            group += 1
            continue
        group += match.start() != end
        end = match.end()
        following = whole[match.end() : match.end() + 2]
        if run in TYPED_JAPANESE.get(kind, ()):
            continue
        strength = strength_of(run, following)
        after = whole[match.end() :]
        if strength == "word" and re.match(r"(?:の|では|での|向け|用|専用|以外)", after):
            strength = "qualifier" if after.startswith("の") else "condition"
        elif strength == "word" and re.match(r"[はがも](?![\u3000?？。]|$)", after):
            strength = "subject"
        elif (
            strength == "word"
            and re.search(r"[たるいうくすつぬぶむ]$", whole[: match.start()])
            and re.match(r"は(?:\u3000|[?？。]|$)", whole[match.end() :])
        ):
            strength = "category"
        terms.append(Term(run, run, strength, group))
    return terms + spelled(whole, group)


def strength_of(run: str, following: str) -> str:
    if re.search(r"[a-z\d]", run):
        return "name"
    if run in LIGHT_JAPANESE:
        return "light"
    if (
        len(run) == 1
        and re.match(rf"[{KANJI}]", run)
        and re.match(r"[\u3041-\u309f]", following)
        and not re.match(r"[をはがのにでともやへ]", following)
    ):
        return "verb"
    if re.match(r"(?:する|し|さ|でき|せ|され)", following) and len(run) == 2:
        return "verb"
    return "word"


SPELLED = re.compile(r"(?<![\u3041-\u309f\u3400-\u9fffァ-ヶー])[\u3041-\u309fー]{2,}(?=[、。\u3400-\u9fff]|$)")
FUNCTIONAL = re.compile(
    r"(?:それ|これ|あれ|その|この|あの|そこ|ここ|では|じゃあ|また|もし|ある|いる|する|なる|できる|もらえる|ほか|だけ|まで|から|ときに?|こと|もの|より|など)+[のはがをでにへとも]*"
)


def spelled(whole: str, group: int) -> list[Term]:
    """Return names that are written in hiragana, as しらかば."""
    found: list[Term] = []
    for match in SPELLED.finditer(whole):
        word = re.sub(r"^[とやの](?=.{2})|(?<=.{2})[のはがをでにも]$", "", match.group())
        if len(word) > 1 and not FUNCTIONAL.fullmatch(match.group()) and FUNCTION_WORDS.sub("", match.group()):
            found.append(Term(word, word, "word", group + 1 + len(found)))
    return found


def read_question(question: str, today: date) -> Asked:
    """Return what a question asks."""
    text = dated(question, today)
    terms = japanese_terms(text) if in_cjk(text) else english_terms(text)
    unique = {term.text: term for term in reversed(terms)}
    return Asked(text, asked_kind(question), tuple(reversed(unique.values()))[:MOST_TERMS])


def is_empty(asked: Asked) -> bool:
    return not asked.telling or not normalised(asked.text).strip()
