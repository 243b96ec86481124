"""What the person reads."""

TEXT = {
    "en": {
        "title": "My page",
        "message": "Your page opens in a new tab, without a password. "
        "If it does not, use this link within {seconds} seconds: [open my page]({url})",
        "silent": "The gateway does not open your page at the moment. Please try again later; "
        "if this stays, tell your administrator.",
    },
    "ja": {
        "title": "マイページ",
        "message": "新しいタブでマイページが開きます（パスワードは不要です）。"
        "開かない場合は、{seconds}秒以内に次のリンクを押してください: [マイページを開く]({url})",
        "silent": "現在、マイページを開けません。しばらくしてからもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
    },
}
