"""Texts that the person reads."""

TEXT = {
    "en": {
        "part": " · ",
        "separator": ", ",
        "warn": "{tokens} of {window} tokens ({percent} %): nearly all that {model} can read",
        "stop": "Not sent: this conversation is about {tokens} tokens long, and {model} reads at most {window}. "
        "Remove a file, switch Full text to search, or start a new chat.",
        "unread": "Nothing was read from {names}; the answer does not know what is in there",
    },
    "ja": {
        "part": " · ",
        "separator": "、",
        "warn": "{window}トークン中{tokens}（{percent}%）: {model} が読める量の上限に近づいています",
        "stop": "送信しませんでした。この会話は約{tokens}トークンで、{model} が読めるのは{window}トークンまでです。"
        "ファイルを減らすか、「全文」を検索に切り替えるか、新しいチャットを始めてください。",
        "unread": "{names} からは何も読み取れませんでした。回答にはその内容が含まれません",
    },
}
