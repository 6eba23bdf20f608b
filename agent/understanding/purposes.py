"""What the model is for: task, workload, domain."""

from collections.abc import Sequence

from agent.understanding.draft import Draft
from agent.understanding.lexicon import Hit, Lexicon, phrases, word_list
from agent.understanding.negation import Negation
from agent.understanding.quantities import UNIT_LEXICON
from agent.understanding.scene import Scene
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table

SURE = 3
_LONG_KEY = "long documents"


def _task(key: str) -> tuple[str, int]:
    name, _, weight = key.partition(" ")
    return name, int(weight)


_TASK_TABLE = read_table("tasks")
TASK_LEXICON: Lexicon[tuple[str, int]] = Lexicon(
    phrases({_task(key): listed for key, listed in _TASK_TABLE.items() if key != _LONG_KEY})
)
WORKLOAD_LEXICON: Lexicon[str] = Lexicon(phrases(read_table("workloads")))
SUBJECT_LEXICON: Lexicon[str] = Lexicon(phrases(read_table("subjects")))
_LONG = word_list(_TASK_TABLE[_LONG_KEY])
_LLM = word_list(["workload: llm", "workload type: llm", "workload_type: llm", "workload = llm", "workload_type = llm"])
_FOR_PEOPLE = words("agents staff team employees")
_ASIDE = words("like similar replace replaces beside besides alongside unlike")


def _allowed(scene: Scene, negation: Negation, hit: Hit[object]) -> bool:
    if negation.denies(hit.first, hit.last):
        return False
    if scene.texts[hit.last - 1 : hit.last + 1] in (("agent", "hours"), ("agents", "will")):
        return False
    return not (hit.last - hit.first == 1 and scene.texts[max(hit.first - 1, 0)] in _ASIDE)


def find_workload(scene: Scene, negation: Negation) -> tuple[str | None, str | None, Hit[object] | None]:
    """Workload beyond language models, or the task; whichever is named first leads.

    Returns workload, task and the phrase that says so.
    """
    tasks = [hit for hit in TASK_LEXICON.find(scene.texts) if _allowed(scene, negation, hit)]
    workloads = [hit for hit in WORKLOAD_LEXICON.find(scene.texts) if _allowed(scene, negation, hit)]
    task = _best_task(tasks)
    if workloads and (task is None or task.meaning[1] < SURE or workloads[0].first <= task.first
                      or workloads[0].last > task.first >= workloads[0].first):  # fmt: skip
        return workloads[0].meaning, None, Hit(workloads[0].first, workloads[0].last, None)
    if task is None:
        return None, None, None
    return None, task.meaning[0], Hit(task.first, task.last, None)


def _best_task(hits: Sequence[Hit[tuple[str, int]]]) -> Hit[tuple[str, int]] | None:
    """The surest task; of equally sure ones the first."""
    scores: dict[str, float] = {}
    for hit in hits:
        name, weight = hit.meaning
        scores[name] = max(scores.get(name, 0.0), float(weight)) + (0.4 if name in scores else 0.0)
    if not scores:
        return None
    first = {name: next(hit.first for hit in hits if hit.meaning[0] == name) for name in scores}
    best = max(scores, key=lambda name: (scores[name], -first[name]))
    return next(hit for hit in hits if hit.meaning[0] == best and hit.meaning[1] >= int(scores[best]) - 1)


def read_purpose(scene: Scene, draft: Draft, negation: Negation) -> str | None:
    """Fill workload_type, task_type and subject_matter; returns the task."""
    workload, task, hit = find_workload(scene, negation)
    scene.workload = workload
    if hit is not None:
        span = scene.characters(hit.first, hit.last)
        if workload:
            draft.say("workload_type", workload, *span)
        elif task == "summarization" and (long := _LONG.find(scene.texts)):
            both = min(span[0], scene.characters(long[0].first, long[0].last)[0])
            end = max(span[1], scene.characters(long[0].first, long[0].last)[1])
            task = "long_document_summarization"
            draft.say("task_type", task, both, end)
        elif task:
            draft.say("task_type", task, *span)
    for llm in _LLM.find(scene.texts)[:1]:
        draft.say("workload_type", "llm", *scene.characters(llm.first, llm.last))
    _read_subject(scene, draft, negation)
    return task


def _read_subject(scene: Scene, draft: Draft, negation: Negation) -> None:
    for hit in SUBJECT_LEXICON.find(scene.texts):
        unit = UNIT_LEXICON.at(scene.texts, hit.first)
        person = unit is not None and unit.last == hit.last and unit.meaning.dimension == "user"
        if not person and not negation.denies(hit.first, hit.last):
            draft.say("subject_matter", hit.meaning, *scene.characters(hit.first, hit.last))
            return
