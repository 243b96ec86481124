"""For each code of an error a sentence in English and in Japanese.

In braces: `{model}`, the name that was asked for, `{again}`, when to try again, and `{instead}`, another model.
"""

from gateway.wording.languages import Language

_TELL = " If this stays, tell your administrator.", "続く場合は管理者にお知らせください。"
_AGAIN = " Please try again {again}." + _TELL[0], "{again}もう一度お試しください。" + _TELL[1]
_ADMIN = (
    " Trying again does not help; please tell your administrator.",
    ("もう一度試しても直りません。管理者にお知らせください。"),
)
_PROGRAM = (
    " Trying again does not help; please tell your administrator, or whoever made the program that you use.",
    "もう一度試しても直りません。管理者か、お使いのプログラムの作成者にお知らせください。",
)
_CHOOSE = (
    " Please choose another model; your administrator knows which ones are open to you.",
    "別のモデルを選んでください。使えるモデルは管理者にお尋ねください。",
)
_SHORTER = (
    " Please start a new chat, shorten the text or attach less.",
    ("新しいチャットを始めるか、文章や添付を減らしてください。"),
)

_TEXTS: dict[str, tuple[str, str, tuple[str, str]]] = {
    "internal_error": ("Something went wrong in the gateway.", "ゲートウェイで問題が起きました。", _AGAIN),
    "invalid_value": (
        "The request holds a value that is not allowed.",
        "リクエストに使えない値が含まれています。",
        _PROGRAM,
    ),
    "invalid_type": (
        "The request holds a value of the wrong kind.",
        "リクエストに種類の正しくない値が含まれています。",
        _PROGRAM,
    ),
    "wrong_host": (
        "The request was sent to a name under which the gateway is not known.",
        "リクエストの宛先の名前が正しくありません。",
        _PROGRAM,
    ),
    "wrong_origin": (
        "Pages of this site may not use the gateway.",
        "このサイトのページからは利用できません。",
        _PROGRAM,
    ),
    "missing_field": ("The request is not complete.", "リクエストに必要な項目が足りません。", _PROGRAM),
    "unsupported_value": (
        "The request asks for something that is not offered here.",
        "リクエストは、ここでは提供していない機能を求めています。",
        _PROGRAM,
    ),
    "content_policy_violation": (
        "The provider's filter refused this. Please word it differently, or change what is attached.",
        "提供元のフィルターにより拒否されました。表現を変えるか、添付を変更してください。",
        ("", ""),
    ),
    "no_image": (
        "The model made no image. Please describe what is to be seen.",
        "モデルは画像を作成しませんでした。描いてほしいものを説明してください。",
        ("", ""),
    ),
    "invalid_json": ("The request cannot be read.", "リクエストを読み取れません。", _PROGRAM),
    "invalid_form": ("The upload cannot be read.", "アップロードを読み取れません。", _PROGRAM),
    "invalid_content_type": ("The upload has the wrong form.", "アップロードの形式が正しくありません。", _PROGRAM),
    "unsupported_encoding": (
        "The request is compressed, which is not read here.",
        "圧縮されたリクエストは受け付けていません。",
        _PROGRAM,
    ),
    "malformed_http": ("The request cannot be read.", "リクエストを読み取れません。", _PROGRAM),
    "head_too_large": ("The head of the request is too long.", "リクエストのヘッダーが長すぎます。", _PROGRAM),
    "too_many_headers": ("The request has too many headers.", "リクエストのヘッダーが多すぎます。", _PROGRAM),
    "request_timeout": (
        "The request did not arrive in time.",
        "リクエストが時間内に届きませんでした。",
        _AGAIN,
    ),
    "missing_api_key": (
        "The request has no API key. Ask your administrator for one.",
        "APIキーがありません。管理者に発行を依頼してください。",
        ("", ""),
    ),
    "invalid_api_key": (
        "The API key is not known or was revoked. Ask your administrator for a new one.",
        "APIキーが無効か、失効しています。管理者に新しいキーを依頼してください。",
        ("", ""),
    ),
    "invalid_identity": (
        "It could not be checked who you are.",
        "ご本人であることを確認できませんでした。",
        _ADMIN,
    ),
    "forbidden": ("This is not open to you.", "この操作は許可されていません。", _ADMIN),
    "own_keys_off": (
        "People make no keys here. Please ask your administrator for one.",
        "ここではキーを管理者が発行します。管理者に依頼してください。",
        ("", ""),
    ),
    "no_owner": (
        "This key belongs to nobody. Please ask your administrator for one with your name.",
        "このキーには持ち主がいません。ご本人のキーを管理者に依頼してください。",
        ("", ""),
    ),
    "key_restricted": (
        "This key is restricted and cannot do that. Please use another key of yours, or ask your administrator.",
        "このキーは制限されているため、この操作はできません。別のキーを使うか、管理者に依頼してください。",
        ("", ""),
    ),
    "too_many_keys": (
        "You have as many keys as you may make. Please revoke one, or ask your administrator.",
        "作成できるキーの数に達しています。不要なキーを失効させるか、管理者に依頼してください。",
        ("", ""),
    ),
    "key_not_found": (
        "You have no such key. Please look at the list of yours.",
        "そのキーはお持ちではありません。ご自分のキーの一覧を確認してください。",
        ("", ""),
    ),
    "tool_server_not_found": (
        "There is no such tool server to sign in to. Please look at the list of tools.",
        "サインインの対象となるツールサーバーが見つかりません。ツールの一覧を確認してください。",
        ("", ""),
    ),
    "tool_server_sign_in_failed": (
        "The tool server or its sign-in page does not answer.",
        "ツールサーバーまたはそのサインイン先が応答していません。",
        _AGAIN,
    ),
    "alias_taken": (
        "You have, or had, a key with this name. Please choose another.",
        "その名前のキーはすでにあります（失効したものを含む）。別の名前にしてください。",
        ("", ""),
    ),
    "too_many_tries": (
        "Too many wrong codes. Please wait ten minutes, and start again in the program.",
        "誤ったコードが多すぎます。10分ほど待ってから、プログラムでもう一度やり直してください。",
        ("", ""),
    ),
    "not_your_team": (
        "You are not in this team. Please choose one of yours, or ask your administrator.",
        "あなたはこのチームに入っていません。ご自分のチームを選ぶか、管理者にお尋ねください。",
        ("", ""),
    ),
    "key_expired": (
        "This API key has ended. Please make a new one, or ask your administrator for one.",
        "このAPIキーは期限が切れています。新しいキーを作成するか、管理者に依頼してください。",
        ("", ""),
    ),
    "key_revoked": (
        "This API key was revoked or replaced. Please use the newer one, or ask your administrator.",
        "このAPIキーは失効したか、新しいキーに置き換えられています。新しいキーを使うか、管理者に依頼してください。",
        ("", ""),
    ),
    "key_ended": (
        "This key was revoked or has ended. Please make a new one.",
        "このキーは失効したか、期限が切れています。新しいキーを作成してください。",
        ("", ""),
    ),
    "network_not_allowed": (
        "Requests from your network are not allowed.",
        "お使いのネットワークからの利用は許可されていません。",
        _ADMIN,
    ),
    "mcp_session_ended": (
        "The connection to the tools has ended.",
        "ツールとの接続が終了しました。",
        (" Please open it again.", "もう一度接続してください。"),
    ),
    "not_found": ("There is nothing at this address.", "このアドレスには何もありません。", _PROGRAM),
    "method_not_allowed": (
        "This address does not serve such requests.",
        "このアドレスでは、この種類のリクエストを受け付けていません。",
        _PROGRAM,
    ),
    "websocket_not_supported": (
        "There is no WebSocket at this address; the same address answers over HTTP.",
        "このアドレスではWebSocketを使えません。同じアドレスにHTTPで接続してください。",
        ("", ""),
    ),
    "model_not_found": (
        "The model {model} does not exist or is not open to you.",
        "モデル{model}は存在しないか、あなたには公開されていません。",
        _CHOOSE,
    ),
    "model_not_available": (
        "The model {model} is not served at the moment.",
        "モデル{model}は現在提供していません。",
        _CHOOSE,
    ),
    "model_ended": (
        "The model {model} has ended and is no longer served.",
        "モデル{model}は提供が終了しました。",
        _CHOOSE,
    ),
    "wrong_mode": (
        "The model {model} is not made for this use.",
        "モデル{model}はこの用途には使えません。",
        _CHOOSE,
    ),
    "dialect_not_supported": (
        "The model {model} cannot be used in this way.",
        "モデル{model}はこの方法では使えません。",
        _CHOOSE,
    ),
    "unsupported_parameter": (
        "The model {model} does not know a setting of the request.",
        "モデル{model}は、リクエストの設定の一つに対応していません。",
        _CHOOSE,
    ),
    "unsupported_media": (
        "The model {model} does not take this kind of file.",
        "モデル{model}は、この種類のファイルに対応していません。",
        _CHOOSE,
    ),
    "unsupported_tool": (
        "The model {model} cannot use one of the tools.",
        "モデル{model}は、ツールの一つを使えません。",
        _CHOOSE,
    ),
    "too_many_tools": (
        "More tools are switched on than the model {model} takes.",
        "有効なツールが、モデル{model}の上限を超えています。",
        (" Please switch some of them off.", "いくつか無効にしてください。"),
    ),
    "unsupported_prefill": (
        "The model {model} does not continue an answer that was begun for it.",
        "モデル{model}は、途中まで書かれた回答の続きを書けません。",
        _CHOOSE,
    ),
    "response_not_found": (
        "This answer is not known here.",
        "この回答はここにありません。",
        _PROGRAM,
    ),
    "previous_response_not_found": (
        "The earlier answer is not known here any more.",
        "以前の回答はここに残っていません。",
        _PROGRAM,
    ),
    "endpoint_not_supported": (
        "The model {model} does not offer this function.",
        "モデル{model}はこの機能を提供していません。",
        _CHOOSE,
    ),
    "request_too_large": ("The request is too large.", "送信する内容が大きすぎます。", _SHORTER),
    "context_length_exceeded": (
        "The conversation is too long for the model {model}.",
        "会話がモデル{model}で扱える長さを超えています。",
        (
            " Please start a new chat, attach less, or choose a model that can read more.",
            "新しいチャットを始めるか、添付を減らすか、より長く読めるモデルを選んでください。",
        ),
    ),
    "media_not_fetched": (
        "A picture or file that the message names by its address cannot be fetched.",
        "メッセージにアドレスで書かれた画像またはファイルを取得できません。",
        (
            " Please check the address, or attach the file itself.",
            "アドレスを確かめるか、ファイルそのものを添付してください。",
        ),
    ),
    "content_filter": (
        "The filter of the model {model}'s provider refused the text.",
        "モデル{model}の提供元のフィルターが、この内容を拒否しました。",
        (" Please change the words, or choose another model.", "表現を変えるか、別のモデルを選んでください。"),
    ),
    "upstream_refused": (
        "The model {model} did not accept the request: perhaps an attachment, a picture or a setting of the chat that "
        "it does not support.",
        "モデル{model}がリクエストを受け付けませんでした。"
        "対応していない添付・画像、またはチャットの設定が含まれている可能性があります。",
        (
            " Please leave it out or choose another model." + _TELL[0],
            "それらを外すか、別のモデルを選んでください。" + _TELL[1],
        ),
    ),
    "superseded": (
        "A newer completion took this one's place; nothing needs to be done.",
        "新しい補完に置き換えられました。操作は必要ありません。",
        ("", ""),
    ),
    "completion_too_late": (
        "The completion took too long and was dropped; nothing needs to be done.",
        "補完に時間がかかりすぎたため破棄されました。操作は必要ありません。",
        ("", ""),
    ),
    "fim_not_supported": (
        "The model {model} cannot complete code in the middle of a text.",
        "モデル{model}は、テキストの途中を補完できません。",
        (
            " Please choose a model for code completion.",
            "コード補完用のモデルを選んでください。",
        ),
    ),
    "queue_full": ("The model {model} has too much to do.", "モデル{model}は現在混み合っています。", _AGAIN),
    "queue_timeout": (
        "The model {model} had no free place in time.",
        "モデル{model}が混み合っており、順番が回ってきませんでした。",
        _AGAIN,
    ),
    "too_many_long_requests": (
        "There are too many long requests at the same time.",
        "長いリクエストが同時に多く届いています。",
        _AGAIN,
    ),
    "overloaded": ("The gateway has too much to do.", "ゲートウェイが混み合っています。", _AGAIN),
    "mcp_process_ended": (
        "The gateway ended while a tool ran; the tool may have done its work.",
        "ツールの実行中にゲートウェイが終了しました。ツールの処理は済んでいるかもしれません。",
        _AGAIN,
    ),
    "shutdown": ("The gateway is being restarted.", "ゲートウェイを再起動しています。", _AGAIN),
    "limits_unavailable": (
        "Budgets and limits cannot be checked at the moment.",
        "現在、予算と利用上限を確認できません。",
        _AGAIN,
    ),
    "keys_unavailable": ("API keys cannot be checked at the moment.", "現在、APIキーを確認できません。", _AGAIN),
    "audit_unavailable": (
        "The change was not made, because it cannot be recorded at the moment.",
        "現在、変更を記録できないため、変更は行われませんでした。",
        _AGAIN,
    ),
    "rate_limit_exceeded": ("Too many requests in a short time.", "短い時間にリクエストが集中しました。", _AGAIN),
    "insufficient_quota": (
        "The budget is used up. Ask your administrator if you need more.",
        "予算を使い切りました。必要な場合は管理者にご相談ください。",
        ("", ""),
    ),
    "upstream_error": (
        "The model {model} had a problem and could not answer.",
        "モデル{model}で問題が起き、回答できませんでした。",
        _AGAIN,
    ),
    "upstream_unreachable": (
        "The model {model} cannot be reached at the moment.",
        "現在、モデル{model}に接続できません。",
        _AGAIN,
    ),
    "upstream_timeout": (
        "The model {model} did not answer in time.",
        "モデル{model}が時間内に回答しませんでした。",
        _AGAIN,
    ),
    "upstream_closed": (
        "The answer of the model {model} broke off before it was complete.",
        "モデル{model}の回答が途中で途切れました。",
        _AGAIN,
    ),
    "upstream_invalid_answer": (
        "The model {model} answered in a form that cannot be read.",
        "モデル{model}の回答を読み取れませんでした。",
        _AGAIN,
    ),
    "upstream_answer_too_large": (
        "The answer of the model {model} was too large.",
        "モデル{model}の回答が大きすぎました。",
        (" Please ask for less at once." + _TELL[0], "一度に求める量を減らしてください。" + _TELL[1]),
    ),
    "upstream_rate_limited": (
        "The model {model} is used by too many at the moment.",
        "モデル{model}は現在利用が集中しています。",
        _AGAIN,
    ),
    "upstream_credentials": (
        "The gateway cannot sign in where the model {model} runs.",
        "モデル{model}が動いている場所に、ゲートウェイがサインインできません。",
        (_ADMIN[0] + " Other models may work.", _ADMIN[1] + "ほかのモデルは使える可能性があります。"),
    ),
    "upstream_misconfigured": (
        "The model {model} is not set up rightly.",
        "モデル{model}の設定に誤りがあります。",
        (_ADMIN[0] + " Other models may work.", _ADMIN[1] + "ほかのモデルは使える可能性があります。"),
    ),
}

