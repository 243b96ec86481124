"""Texts of the line."""

TEXT = {
    "en": {
        "part": " · ",
        "tokens": "{tokens} tokens",
        "month": "this month {used}",
        "budget": "this month {used} of {budget}",
        "team": "charged to {team}",
    },
    "ja": {
        "part": " · ",
        "tokens": "{tokens}トークン",
        "month": "今月 {used}",
        "budget": "今月 {used} / {budget}",
        "team": "{team} に計上",
    },
}
