"""Which one question to ask next: what was seen and not understood first, then the field that moves the plan most."""

from tools.intent import Intent, Question
from tools.planner import Plan

LOAD = ("expected_qps", "requests_per_day", "tokens_per_day", "concurrent_users", "total_users", "usage")


def next_question(intent: Intent, plan: Plan, asked: tuple[str, ...]) -> Question | None:
    """The question, or None when everything that matters was said or asked before."""
    for item in intent.unresolved:
        field = f"unresolved: {item.text}"
        if field not in asked:
            return Question(field=field, question=f"I also saw “{item.text}”: {item.why}. What is it?")
    for question, needed in (
        (
            Question(
                field="total_users",
                question="How many people will use it, or how many requests come per second?",
                suggestions=("100 users", "1,000 users", "10 requests per second"),
            ),
            all(getattr(intent, name) is None for name in LOAD) and intent.peak_qps is None,
        ),
        (
            Question(
                field="task_type",
                question="What is it for?",
                suggestions=("a chatbot", "questions about documents", "code completion", "summaries"),
            ),
            intent.task_type is None and intent.workload_type in (None, "llm"),
        ),
        (
            Question(
                field="budget",
                question="Is there a budget?",
                suggestions=("under $1,000 a month", "under $5,000 a month", "no limit"),
            ),
            intent.budget is None and plan.feasible,
        ),
    ):
        if needed and question.field not in asked:
            return question
    return None
