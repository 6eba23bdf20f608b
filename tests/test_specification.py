"""How an intent grows and changes over a conversation."""

from hypothesis import given
from hypothesis import strategies as st

from agent.specification import described, edited, redone, undone, withdrawn
from agent.state import State, intent_of
from tools.intent import Budget, Intent, Provenance, Understanding


def said(**values: object) -> Understanding:
    intent = Intent.model_validate(values)
    paths = [name for name in values if name != "budget"]
    paths += [f"budget.{name}" for name in (intent.budget.model_dump(exclude_none=True) if intent.budget else {})]
    return Understanding(intent=intent, provenance={path: Provenance(source="said", text=path) for path in paths})


def after(state: State, *changes: State) -> State:
    merged: State = {**state}
    for change in changes:
        merged = {**merged, **change}
    return merged


def test_new_words_join_what_was_said_and_the_newest_word_wins() -> None:
    first = after({}, described({}, said(task_type="chatbot", total_users=1000)))
    second = after(first, described(first, said(total_users=2000)))
    assert intent_of(second) == Intent(task_type="chatbot", total_users=2000)
    assert set(second["provenance"]) == {"task_type", "total_users"}


def test_parts_of_a_budget_stand_beside_each_other() -> None:
    first = after({}, described({}, said(budget=Budget(max_monthly_cost_usd=500))))
    second = after(first, described(first, said(budget=Budget(cost_per_1k_tokens=0.01))))
    assert intent_of(second).budget == Budget(max_monthly_cost_usd=500, cost_per_1k_tokens=0.01)


def test_a_corrected_load_is_not_hidden_by_a_more_specific_one_said_before() -> None:
    first = after({}, described({}, said(total_users=1000, expected_qps=5)))
    second = after(first, described(first, said(total_users=2000)))
    assert intent_of(second) == Intent(total_users=2000)


def test_an_added_load_leaves_the_other_alone() -> None:
    first = after({}, described({}, said(expected_qps=5)))
    second = after(first, described(first, said(total_users=2000)))
    assert intent_of(second) == Intent(expected_qps=5, total_users=2000)


def test_an_edit_says_that_it_was_edited_and_clearing_leaves_no_provenance() -> None:
    first = after({}, described({}, said(total_users=1000)))
    second = after(first, edited(first, {"total_users": 5}))
    assert second["provenance"]["total_users"]["source"] == "edited"
    third = after(second, edited(second, {"total_users": None}))
    assert intent_of(third) == Intent()
    assert third["provenance"] == {}


def test_saying_the_same_again_is_no_change() -> None:
    first = after({}, described({}, said(total_users=1000)))
    assert described(first, said(total_users=1000)) == {}


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8, unique=True))
def test_undo_and_redo_walk_the_same_steps(users: list[int]) -> None:
    state: State = {}
    intents = []
    for count in users:
        state = after(state, edited(state, {"total_users": count}))
        intents.append(intent_of(state))
    for expected in reversed(intents[:-1]):
        state = after(state, undone(state) or {})
        assert intent_of(state) == expected
    assert undone(state) is None
    for expected in intents[1:]:
        state = after(state, redone(state) or {})
        assert intent_of(state) == expected
    assert redone(state) is None


def test_there_is_no_way_back_to_before_the_first_specification() -> None:
    first = after({}, described({}, said(total_users=1000)))
    assert undone(first) is None
    assert redone(first) is None


def test_what_was_cleared_in_between_is_no_step() -> None:
    state = after({}, described({}, said(total_users=1000)))
    for users in (None, 5):
        state = after(state, edited(state, {"total_users": users}))
    back = after(state, undone(state) or {})
    assert intent_of(back) == Intent(total_users=1000)
    assert undone(back) is None
    assert intent_of(after(back, redone(back) or {})) == Intent(total_users=5)


def test_a_first_change_that_cannot_be_planned_is_withdrawn_as_though_never_said() -> None:
    first = after({}, described({}, said(total_users=1000)))
    assert intent_of(after(first, withdrawn(first))) == Intent()
    assert withdrawn(first)["past"] == []
