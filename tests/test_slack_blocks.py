"""What Slack is shown: within its documented limits whatever a plan holds, escaped, and stable between versions."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.events import Asked, Card, Comparison, Failed, Options, Progress, Replied, Report, Said
from tools.editing import FIELDS
from tools.intent import Intent
from ui.slack import form
from ui.slack.answers import said_blocks
from ui.slack.blocks import fitted, paragraphs
from ui.slack.card import card_blocks
from ui.slack.files import Files
from ui.slack.jobs import Job, Place, job_of, message_job
from ui.slack.notes import asked_blocks, failed_blocks, progress_text, replied_blocks, report_blocks
from ui.slack.options import beside_blocks, comparison_blocks, options_blocks, why_blocks
from ui.slack.tables import table, without_tables
from ui.slack.wire import web_client
from ui.slack.wording import cut, escaped, words_of

Json = dict[str, Any]
HOSTILE = "<!channel> & <@U0ANN0000> *bold* `code` <https://evil.example|free> \U0001f600 "


@pytest.fixture(scope="module")
def seen(repository: Path) -> Json:
    """The card, options, report and comparison of a session, as the door gave them."""
    found: Json = json.loads((repository / "tests" / "data" / "slack" / "session.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def card(seen: Json) -> Card:
    return Card(**seen["card"])


@pytest.fixture(scope="module")
def options(seen: Json) -> Options:
    return Options(**seen["options"])


@pytest.fixture
def accepted(slack_double: ModuleType) -> Callable[[list[Json]], list[Json]]:
    """The blocks, which Slack would take."""

    def checked(blocks: list[Json]) -> list[Json]:
        assert slack_double.faults(blocks) == []
        return blocks

    return checked


def test_the_main_messages_are_as_they_were(
    *,
    seen: Json,
    card: Card,
    options: Options,
    accepted: Callable[[list[Json]], list[Json]],
    repository: Path,
    update_golden: bool,
) -> None:
    golden = repository / "tests" / "golden" / "slack.jsonl"
    report, view = Report(seen["report"]), form.form(card, {"team": "T1", "channel": "C1", "thread_ts": "1.1"})
    shown = {
        "card": accepted(card_blocks(card, may_deploy=True)),
        "card of one who may only plan": accepted(card_blocks(card, may_deploy=False)),
        "form": view["blocks"][:-2],  # without the list of every other field
        "options": accepted(options_blocks(options, card.revision, ["total_users: 1,000 → 2,000"])),
        "why": accepted(why_blocks(options, card.revision, options.options[1]["id"])),
        "comparison": accepted(comparison_blocks(Comparison(**seen["comparison"]))),
        "side by side": accepted(beside_blocks(options, card.revision)),
        "prices": accepted(said_blocks(Said(**seen["prices"]))),
        "bill": accepted(said_blocks(Said(**seen["bill"]))),
        "answer of what runs": accepted(replied_blocks("Hello?", Replied("It works.", True, 8, 3, 91.0, 12.5))),
        "verdict": accepted(report_blocks(report, 3, {"id": "d-1"})),
        "question": accepted(asked_blocks(Asked("budget", "Is there a budget?", ("under $500 a month", "no limit")))),
        "failure": accepted(failed_blocks(Failed("port 8100 is in use", "stop what listens there"))),
    }
    lines = [json.dumps({"message": name, **block}, ensure_ascii=False) for name in shown for block in shown[name]]
    if update_golden:
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == golden.read_text(encoding="utf-8").splitlines()


def test_progress_is_one_line_with_a_bar() -> None:
    event = Progress("load test", 0.42, "68 answered, 0 failed, TTFT p90 146 ms")
    assert progress_text(event) == "▰▰▰▰▱▱▱▱▱▱ load test: 68 answered, 0 failed, TTFT p90 146 ms"


def test_nothing_that_is_shown_calls_or_links_anybody(seen: Json, accepted: Callable[[list[Json]], list[Json]]) -> None:
    hostile = _with_texts(seen, HOSTILE * 40)
    blocks = [
        *accepted(card_blocks(Card(**hostile["card"]), may_deploy=True)),
        *accepted(options_blocks(Options(**hostile["options"]), 1, [HOSTILE * 100])),
        *accepted(comparison_blocks(Comparison(**hostile["comparison"]))),
        *accepted(report_blocks(Report(hostile["report"]), 1, {"id": HOSTILE})),
        *accepted(said_blocks(Said(HOSTILE * 500))),
        *accepted(without_tables(said_blocks(Said(**hostile["prices"])))),
        *accepted(said_blocks(Said(**hostile["bill"]))),
        *accepted(replied_blocks(HOSTILE, Replied(HOSTILE * 100, True, note=HOSTILE))),
        *accepted(failed_blocks(Failed(HOSTILE, HOSTILE))),
        *accepted(asked_blocks(Asked("budget", HOSTILE, (HOSTILE * 10,) * 30))),
    ]
    texts = [text["text"] for text in _texts(blocks) if text["type"] == "mrkdwn"]
    assert texts
    assert not [text for text in texts if "<" in text]


def test_a_plan_that_nothing_meets_offers_the_changes_that_would_admit_something(
    options: Options, accepted: Callable[[list[Json]], list[Json]]
) -> None:
    rejected = {**options.rejected, "relaxations": []}
    blocks = accepted(options_blocks(Options([], {}, rejected, None), 4, ["No candidate is left."]))
    assert blocks[0]["text"]["text"] == "Nothing meets these needs"
    (row,) = (block for block in blocks if block["type"] == "actions")
    for button in row["elements"]:
        value = json.loads(button["value"])
        assert value["revision"] == 4
        assert set(value["values"]) <= set(FIELDS)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.text(max_size=4000), min_size=1, max_size=60), choices=st.lists(st.text(max_size=90), max_size=9)
)
def test_a_card_of_any_length_fits_a_message_and_a_form(
    slack_double: ModuleType, values: list[str], choices: list[str]
) -> None:
    paths = [path for path in FIELDS if "." not in path][: len(values)]
    fields = [{"key": path, "label": path, "unit": "", "value": value, "source": "said", "detail": value}
              for path, value in zip(paths, values, strict=False)]  # fmt: skip
    spec = {"title": "Specification", "groups": [{"name": "All", "fields": fields}], "chosen": None, "snapshot": "s",
            "unresolved": [{"text": each, "why": each} for each in choices], "deployment": None,
            "undo": False, "redo": False}  # fmt: skip
    card = Card(spec, 1)
    assert slack_double.faults(card_blocks(card, may_deploy=True)) == []
    view = form.form(card, {"team": "T1", "channel": "C1", "thread_ts": "1.1"})
    assert slack_double.faults(view["blocks"], surface="modal") == []
    assert len(view["private_metadata"]) <= 3000


@settings(max_examples=80, deadline=None)
@given(text=st.text(alphabet=st.characters(codec=None), max_size=400), limit=st.integers(1, 60))
def test_what_is_escaped_reads_back_as_it_was_or_is_cut(text: str, limit: int) -> None:
    storable = text.encode("utf-8", "replace").decode()
    assert words_of(escaped(text, 10_000), "U0BOT") == storable.strip()
    short = escaped(text, limit)
    assert len(short) <= limit
    assert "<" not in short
    assert len(cut(text, limit)) <= limit
    short.encode()


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.text(max_size=5000), max_size=80),
    rows=st.lists(st.tuples(st.text(max_size=300), st.text(max_size=300)), max_size=130),
)
def test_any_number_of_blocks_becomes_a_message_that_slack_takes_with_its_tables_or_without(
    slack_double: ModuleType, texts: list[str], rows: list[tuple[str, str]]
) -> None:
    drawn = table([("a", "b"), *rows], (1,))
    blocks = [block for text in texts for block in paragraphs(text)] + drawn
    for shown in (fitted(blocks), fitted(drawn), without_tables(fitted(blocks))):
        assert slack_double.faults(shown) == []
    assert drawn[0]["rows"]
    assert (len(drawn) == 2) == (len(drawn[0]["rows"]) < len(rows) + 1)  # what was left out is told
    assert not [block for block in without_tables(drawn) if block["type"] == "table"]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("<@U0BOT> chatbot, TTFT &lt; 200 ms &amp; cheap", "chatbot, TTFT < 200 ms & cheap"),
        ("like <https://example.com/a?b=1&amp;c=2|example.com>", "like example.com"),
        ("see <https://example.com>", "see https://example.com"),
        ("ask <@U0ANN> or <@U0BOB|bob> in <#C1|general>", "ask @U0ANN or bob in general"),
        ("<!here> mail <mailto:a@b.example|a@b.example>", "@here mail a@b.example"),
        ("a &amp;lt; b", "a &lt; b"),
        ("\ud83d half", "? half"),
    ],
)
def test_words_are_read_as_they_were_typed(sent: str, read: str) -> None:
    assert words_of(sent, "U0BOT") == read


def test_only_what_changed_in_the_form_is_sent_and_an_emptied_field_is_cleared(card: Card) -> None:
    view = form.form(card, {})
    state: Json = {}
    for block in (each for each in view["blocks"] if each["type"] == "input"):
        element = block["element"]
        chosen, text = element.get("initial_option"), element.get("initial_value")
        state[block["block_id"]] = {"value": {"selected_option": chosen, "value": text}}
    assert form.changes(card, state) == {}
    state["total_users"]["value"]["value"] = None
    state["priority"]["value"]["selected_option"] = {"value": "null"}
    state["task_type"]["value"]["selected_option"] = {"value": "code_completion"}
    assert form.changes(card, state) == {"total_users": "", "priority": "", "task_type": "code_completion"}
    values, errors = form.checked(Intent(total_users=5), form.changes(card, state))
    assert errors == {}
    assert values == {"total_users": None, "priority": None, "task_type": "code_completion"}


def test_every_fault_of_a_form_is_told_at_its_field_and_fields_that_need_each_other_go_together() -> None:
    typed = {"total_users": "many", "max_gpus": "-1", "priority": "speed"}
    _, errors = form.checked(Intent(), typed)
    assert set(errors) == set(typed)
    together = {"usage.quantity": "1000", "usage.unit": "audio_minute", "usage.period": "month"}
    assert form.checked(Intent(), together)[1] == {}
    assert form.errors_by_block({"max_gpus": "no"}, {"total_users": {}}) == {form.ADD_VALUE: "no"}


def test_a_job_is_kept_without_what_slack_calls_secret_and_read_back_as_it_was() -> None:
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": "<@B> hello", "token": "secret",
             "files": [{"id": "F1", "name": "bill.csv", "url_private": "https://files.slack.com/x"}]}  # fmt: skip
    job = message_job(event, "T1", "B")
    assert job is not None
    kept = json.loads(json.dumps(job.to_json()))
    assert job_of(kept) == job
    assert "secret" not in json.dumps(kept)
    assert Job("say", Place("T1", "C1", "1.1"), "U1").owner == "slack:T1:U1"


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/bill.csv", True),
        ("https://acme.slack.com/files/bill.csv", True),
        ("https://slack-files.com/T1-F1", True),
        ("http://files.slack.com/files-pri/bill.csv", False),
        ("https://files.slack.com:8443/bill.csv", False),
        ("https://files.slack.com@evil.example/bill.csv", False),
        ("https://evilslack.com/bill.csv", False),
        ("https://evil.example/?https://files.slack.com", False),
        ("https://[::1/bill.csv", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_the_token_goes_to_slack_and_nowhere_else(url: str, trusted: bool, tmp_path: Path) -> None:
    assert Files(tmp_path, web_client("xoxb-1", "https://slack.com/api")).trusted(url) is trusted


def _with_texts(tree: Any, text: str) -> Any:
    """The same tree with more in every text that a person or a source wrote."""
    if isinstance(tree, dict):
        fixed = ("key", "id", "kind", "source", "verdict", "rule", "field", "e2e_basis", "basis")
        return {name: each if name in fixed else _with_texts(each, text) for name, each in tree.items()}
    if isinstance(tree, list):
        return [each if isinstance(each, str) and len(each) == 8 else _with_texts(each, text) for each in tree]
    return f"{text}{tree}" if isinstance(tree, str) and len(tree) > 9 else tree


def _texts(tree: Any) -> Iterator[Json]:
    if isinstance(tree, dict):
        if tree.get("type") in ("mrkdwn", "plain_text"):
            yield tree
        for each in tree.values():
            yield from _texts(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from _texts(each)
