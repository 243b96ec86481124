"""Words that mean the same in a company's documents."""

from plugins.document_search.roots import root

ENGLISH = """
price cost fee charge tariff fare rate
cost expense expenditure
refund reimburse reimbursement repay
leave vacation holiday absence pto
salary wage remuneration
pay paid payment payable
bonus premium incentive
limit maximum max cap ceiling most "up to" upper "no more than" "not exceed" exceed
minimum min least "at least"
deadline due "due date" "no later than" latest "by the" until
submit hand file send claim application apply request
request ask order
approve approval authorise authorize authorisation authorization consent permission sign-off "sign off" agree
allow permit may can permission prohibited forbidden "not allowed" "must not" banned
forbidden prohibited banned "not allowed" "not permitted" "must not" "may not"
need require necessary must compulsory mandatory obligatory
begin start commence
end finish close expire expiry
last duration long length take period
long length duration last
heavy weigh weight mass heaviness
colour color
big size large dimension dimensions
tall height high
wide width
deep depth
fast speed quick
hot temperature warm
old age
far distance
head lead leader manager boss chief
responsible charge owner contact "in charge"
contact reach phone telephone call
phone telephone extension
e-mail email mail mailbox
trainer instructor teach teacher lecturer
teach train instruct
course training class seminar workshop
employee staff worker
trainee apprentice intern
guest visitor
visitor guest
supplier vendor
customer client
contractor freelancer
car vehicle
lorry truck
phone mobile smartphone
laptop notebook computer
canteen cafeteria restaurant
lunch meal
park parking space
lift elevator
meet meeting
assemble assembly muster
evacuate evacuation
repair fix mend
maintain maintenance service servicing
broken defect defective fault faulty
error fault
replace replacement supersede
buy purchase procure procurement
quote quotation offer bid
bill invoice
delete erase remove destroy
store keep retain retention archive
kept stored retained
retain keep retention
launch release introduce
warranty guarantee
stand mean meaning abbreviation short
goal aim purpose objective
budget funding
plan schedule
date day
change modify amend
use usage utilise
sick sickness ill illness
birth born
child children kid
wife husband spouse partner
home remote remotely telework "working from home"
register registration enrol sign-up "sign up"
badge card pass
colour color
photo photograph picture
password passphrase
lock block
bank account
fine penalty
tax vat
night overnight
daily day
weekly week
monthly month
annual annually year yearly
wear worn
equipment gear kit
glasses goggles
wi-fi wifi wlan wireless
connect connection
room office
find locate location found
go-live live "go live"
quarter quarterly
dismiss terminate termination
quit resign resignation
travel trip
plane flight fly
hotel accommodation lodging
"""
JAPANESE = """
料金 費用 価格 値段 代金 単価 利用料
価格 値段 定価 標準価格 販売価格 単価
金額 額 費用
給与 給料 賃金 月給 サラリー
賞与 ボーナス
手当 補助 支給額
休暇 休み 有休
年次休暇 年次有給休暇 有給休暇 年休 有休
有給 有給休暇
育児休業 育休 育児休暇
夏季休業 夏休み 夏期休業 夏季休暇
上限 最大 まで 限度 以内 以下 最高
下限 最低 以上 最小
期限 締切 締め切り 締切日 まで 以内
提出 届け出 届出 申請 送付 出す
申請 申込 申し込み 届出 届け出 申し出
承認 決裁 許可 同意 了承
許可 承認 認める 可能 できる
禁止 不可 できない 認めない
開始 始業 始まり 始まる 始め
終了 終業 終わり 終わる 満了
質量 重量 重さ 重い 重
重 重量 重さ 質量
開 営業 受付 開館 開店 利用時間
閉 閉店 閉館 終了
申し込 申込 申請
送 送付 提出
重さ 質量 重量
長さ 期間 全長
大きさ 寸法 サイズ
高さ 全高
速さ 速度
温度 気温
責任者 担当者 長 管理者 リーダー
担当 担当者 窓口
連絡先 電話 内線 メール 電話番号
電話 内線 電話番号 tel
メール eメール 電子メール メールアドレス
講師 教官 担当講師
研修 講習 セミナー 教育 講座
社員 従業員 職員
実習生 インターン 研修生
来客 来訪者 訪問者 お客様 ゲスト 来社
来訪者 来客 訪問者 お客様 ゲスト
お客様 来客 顧客
取引先 仕入先 納入業者 業者
車 自動車 車両
駐車 駐車場 パーキング
食堂 社食 社員食堂 カフェテリア
避難 避難場所 集合場所
修理 修繕
点検 整備 保守 メンテナンス
故障 不具合 障害
購入 購買 調達 買う
見積 見積書 見積もり
請求書 インボイス
削除 消去 廃棄
廃棄 削除 消去 処分
保存 保管 保持
発売 販売開始 リリース
発売日 発売 販売開始
保証期間 保証
意味 略
目的 狙い ねらい
予算 費用枠
変更 改定 修正 変わる
使う 利用 使用 用いる 使える
使 利用 使用 用い
着 着用 装着
病気 疾病 傷病 私傷病
出産 誕生 生まれ
子 子供 子ども
配偶者 妻 夫
在宅勤務 テレワーク リモートワーク 在宅
登録 届け出 届出
名札 入館証 バッジ
社員証 IDカード 入館証
撮影 写真 写真撮影
パスワード 暗証番号
精算 清算
宿泊費 宿泊料 ホテル代 宿泊
交通費 運賃
部屋 室 会議室
無線LAN Wi-Fi wifi ワイファイ
ノートパソコン ノートPC パソコン PC
パソコン PC
退職 離職 辞め
入社 採用
定員 人数 募集人数
所要時間 時間
受講料 参加費 料金
開催日 開催 実施日
営業時間 開店時間 利用時間 開館時間
周期 頻度 間隔 ごと
頻度 周期 間隔 ごと
所在地 住所 場所
場所 所在地 住所 位置
払 支払 支払い
支払 支給 振込
支給 支払 支払い 給付
取れ 取得
休め 休暇 取得
もらえ 支給 付与
予告 通知 届け出
最高 最大
新卒 新入社員
残業 時間外 時間外労働 時間外勤務
昼食 ランチ 昼休み
海外 国外
国外 海外
国内 日本国内
"""


def phrases_of(line: str) -> list[str]:
    """Return the words of a line; those between quotation marks belong together."""
    parts = line.split('"')
    return [word for at, part in enumerate(parts) for word in ([part] if at % 2 else part.split())]


def table_of(lines: str, key: bool) -> dict[str, frozenset[str]]:
    """Return for each word those that may stand for it; for English ones by their roots."""
    found: dict[str, set[str]] = {}
    for line in lines.strip().splitlines():
        words = [root(word) if key and " " not in word else word for word in phrases_of(line)]
        for word in words if key else words[:1]:
            found.setdefault(word, set()).update(words)
        for word in words[1:]:
            found.setdefault(word, set()).update((words[0], word))
    return {word: frozenset(others - {word}) for word, others in found.items()}


SAME_ENGLISH = table_of(ENGLISH, key=True)
SAME_JAPANESE = table_of(JAPANESE, key=False)
