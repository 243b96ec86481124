"""My plugin obeys the rules, and its recorded conversations go as they should inside the real Open WebUI."""

from pathlib import Path

from install.kit.testing import broken_rules, failures

PLUGIN = Path(__file__).parents[1] / "FOLDER" / "my_plugin.py"


def test_it_obeys_the_rules() -> None:
    assert broken_rules(PLUGIN) == []


def test_recorded_conversations() -> None:
    assert failures(PLUGIN) == []
