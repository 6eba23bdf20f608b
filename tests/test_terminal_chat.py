"""The terminal chat and the demo, as a person at a pipe sees them."""

import os
import subprocess
import sys
from pathlib import Path

SEXTANT = Path(sys.executable).with_name("sextant")


def at_the_terminal(
    home: Path, *arguments: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "SEXTANT_HOME": str(home), "COLUMNS": "140", "TERM": "dumb", **environment}
    return subprocess.run(
        [SEXTANT, *arguments], input=typed, capture_output=True, text=True, env=settings, check=False, timeout=120
    )


def test_a_conversation_is_typed_left_and_taken_up_again(tmp_path: Path) -> None:
    typed = "chatbot for 1000 users, rented GPUs\n/edit total_users=1200\nwhy this one?\n/quit\n"
    first = at_the_terminal(tmp_path, "chat", "--thread", "talk", typed=typed)
    assert first.returncode == 0
    assert first.stderr == ""
    for words in ("Specification · revision 1", "revision 2", "1,200", "a month", "--thread talk"):
        assert words in first.stdout
    second = at_the_terminal(tmp_path, "chat", "--thread", "talk", typed="/show\n")
    assert "revision 2" in second.stdout
    assert "1,200" in second.stdout


MISTAKES = {
    "?": "/approve",
    "/edit total_user=5": "total_users",
    "/edit total_users=-5": "greater than 0",
    "/edit total_users": "field=value",
    "/choose 99": "'99'",
    "/fly": "unknown action 'fly'",
    "/rollback": "nothing is deployed",
    "/approve moon": "unknown target: 'moon'",
    "/try hello": "nothing is deployed",
    "/rate 9": "no outcome to rate",
    "/rate well": "'well' is no rating",
    "/manifests helm": "unknown form: 'helm'",
    "chatbot " * 10_000: "characters",
}


def test_the_manifests_of_what_is_on_the_card_are_printed(tmp_path: Path) -> None:
    done = at_the_terminal(tmp_path, "chat", typed="chatbot for 1000 users, rented GPUs\n/manifests vanilla\n/quit\n")
    assert done.returncode == 0
    assert "kind: Deployment\n" in done.stdout
    assert "--gpu-memory-utilization=0.9" in done.stdout


def test_what_cannot_be_done_is_one_clear_line_and_the_talk_goes_on(tmp_path: Path) -> None:
    typed = "\n".join(["chatbot for 10 users", *MISTAKES, "/show", ""])
    done = at_the_terminal(tmp_path, "chat", typed=typed)
    assert done.returncode == 0
    assert [answer for answer in MISTAKES.values() if answer not in done.stdout] == []
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout.count("Specification · revision 1") == 2


def test_an_unknown_language_model_setting_is_named(tmp_path: Path) -> None:
    done = at_the_terminal(tmp_path, "chat", typed="hello\n", SEXTANT_MODEL="clippy")
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "SEXTANT_MODEL cannot be 'clippy'"


def test_a_language_model_that_is_not_there_leaves_the_rules_alone_and_says_so(tmp_path: Path) -> None:
    absent = {"SEXTANT_MODEL": "ollama:llama3.1:8b", "SEXTANT_MODEL_URL": "http://127.0.0.1:9"}
    done = at_the_terminal(tmp_path, "chat", typed="chatbot for 700 users\n", **absent)
    assert "rules alone" in " ".join(done.stdout.split())
    assert "700" in done.stdout


def test_the_demo_goes_from_words_to_a_verdict_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = at_the_terminal(tmp_path, "demo")
    assert done.returncode == 0, done.stdout
    for words in ("1,500", "Verdict", "measured", "predicted", "95 % interval", "price of", "Rolled back"):
        assert words in done.stdout
    assert "unexpected" not in done.stdout


def test_stale_or_disputed_prices_are_told_at_the_start(tmp_path: Path) -> None:
    assert at_the_terminal(tmp_path, "catalog", "search", "whisper").returncode == 0
    done = at_the_terminal(tmp_path, "chat", typed="/quit\n")
    assert "note: " in done.stdout
    assert "differ by more than 1 % between sources" in done.stdout
