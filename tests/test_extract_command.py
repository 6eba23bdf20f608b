"""`sextant extract` prints contract 5.1."""

import json
import subprocess
import sys

import pytest

from tools.intent import Intent


def run(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ui.cli import main; main()", "extract", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=stdin, check=False)


def test_json_holds_every_field_null_unless_said() -> None:
    done = run("chatbot for 500 users, first token in 300 ms", "--json")
    assert done.returncode == 0
    body = json.loads(done.stdout)
    assert set(body["intent"]) == set(Intent.model_fields)
    said = {name: value for name, value in body["intent"].items() if value not in (None, [])}
    assert said == {"task_type": "chatbot", "total_users": 500, "target_ttft_p90_ms": 300.0}
    assert body["provenance"]["total_users"] == {
        "source": "said",
        "text": "500 users",
        "start": 12,
        "end": 21,
        "turn": 1,
    }
    assert body["questions"] == []
    assert {"schema_version", "snapshot"} <= set(body)


def test_questions_are_about_what_is_unresolved() -> None:
    body = json.loads(run("latency under 200 ms", "--json").stdout)
    assert [each["text"] for each in body["intent"]["unresolved"]] == ["200 ms"]
    assert [each["suggestions"] for each in body["questions"]] == [["first token", "complete answer"]]


def test_people_get_a_table() -> None:
    done = run("summarize 5,000 tickets a day on 8xH100, latency under 200 ms")
    assert done.returncode == 0
    assert "requests_per_day" in done.stdout
    assert "“200 ms”" in done.stdout


def test_stdin_is_read_and_a_hundred_kilobytes_are_no_trouble() -> None:
    done = run("-", "--json", stdin="translation for 40 people. " + "and so on, and so forth 7 times. " * 3000)
    assert done.returncode == 0
    assert json.loads(done.stdout)["intent"]["total_users"] == 40


@pytest.mark.parametrize(("text", "line"), [("  ", "the message is empty"), ("x" * 200_001, "the message has 200,001")])
def test_unusable_messages_are_refused_in_one_line(text: str, line: str) -> None:
    done = run("-", stdin=text)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith(line)
    assert "Traceback" not in done.stderr
