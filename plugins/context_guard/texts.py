"""Texts that the person reads."""

TEXT = {
    "en": {
        "part": " · ",
        "separator": ", ",
        "warn": "{tokens} of {window} tokens ({percent} %): nearly all that {model} can read",
        "stop": "Not sent: this conversation is about {tokens} tokens long, and {model} reads at most {window}. "
        "Remove a file, switch Full text to search, or start a new chat.",
        "unread": "Nothing was read from {names}; the answer does not know what is in there "
        "(empty, still being read, or deleted). Attach it again",
        "no_full_text": "{names} only searched, not whole: {model} has no Full text. "
        "Choose another model, or click the file and use the entire document",
        "full_text_off": "{names} only searched, not whole: Full text is off. Switch it on below the message",
    },
    "ja": {
        "part": " · ",
        "separator": "、",
        "warn": "{window}トークン中{tokens}（{percent}%）: {model} が読める量の上限に近づいています",
        "stop": "送信しませんでした。この会話は約{tokens}トークンで、{model} が読めるのは{window}トークンまでです。"
        "ファイルを減らすか、「全文」を検索に切り替えるか、新しいチャットを始めてください。",
        "unread": "{names} からは何も読み取れませんでした（空、読み取り中、または削除済み）。"
        "回答にはその内容が含まれません。もう一度添付してください",
        "no_full_text": "{names} は全文ではなく検索のみ: {model} では「全文」を使えません。"
        "別のモデルを選ぶか、ファイルを開いて全体を使う設定に切り替えてください",
        "full_text_off": "{names} は全文ではなく検索のみ: 「全文」がオフです。入力欄でオンにできます",
    },
}
