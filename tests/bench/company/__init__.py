"""A company of our own for measuring document search: pages in two languages, and questions with traps."""

import random
from functools import cache

from tests.bench.company import english, english_policies, japanese, japanese_policies
from tests.bench.company.pages import Company, Language, family_pages, family_questions

SOURCES = {"en": (english, english_policies), "ja": (japanese, japanese_policies)}


@cache
def company(language: Language) -> Company:
    """Return the pages and questions of one language, always the same."""
    chance = random.Random(29)
    families, policies = SOURCES[language]
    built = Company(language)
    for family, count in families.FAMILIES:
        built.pages += family_pages(family, language)
        built.questions += family_questions(family, language, count, chance)
    for name, text, questions in policies.RULES:
        built.pages.append(policies.Page(name, text))
        built.questions += questions
    built.pages += policies.FILLERS
    built.questions += policies.COMPARED
    chance.shuffle(built.questions)
    return built
