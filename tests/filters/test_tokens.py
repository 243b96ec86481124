"""The token estimate beside counts of OpenAI's o200k_base, taken once and written down here."""

import gzip
from importlib import metadata
from pathlib import Path

import pytest

from plugins.shared.tokens import count_tokens
from tests.fixtures.plugin_host import ROOT, PluginHost

SAMPLES = {
    "japanese minutes": (
        "本日の定例会議では、来期の予算案と新製品の発売時期について話し合いました。営業部"
        "からは、取引先の要望が増えているため、納期を二週間早めてほしいとの意見が出ました"
        "。次回は来週の水曜日に開きます。",
        75,
    ),
    "japanese technical": (
        "サーバーのログを確認したところ、データベースへの接続がタイムアウトしていました。"
        "コネクションプールの上限を20から50に変更し、再起動してください。",
        46,
    ),
    "japanese contract": (
        "第五条（秘密保持）甲及び乙は、本契約の履行に関連して知り得た相手方の営業上又は技"
        "術上の秘密を、相手方の書面による事前の承諾なく第三者に開示又は漏洩してはならない"
        "。",
        69,
    ),
    "english prose": (
        "The quarterly report shows that revenue grew in every region except one, where a late delivery postponed "
        "two large orders. Management expects both of them to be booked in the following quarter.",
        35,
    ),
    "python": (
        "def total(rows: list[dict[str, int]]) -> int:\n"
        '    """Sum of all amounts."""\n'
        '    return sum(row["amount"] for row in rows if row.get("valid", True))\n',
        40,
    ),
    "csv": ("date,amount,rate\n2026-04-01,1284500,3.75\n2026-04-02,98210,3.80\n2026-04-03,1450032,3.81\n", 50),
    "mixed": (
        "APIキーは `sk-` で始まります。設定ファイル config.yaml の"
        " server.port を 4000 に変更してから make up を実行し"
        "てください。",
        36,
    ),
    "korean": (
        "오늘 회의에서는 내년 예산안과 신제품 출시 시기에 대해 논의했습니다. 다음 회의는 수요일에 열립니다.",
        30,
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_within_a_tenth_of_the_real_count(name: str) -> None:
    text, tokens = SAMPLES[name]
    assert abs(count_tokens(text) - tokens) <= tokens / 10


def test_nothing_is_nothing() -> None:
    assert count_tokens("") == 0


def test_it_adds_up() -> None:
    text = "".join(text for text, _ in SAMPLES.values())
    assert count_tokens(text * 50) == pytest.approx(50 * count_tokens(text), rel=0.01)


@pytest.mark.parametrize("text", ["🙂" * 100, "привет мир " * 20, "สวัสดี" * 20, "あ" * 100, "a" * 1000, "1" * 300])
def test_no_script_is_free(text: str) -> None:
    assert count_tokens(text) >= len(text) / 10


def test_tiktoken_counts_where_its_vocabulary_lies_on_this_machine(tmp_path: Path, plugin_host: PluginHost) -> None:
    """Exactly, and never by fetching it: a cache that is not whole is not used."""
    packed = metadata.distribution("bpe-openai").locate_file("bpe_openai/data/o200k_base.tiktoken.gz")
    lines = gzip.decompress(Path(str(packed)).read_bytes())
    file = tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790"
    source = (ROOT / "filters" / "full_text.py").read_text(encoding="utf-8")
    count = {"content": source, "text": SAMPLES["japanese contract"][0]}
    guess = plugin_host.call("count", cache=str(tmp_path), **count)
    file.write_bytes(lines[:-10])
    assert plugin_host.call("count", cache=str(tmp_path), **count) == guess
    file.write_bytes(lines)
    exact = plugin_host.call("count", cache=str(tmp_path), **count)
    assert exact == SAMPLES["japanese contract"][1] != guess
