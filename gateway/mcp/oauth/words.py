"""What people read when they sign in at a tool server, in both languages."""

from typing import Literal

from gateway.mcp.oauth.failures import OAuthFailed

Language = Literal["en", "ja"]

FAILURES: dict[str, tuple[str, str]] = {
    "no_server": (
        "There is no tool server '{server}' at which people sign in. Check the address.",
        "サインインが必要なツールサーバー「{server}」はありません。アドレスを確認してください。",
    ),
    "address_refused": (
        "The address of '{host}' must not be asked from here. If it is the company's, an administrator names it in "
        "'auth: oauth: allowed_hosts'.",
        "「{host}」のアドレスには接続できません。社内のサーバーであれば、管理者が"
        "「auth: oauth: allowed_hosts」に追加します。",
    ),
    "unreachable": (
        "'{host}' does not answer. Try again in a minute, or tell an administrator.",
        "「{host}」が応答しません。1分ほど待ってもう一度試すか、管理者に知らせてください。",
    ),
    "failing": (
        "'{host}' answers with HTTP {status}. Try again in a minute, or tell an administrator.",
        "「{host}」がHTTP {status}を返しました。1分ほど待ってもう一度試すか、管理者に知らせてください。",
    ),
    "no_metadata": (
        "'{issuer}' does not say how one signs in there. An administrator checks the tool server's address.",
        "「{issuer}」のサインイン方法がわかりません。管理者がツールサーバーのアドレスを確認します。",
    ),
    "resource_mismatch": (
        "The tool server describes itself as another one ('{resource}'). Nobody is signed in; tell an administrator.",
        "ツールサーバーが別のサーバー（「{resource}」）を名乗っています。サインインを中止しました。管理者に知らせてください。",
    ),
    "issuer_mismatch": (
        "Signing in should be at '{expected}', but '{issuer}' was named. Nobody is signed in; tell an administrator.",
        "サインイン先は「{expected}」のはずですが、「{issuer}」が示されました。サインインを中止しました。管理者に知らせてください。",
    ),
    "issuer_changed": (
        "The tool server now wants people to sign in at '{issuer}', no longer at '{expected}'. An administrator writes "
        "the right one into 'auth: oauth: issuer'.",
        "ツールサーバーのサインイン先が「{expected}」から「{issuer}」に変わりました。"
        "管理者が正しい方を「auth: oauth: issuer」に設定します。",
    ),
    "no_pkce": (
        "'{issuer}' does not protect sign-ins with PKCE (S256). Nobody is signed in; tell an administrator.",
        "「{issuer}」はPKCE（S256）に対応していません。サインインを中止しました。管理者に知らせてください。",
    ),
    "no_client": (
        "'{issuer}' knows no client of this gateway. An administrator registers one there and sets "
        "'auth: oauth: client_id'.",
        "「{issuer}」にこのゲートウェイが登録されていません。管理者が登録し、「auth: oauth: client_id」を設定します。",
    ),
    "not_registered": (
        "'{issuer}' did not register this gateway (HTTP {status}). An administrator registers it there and sets "
        "'auth: oauth: client_id'.",
        "「{issuer}」がこのゲートウェイの登録を拒否しました（HTTP {status}）。"
        "管理者が登録し、「auth: oauth: client_id」を設定します。",
    ),
    "bad_registration": (
        "'{issuer}' registered this gateway in a way that cannot be used. An administrator sets "
        "'auth: oauth: client_id'.",
        "「{issuer}」の登録結果は利用できません。管理者が「auth: oauth: client_id」を設定します。",
    ),
    "state": (
        "This sign-in is over or was used before. Begin again.",
        "このサインインは期限切れか、すでに使用されています。最初からやり直してください。",
    ),
    "other_person": (
        "This sign-in was begun by somebody else or in another browser. Begin again with your own link.",
        "このサインインは、別の人または別のブラウザーで始められたものです。ご自分のリンクからやり直してください。",
    ),
    "other_issuer": (
        "The answer did not come from '{issuer}'. Nobody is signed in; begin again, or tell an administrator.",
        "応答が「{issuer}」からのものではありません。サインインを中止しました。やり直すか、管理者に知らせてください。",
    ),
    "issuer_missing": (
        "'{issuer}' left out its name in the answer. Nobody is signed in; begin again, or tell an administrator.",
        "「{issuer}」の応答に発行者名がありません。サインインを中止しました。やり直すか、管理者に知らせてください。",
    ),
    "denied": (
        "The sign-in was refused or cancelled. Begin again if you did not mean that.",
        "サインインが拒否またはキャンセルされました。必要であれば、やり直してください。",
    ),
    "issuer_refuses": (
        "The sign-in page answered with an error. Begin again, or tell an administrator.",
        "サインイン先でエラーが発生しました。やり直すか、管理者に知らせてください。",
    ),
    "token_refused": (
        "No token was given ({error}). Begin again, or tell an administrator.",
        "トークンを取得できませんでした（{error}）。やり直すか、管理者に知らせてください。",
    ),
    "bad_tokens": (
        "The token that was given cannot be used. Tell an administrator.",
        "取得したトークンは利用できません。管理者に知らせてください。",
    ),
    "no_bearer": (
        "The token that was given is of a kind that is not served here. Tell an administrator.",
        "取得したトークンの種類には対応していません。管理者に知らせてください。",
    ),
    "ended": (
        "The sign-in has ended. Sign in again.",
        "サインインの有効期限が切れました。もう一度サインインしてください。",
    ),
    "busy": (
        "Another sign-in at this tool server is under way. Try again in a minute.",
        "このツールサーバーへの別のサインインが進行中です。1分ほど待ってもう一度試してください。",
    ),
    "store": (
        "The gateway's database does not answer. Try again in a few seconds, or tell an administrator.",
        "ゲートウェイのデータベースが応答しません。数秒後にもう一度試すか、管理者に知らせてください。",
    ),
    "nobody": (
        "Your key names no person. An administrator gives it an owner, or sign in at Open WebUI.",
        "お使いのキーには所有者がありません。管理者に設定を依頼するか、Open WebUIからお使いください。",
    ),
}
"""By the code of an `OAuthFailed`. English, Japanese."""


def told(error: OAuthFailed, language: str = "en") -> str:
    """Return a failure as a person reads it."""
    english, japanese = FAILURES[error.code]
    return (japanese if language == "ja" else english).format(**error.said)
