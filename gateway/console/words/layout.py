"""Words of every page."""

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Sekisho", "Sekisho"),
    "skip": ("Skip to the content", "本文へ移動"),
    "nav": ("Pages", "ページ"),
    "signed_in_as": ("Signed in as {name}", "{name}でサインイン中"),
    "somebody_with_admin_key": ("administrator (admin key)", "管理者（管理キー）"),
    "role.person": ("person", "利用者"),
    "role.lead": ("team lead", "チームリーダー"),
    "role.administrator": ("administrator", "管理者"),
    "sign_out": ("Sign out", "サインアウト"),
    "other_language": ("日本語", "English"),
    "theme": ("Theme", "配色"),
    "theme.auto": ("As the system", "システムに合わせる"),
    "theme.light": ("Light", "ライト"),
    "theme.dark": ("Dark", "ダーク"),
    "copy": ("Copy", "コピー"),
    "copied": ("Copied", "コピーしました"),
    "back": ("Back", "戻る"),
    "save": ("Save", "保存"),
    "show": ("Show", "表示"),
    "table": ("As a table", "表で見る"),
    "none": ("–", "–"),
    "never": ("never", "なし"),
    "error.title": ("This did not work", "処理できませんでした"),
    "error.stale_form": (
        "This form is too old, or was opened in another session. Please go back, reload the page and try again.",
        "このフォームは古いか、別のセッションで開かれたものです。前のページを再読み込みして、もう一度お試しください。",
    ),
    "error.foreign_form": (
        "This form was sent from another site, so nothing was done. Open the page here and try again.",
        "このフォームは別のサイトから送信されたため、何も行いませんでした。このサイトのページから操作してください。",
    ),
    "error.no_page.title": ("There is no such page", "ページが見つかりません"),
    "error.no_page": (
        "Nothing is at this address. It may be mistyped, or of an older version.",
        "このアドレスにページはありません。入力の誤りか、古いアドレスの可能性があります。",
    ),
    "error.role": (
        "This page is not open to you. An administrator can open it.",
        "このページを見る権限がありません。管理者にご相談ください。",
    ),
    "error.form": (
        "What was sent cannot be read as a form, or is too large.",
        "送信された内容をフォームとして読み取れないか、大きすぎます。",
    ),
    "error.database": (
        "The database does not answer. Please try again in a few seconds.",
        "データベースが応答しません。数秒後にもう一度お試しください。",
    ),
    "error.internal": (
        "Something went wrong here. Please try again; if this stays, tell your administrator.",
        "問題が起きました。もう一度お試しください。続く場合は管理者にお知らせください。",
    ),
    "error.id": ("Request {id}", "リクエスト番号: {id}"),
}
