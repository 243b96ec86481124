"""The recorded actions, with the sentence for people in English and Japanese."""

ACTIONS: dict[str, tuple[str, str]] = {
    "key.created": ("Key created", "キーを作成"),
    "key.changed": ("Key changed", "キーを変更"),
    "key.rotated": ("Secret of a key replaced", "キーを再発行"),
    "key.revoked": ("Key revoked", "キーを失効"),
    "budget.set": ("Budget set", "予算を設定"),
    "budget.removed": ("Budget removed", "予算を削除"),
    "configuration.applied": ("Configuration applied", "設定を適用"),
    "configuration.refused": ("Changed configuration refused", "変更された設定を拒否"),
    "consent.given": ("Consent given", "同意"),
    "consent.withdrawn": ("Consent withdrawn", "同意を撤回"),
    "notice.acknowledged": ("Notice acknowledged", "お知らせを確認"),
    "person.forgotten": ("Person forgotten", "個人の記録を消去"),
    "costs.computed": ("Costs of past days computed again", "過去の費用を再計算"),
    "change.undone": ("The change of an earlier row was not made", "直前に記録した変更は行われませんでした"),
    "heads.seen": ("Heads of other chains seen", "他のチェーンの先頭を確認"),
}
MOMENTS = ("created_at", "revoked_at", "expires_at", "previous_until")
"""Values of rows that are UTC microseconds."""
AMOUNTS = ("nano_usd", "budget_nano_usd")
"""Values of rows that are nano-USD."""


def sentence(action: str, language: str) -> str:
    """Return an action's sentence in `en` or `ja`; the action's name where it is not known."""
    english, japanese = ACTIONS.get(action, (action, action))
    return japanese if language == "ja" else english