SENTENCES: dict[str, dict[Language, str]] = {
    code: {"en": english + end[0], "ja": japanese + end[1]} for code, (english, japanese, end) in _TEXTS.items()
}
"""By code, then by language."""

_LATER: dict[Language, str] = {"en": "in a few minutes", "ja": "数分後に"}
_SECONDS: dict[Language, str] = {"en": "in {seconds} seconds", "ja": "{seconds}秒後に"}
_MODEL: dict[Language, str] = {"en": "“{name}”", "ja": "「{name}」"}
_INSTEAD: dict[Language, str] = {
    "en": " Please use the model {instead} instead.",
    "ja": "代わりにモデル{instead}をお使いください。",
}
_NO_MODEL: dict[Language, str] = {"en": "that was asked", "ja": "（指定なし）"}
_LONGEST_MODEL = 100


def sentence(
    code: str,
    language: Language,
    model: str | None,
    retry_after: float | None,
    successor: str | None = None,
    contact: str | None = None,
) -> str:
    """Return what is said of an error; of a code that nobody wrote about, what is said of an internal error.

    `contact` is whom people ask, and stands behind the administrator of whom the sentence speaks.
    """
    text = SENTENCES.get(code, SENTENCES["internal_error"])[language]
    if successor and code in _TEXTS:
        text = _first(code, language) + _INSTEAD[language]
    if contact:
        text = _with_contact(text, language)
    name, other = _named(model, language), _named(successor, language)
    return text.format(model=name, instead=other, again=_again(language, retry_after), contact=contact)


_ADMINISTRATOR: dict[Language, tuple[str, str]] = {
    "en": ("your administrator", "your administrator ({contact})"),
    "ja": ("管理者", "管理者（{contact}）"),
}


def _with_contact(text: str, language: Language) -> str:
    """Return a template that says behind its last administrator how to reach them."""
    word, named = _ADMINISTRATOR[language]
    before, found, after = text.rpartition(word)
    return before + named + after if found else text


def _first(code: str, language: Language) -> str:
    """Return what happened, without what to do about it."""
    english, japanese, _ = _TEXTS[code]
    return english if language == "en" else japanese


def _named(model: str | None, language: Language) -> str:
    """Return a model's name for people, without what cannot be printed."""
    shown = "".join(each for each in (model or "")[:_LONGEST_MODEL] if each.isprintable())
    return _MODEL[language].format(name=shown) if shown else _NO_MODEL[language]


def _again(language: Language, retry_after: float | None) -> str:
    if retry_after is None or retry_after > 120:
        return _LATER[language]
    return _SECONDS[language].format(seconds=max(1, round(retry_after)))
