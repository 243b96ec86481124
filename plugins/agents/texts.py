"""Texts that the person reads."""

TEXT = {
    "en": {
        "working": "{name} is working · {seconds} s",
        "tool": "{name} uses {tool} · {seconds} s",
        "step": "{step} · {seconds} s",
        "worked": "{name} worked for {seconds} s",
        "mistake": "The settings of the agents have a mistake, so this entry answers nothing. "
        "An administrator corrects it in the settings of the function Agents: {detail}",
        "unknown": "There is no agent {name} any more. Please choose another model; "
        "your administrator knows what became of it.",
        "not_allowed": "{name} is not open to your group. Ask your administrator if you need it.",
        "too_long": "This question has {length} characters; {name} takes {limit}. "
        "Shorten it, or attach the text as a file.",
        "private": "{name} was not asked: its address lies within a private network, which the settings forbid. "
        "Please tell your administrator.",
        "unreachable": "{name} cannot be reached at the moment. Try again in a few minutes; "
        "if this stays, tell your administrator.",
        "silent": "{name} said nothing for {seconds} seconds, so the connection was closed. "
        "Try again, perhaps with a smaller question.",
        "cut": "The connection to {name} broke before the answer was complete. "
        "What came until then is kept; ask again for the rest.",
        "key": "{name} does not accept the key in the settings. Please tell your administrator.",
        "missing": "{name} was not found at its address (404). Please tell your administrator.",
        "quota": "{name} was not asked: your budget, or that of your team, is used up. "
        "Your administrator can raise it.",
        "busy": "{name} has too much to do at the moment. Please try again in a minute.",
        "too_large": "The question with its files is too large for {name}. Attach less.",
        "redirect": "{name} sends its callers to another address, which is not followed. "
        "Please tell your administrator.",
        "failed": "{name} failed ({status}). Try again later; if this stays, tell your administrator.",
        "said": "{name} could not answer: {detail}",
        "garbage": "{name} answered in a form that cannot be read. Please tell your administrator.",
        "empty": "{name} ended without an answer. Please ask again, perhaps in other words.",
        "too_much": "{name} sent more than a chat can hold, so the rest was cut off.",
        "file_large": "{file} was not given to the agent: too large",
        "file_unreadable": "{file} was not given to the agent: it cannot be read",
        "joined": "Answer",
    },
    "ja": {
        "working": "{name} が作業しています · {seconds}秒",
        "tool": "{name} が {tool} を使っています · {seconds}秒",
        "step": "{step} · {seconds}秒",
        "worked": "{name} の作業時間 {seconds}秒",
        "mistake": "エージェントの設定に誤りがあるため、この項目は回答できません。"
        "管理者が関数「エージェント」の設定を直してください: {detail}",
        "unknown": "エージェント {name} は現在ありません。別のモデルを選ぶか、管理者にお尋ねください。",
        "not_allowed": "{name} はあなたのグループには公開されていません。必要な場合は管理者に依頼してください。",
        "too_long": "質問が{length}文字あります。{name} が受け付けるのは{limit}文字までです。"
        "短くするか、文章をファイルとして添付してください。",
        "private": "{name} には送信しませんでした。アドレスが社内ネットワークにあり、設定で禁止されています。"
        "管理者にお知らせください。",
        "unreachable": "現在 {name} に接続できません。数分後にもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
        "silent": "{name} から{seconds}秒間応答がないため、接続を終了しました。"
        "質問を小さくするなどして、もう一度お試しください。",
        "cut": "回答の途中で {name} との接続が切れました。届いた部分は残っています。続きはもう一度質問してください。",
        "key": "{name} が設定のキーを受け付けません。管理者にお知らせください。",
        "missing": "{name} が設定のアドレスに見つかりません（404）。管理者にお知らせください。",
        "quota": "{name} には送信しませんでした。あなたまたはチームの予算を使い切っています。"
        "引き上げは管理者に依頼してください。",
        "busy": "{name} は現在混み合っています。1分ほど待ってからもう一度お試しください。",
        "too_large": "質問と添付ファイルが {name} には大きすぎます。添付を減らしてください。",
        "redirect": "{name} が別のアドレスへ転送しようとしましたが、転送には従いません。管理者にお知らせください。",
        "failed": "{name} でエラーが起きました（{status}）。しばらくしてからもう一度お試しください。"
        "続く場合は管理者にお知らせください。",
        "said": "{name} は回答できませんでした: {detail}",
        "garbage": "{name} の回答を読み取れませんでした。管理者にお知らせください。",
        "empty": "{name} から回答がありませんでした。言い換えるなどして、もう一度質問してください。",
        "too_much": "{name} の回答が長すぎるため、残りを省略しました。",
        "file_large": "{file} は大きすぎるため、エージェントに渡していません",
        "file_unreadable": "{file} は読み取れないため、エージェントに渡していません",
        "joined": "回答",
    },
}
