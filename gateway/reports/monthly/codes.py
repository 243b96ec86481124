"""What each error code of the ledger means, for the administrator who reads the report."""

import re

from gateway.wording.languages import Language
from gateway.wording.sentences import SENTENCES

_CODES: dict[str, tuple[str, str]] = {
    "internal_error": ("A fault of the gateway; its log says more", "ゲートウェイの不具合（ログを確認）"),
    "invalid_value": ("A field of the request had a value that is not allowed", "リクエストの項目に使えない値"),
    "invalid_type": ("A field of the request had the wrong type", "リクエストの項目の型の誤り"),
    "missing_field": ("A field of the request was missing", "リクエストの必須項目の不足"),
    "unsupported_value": ("Something was asked for that the gateway does not offer", "提供していない機能の要求"),
    "invalid_json": ("The request was no JSON", "JSONとして読めないリクエスト"),
    "invalid_form": ("The upload could not be read", "読み取れないアップロード"),
    "invalid_content_type": ("The upload had another content type", "アップロードの形式の誤り"),
    "unsupported_encoding": ("The request was compressed", "圧縮されたリクエスト"),
    "malformed_http": ("The request was no valid HTTP", "HTTPとして不正なリクエスト"),
    "head_too_large": ("The request's head was too long", "リクエストのヘッダーの長さ超過"),
    "too_many_headers": ("The request had too many headers", "リクエストのヘッダーの数の超過"),
    "request_timeout": ("The client stopped sending before the request was complete", "リクエストの送信が途中で停止"),
    "missing_api_key": ("No API key was sent", "APIキーなし"),
    "invalid_api_key": ("The API key was unknown, expired or revoked", "不明・期限切れ・失効したAPIキー"),
    "invalid_identity": (
        "The signed identity did not verify: two secrets, or clocks that differ",
        "署名を確認できず（共有シークレットまたは時計の不一致）",
    ),
    "forbidden": ("The key may not do this", "キーに許可されていない操作"),
    "network_not_allowed": ("The request came from a network that is not allowed", "許可していないネットワーク"),
    "not_found": ("There is nothing at the address", "存在しないアドレス"),
    "method_not_allowed": ("The address does not serve this method", "受け付けていないメソッド"),
    "websocket_not_supported": ("A WebSocket was asked for", "WebSocketの要求"),
    "model_not_found": ("The model does not exist or is not open to the key", "存在しない、または許可のないモデル"),
    "model_not_available": ("The model is not served at that time", "提供期間外のモデル"),
    "model_ended": ("The model has ended", "提供を終了したモデル"),
    "wrong_mode": ("The model is made for another use", "用途の異なるモデル"),
    "dialect_not_supported": ("The model does not speak this API", "モデルが対応していないAPI"),
    "endpoint_not_supported": ("The model does not offer this function", "モデルが提供していない機能"),
    "unsupported_prefill": ("The model does not continue a begun answer", "途中まで書かれた回答の続きに未対応のモデル"),
    "unsupported_media": ("The model does not take this kind of file", "モデルが対応していない種類のファイル"),
    "unsupported_parameter": ("The model does not know a setting of the request", "モデルが対応していない設定"),
    "unsupported_tool": ("The model cannot use one of the tools", "モデルが使えないツール"),
    "too_many_tools": ("More tools than the model takes", "モデルの上限を超える数のツール"),
    "fim_not_supported": ("The model does not complete in the middle of a text", "途中の補完に未対応のモデル"),
    "previous_response_not_found": ("The earlier answer is not known any more", "以前の回答が残っていない"),
    "response_not_found": ("The answer that is asked for is not known", "求められた回答が残っていない"),
    "completion_too_late": ("A code completion took too long and was dropped", "時間がかかりすぎて破棄したコード補完"),
    "request_too_large": ("The request was too large", "大きすぎるリクエスト"),
    "context_length_exceeded": ("The prompt was longer than the model's window", "モデルの扱える長さを超過"),
    "superseded": ("A newer code completion took its place", "新しいコード補完に置き換え"),
    "queue_full": ("The queue was full", "待ち行列が満杯"),
    "queue_timeout": ("No deployment was free in time", "空きを待つ間に時間切れ"),
    "too_many_long_requests": ("Too many long requests at the same time", "長いリクエストの集中"),
    "overloaded": ("The gateway had too much to do", "ゲートウェイの過負荷"),
    "shutdown": ("The gateway was stopping", "ゲートウェイの停止中"),
    "limits_unavailable": ("Budgets and limits could not be checked", "予算と利用上限を確認できず"),
    "keys_unavailable": ("API keys could not be checked", "APIキーを確認できず"),
    "rate_limit_exceeded": ("A limit of requests or tokens was reached", "リクエスト数・トークン数の上限に到達"),
    "insufficient_quota": ("A budget was used up", "予算を使い切り"),
    "upstream_error": ("The model's server failed", "モデルのサーバーの障害"),
    "media_not_fetched": ("A file named by address could not be fetched", "アドレスで書かれたファイルを取得できない"),
    "content_filter": ("The provider's filter refused the text", "提供元のフィルターが内容を拒否"),
    "upstream_refused": ("The model's server did not accept the request", "モデルのサーバーがリクエストを拒否"),
    "upstream_unreachable": ("The model's server could not be reached", "モデルのサーバーに接続できず"),
    "upstream_timeout": ("The model's server did not answer in time", "モデルのサーバーの応答が時間切れ"),
    "upstream_closed": ("The answer broke off", "回答が途中で切断"),
    "upstream_invalid_answer": ("The answer could not be read", "読み取れない回答"),
    "upstream_answer_too_large": ("The answer was too large", "大きすぎる回答"),
    "upstream_rate_limited": ("The model's server allows no more requests", "モデルのサーバーの利用上限に到達"),
    "upstream_misconfigured": ("The model's server refused our key or address", "接続先のキーまたはアドレスの誤り"),
}
_CANCELLED = ("The client went away before the end", "完了前にクライアントが切断")
_UNKNOWN = ("The model's server gave this code", "モデルのサーバーが返したコード")

CODES = frozenset(_CODES)


def explained(code: str | None, outcome: str, language: Language) -> str:
    """Return what a code means; "" where neither code nor outcome tells more."""
    if code is None:
        return _CANCELLED[language == "ja"] if outcome == "cancelled" else ""
    if code in _CODES or code not in SENTENCES:
        return _CODES.get(code, _UNKNOWN)[language == "ja"]
    return _first_sentence(code, language)


def _first_sentence(code: str, language: Language) -> str:
    """Return what a person was told had happened, of no model in particular."""
    words = SENTENCES[code][language].format(model="", again="")
    return " ".join(re.split("[.。]", words)[0].split())
