"""Texts of the notice that is shown once a person."""

TEXT = {
    "en": {
        "part": " · ",
        "title": "Before you begin",
        "guide": "- **Answers can be wrong**, even where they sound sure. Check facts, figures and sources "
        "before you use them.\n"
        "- **Enter no confidential data** that the company's rules do not allow here: no passwords, no personal data "
        "without need, nothing that customers gave in confidence.\n"
        "- **You answer for what you send on**, not the model.\n\n"
        "Confirm that you have read this.",
        "link": "The rules: {link}",
    },
    "ja": {
        "part": " · ",
        "title": "ご利用の前に",
        "guide": "- **回答には誤りが含まれることがあります**。もっともらしく見えても、事実・数値・出典を確認し、"
        "ご自身で判断してください。\n"
        "- **社内ルールで認められていない機密情報を入力しないでください**。パスワード、必要のない個人情報、"
        "お客様からお預かりした情報などです。\n"
        "- **送った内容や使った結果の責任は、モデルではなくご自身にあります**。\n\n"
        "お読みになったら「確認」を押してください。",
        "link": "社内ルール: {link}",
    },
}
