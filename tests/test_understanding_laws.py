"""Laws of the grammar: every spelling of a number is the same number, spans quote the message, nothing crashes."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.understanding import understand
from agent.understanding.message import read_scene
from agent.understanding.text import fold, words
from knowledge.snapshot import load
from tools.intent import Understanding

SNAPSHOT = load()
FRAGMENTS = words(
    "chatbot 500 users , under $5k per month rps 10-20 H100 8x llama 70b not no p95 200 ms first token € 4.000 "
    "one half a million 1e6 / % between and 9am-5pm ( ) : - • nightly deux cents zweihundert medio DGX 40GB x2 peak "
    "twice the"
)
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def said(text: str) -> Understanding:
    return understand(text, SNAPSHOT)


def spelled(number: int) -> str:
    """English words for 1 to 999,999."""
    if number >= 1000:
        rest = number % 1000
        return f"{spelled(number // 1000)} thousand" + (f" {spelled(rest)}" if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{ONES[number // 100]} hundred" + (f" and {spelled(rest)}" if rest else "")
    if number >= 20:
        return TENS[number // 10 - 2] + (f"-{ONES[number % 10]}" if number % 10 else "")
    return ONES[number]


@given(st.integers(2, 999_999))
def test_a_count_is_the_same_in_every_spelling(number: int) -> None:
    grouped = f"{number:,}"
    spellings = [str(number), grouped, grouped.replace(",", "'"), grouped.replace(",", " "), spelled(number)]
    if number % 1000 == 0:
        spellings.append(f"{number // 1000}k")
    for spelling in spellings:
        assert said(f"chatbot for {spelling} users").intent.total_users == number, spelling


@given(st.integers(1000, 999_999))
def test_german_and_french_grouping_is_read(number: int) -> None:
    grouped = f"{number:,}"
    assert said(f"Chatbot für {grouped.replace(',', '.')} Nutzer").intent.total_users == number
    assert said(f"chatbot pour {grouped.replace(',', ' ')} utilisateurs").intent.total_users == number


@given(st.integers(1, 500_000))
def test_a_budget_is_the_same_per_month_and_per_year(dollars: int) -> None:
    for text in (
        f"${dollars} a month",
        f"USD {dollars:,} monthly",
        f"{dollars} dollars per month",
        f"${dollars * 12}/year",
    ):
        budget = said(f"budget {text}").intent.budget
        assert budget is not None
        assert budget.max_monthly_cost_usd is not None
        assert abs(budget.max_monthly_cost_usd - dollars) < 0.01, text


@given(st.integers(1, 50_000))
def test_a_target_is_the_same_in_every_unit(milliseconds: int) -> None:
    for text in (
        f"{milliseconds} ms",
        f"{milliseconds / 1000:.3f} seconds",
        f"{milliseconds}ms",
        f"{milliseconds} milliseconds",
    ):
        assert said(f"first token within {text}").intent.target_ttft_p90_ms == milliseconds, text


@given(st.integers(1, 64), st.sampled_from(["{n}x H100", "{n} H100s", "{n}xH100", "H100 x {n}", "{w} H100 GPUs"]))
def test_cards_are_counted_in_every_spelling(count: int, spelling: str) -> None:
    text = spelling.format(n=count, w=spelled(count))
    (owned,) = said(f"we own {text}").intent.available_gpus or ()
    assert (owned.gpu_type, owned.count) == ("NVIDIA-H100-80GB-SXM", count)


@given(st.text(max_size=300) | st.lists(st.sampled_from(sorted(FRAGMENTS)), max_size=40).map(" ".join))
@settings(max_examples=300)
def test_no_text_crashes_and_every_span_quotes_it(text: str) -> None:
    understood = said(text)
    for origin in understood.provenance.values():
        assert origin.start is not None
        assert origin.text == text[origin.start : origin.end]
        assert origin.source == "said"
        assert origin.turn == 1
    for unresolved in understood.intent.unresolved:
        assert unresolved.text in text
    assert len(understood.questions) == len(understood.intent.unresolved)


@given(st.lists(st.sampled_from(sorted(FRAGMENTS)), max_size=30).map(" ".join))
def test_every_said_field_has_a_provenance_and_no_other_has(text: str) -> None:
    understood = said(text)
    said_fields = understood.intent.model_dump(exclude_none=True, exclude={"unresolved"})
    assert {path.partition(".")[0] for path in understood.provenance} == set(said_fields)


@given(st.text(alphabet=string.printable + "äöüßéèñ€£½×–’", max_size=200))
def test_folding_moves_no_character(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.lists(st.sampled_from(sorted(FRAGMENTS)), max_size=30).map(" ".join))
def test_the_same_words_mean_the_same(text: str) -> None:
    assert said(text) == said(text)


def test_work_grows_in_proportion_to_the_message() -> None:
    sentence = (
        "We need a chatbot for 500 users, 10 rps on average, first token within 300 ms, $4,000 a month on 8xH100. "
    )
    once, many = read_scene(sentence * 10, SNAPSHOT), read_scene(sentence * 100, SNAPSHOT)
    for grown, base in ((many.tokens, once.tokens), (many.quantities, once.quantities)):
        assert len(grown) == 10 * len(base)
    looked_at = [sum(len(scene.context.near(each, ("peak", "average", "ttft"))) for each in scene.quantities)
                 for scene in (once, many)]  # fmt: skip
    assert looked_at[1] <= 11 * looked_at[0]


def test_a_hundred_kilobytes_are_read() -> None:
    understood = said("chatbot for 500 users. " + "lorem ipsum dolor sit amet 12 34 " * 3100)
    assert understood.intent.task_type == "chatbot"
    assert understood.intent.total_users == 500
