"""What the model is for: task, workload, domain."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from agent.understanding.draft import Draft
from agent.understanding.lexicon import Hit, Lexicon, phrases, word_list
from agent.understanding.negation import Negation
from agent.understanding.nouns import UNIT_LEXICON
from agent.understanding.scene import Scene
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table
from knowledge.snapshot import Snapshot

Meaning = TypeVar("Meaning")
SURE = 3
LONG_PAGES = 40
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


def _deed(part: str) -> Mapping[str, frozenset[str]]:
    """By word, the tasks that it does ("does"), or that are done to it ("to")."""
    table: dict[str, frozenset[str]] = {}
    for key, listed in read_table("deeds").items():
        task, _, which = key.partition(" ")
        for word in listed if which == part else ():
            table[word] = table.get(word, frozenset()) | {task}
    return table


_DOES, _DONE_TO = _deed("does"), _deed("to")
DEED_REACH = 5
DEED_WEIGHT, DEED_TOLD = 3, 5
_THAT = words("that which who das die der qui que")
_DEED_ENDS = frozenset([".", ";", "\n", "!", "?", ",", "and", ":"])
_MODERATED = words(
    "comments comment posts content messages user images chat reviews uploads text texts videos forum ugc"
)
_DESKS = words("support service kundenservice kundendienst kundensupport client cliente")
_OF_DESKS = words(
    "tickets ticket emails email calls call team agents reps requests manager managers staff transcripts "
    "conversations messages inquiries employees people department mails cases center centre"
)
_ASIDE = words("like similar replace replaces beside besides alongside unlike")


def _allowed(scene: Scene, negation: Negation, hit: Hit[object]) -> bool:
    if negation.denies(hit.first, hit.last):
        return False
    if scene.texts[hit.first] == "moderate" and hit.last - hit.first == 1:
        return bool(_MODERATED.intersection(scene.texts[hit.last : hit.last + 5]))
    if (
        scene.texts[hit.last - 1] in _DESKS
        and scene.texts[hit.last : hit.last + 1]
        and scene.texts[hit.last] in _OF_DESKS
    ):
        return False
    return not (hit.last - hit.first == 1 and scene.texts[max(hit.first - 1, 0)] in _ASIDE)


def _find(lexicon: Lexicon[Meaning], scene: Scene) -> tuple[Hit[Meaning], ...]:
    """Phrases with the numbers left out: "generate 200 images" says "generate images"."""
    numbers = {
        at for each in scene.quantities if not each.number.soft for at in range(each.number.first, each.number.last)
    }
    kept = [at for at in range(len(scene.texts)) if at not in numbers]
    found = lexicon.find([scene.texts[at] for at in kept])
    return tuple(Hit(kept[hit.first], kept[hit.last - 1] + 1, hit.meaning) for hit in found)


def _deeds(scene: Scene) -> Iterator[Hit[tuple[str, int]]]:
    """ "Drafts client letters", "ask about our manuals": a deed and what it is done to, a few words apart."""
    for at, text in enumerate(scene.texts):
        tasks = _DOES.get(text)
        if not tasks:
            continue
        for behind in range(at + 1, min(at + 1 + DEED_REACH, len(scene.texts))):
            word = scene.texts[behind]
            if word in _DEED_ENDS:
                break
            weight = DEED_TOLD if scene.texts[max(at - 1, 0)] in _THAT else DEED_WEIGHT
            for task in sorted(tasks & _DONE_TO.get(word, frozenset())):
                yield Hit(at, behind + 1, (task, weight))


def find_workload(scene: Scene, negation: Negation) -> tuple[str | None, str | None, Hit[object] | None]:
    """Workload beyond language models, or the task; whichever is named first leads.

    Returns workload, task and the phrase that says so.
    """
    named = sorted((*_find(TASK_LEXICON, scene), *_deeds(scene)), key=lambda hit: hit.first)
    tasks = [hit for hit in named if _allowed(scene, negation, hit)]
    workloads = [hit for hit in _find(WORKLOAD_LEXICON, scene) if _allowed(scene, negation, hit)]
    task = _best_task(tasks)
    if workloads and (task is None or task.meaning[1] < SURE or workloads[0].first <= task.first
                      or workloads[0].last > task.first >= workloads[0].first):  # fmt: skip
        return workloads[0].meaning, None, Hit(workloads[0].first, workloads[0].last, None)
    if task is None:
        return None, None, None
    return None, task.meaning[0], Hit(task.first, task.last, None)


def _best_task(hits: Sequence[Hit[tuple[str, int]]]) -> Hit[tuple[str, int]] | None:
    """The surest task; of equally sure ones the first."""
    found: dict[str, list[Hit[tuple[str, int]]]] = {}
    for hit in hits:
        found.setdefault(hit.meaning[0], []).append(hit)
    if not found:
        return None

    def sureness(name: str) -> tuple[float, int]:
        weight = max(hit.meaning[1] for hit in found[name])
        return weight + (0.4 if len(found[name]) > 1 else 0.0), -found[name][0].first

    best = max(found, key=sureness)
    return max(found[best], key=lambda hit: (hit.meaning[1], -hit.first))


def read_purpose(scene: Scene, draft: Draft, negation: Negation) -> str | None:
    """Fill workload_type, task_type and subject_matter; returns the task."""
    workload, task, hit = find_workload(scene, negation)
    scene.workload = workload
    if hit is not None:
        span = scene.characters(hit.first, hit.last)
        if workload:
            draft.say("workload_type", workload, *span)
        elif task == "summarization" and (long := _long_documents(scene)):
            task = "long_document_summarization"
            draft.say("task_type", task, min(span[0], long[0]), max(span[1], long[1]))
        elif task:
            draft.say("task_type", task, *span)
    for llm in _LLM.find(scene.texts)[:1]:
        draft.say("workload_type", "llm", *scene.characters(llm.first, llm.last))
    _read_subject(scene, draft, negation)
    return task


_WORK_OF_KIND = {"asr": "speech_to_text", "embedding": "embeddings", "reranker": "rerank"}


def read_workload_of_models(scene: Scene, draft: Draft, snapshot: Snapshot, task: str | None) -> None:
    """ "whisper-large-v3 for 900 hours": a model made for other work than writing says the workload."""
    known = [snapshot.models[name].kind for name in draft.value("preferred_models") or () if name in snapshot.models]
    work = {_WORK_OF_KIND.get(kind) for kind in known}
    if scene.workload is not None or task is not None or len(work) != 1 or None in work:
        return
    mention = next(each for each in scene.models.values() if each.name)
    scene.workload = work.pop()
    draft.say("workload_type", scene.workload, mention.start, mention.end)


def _long_documents(scene: Scene) -> tuple[int, int] | None:
    """Where long documents are named: in words, or by their pages."""
    for hit in _LONG.find(scene.texts)[:1]:
        return scene.characters(hit.first, hit.last)
    for each in scene.open("page"):
        if each.top >= LONG_PAGES and not each.period:
            return scene.span(each)
    return None


def _read_subject(scene: Scene, draft: Draft, negation: Negation) -> None:
    for hit in SUBJECT_LEXICON.find(scene.texts):
        unit = UNIT_LEXICON.at(scene.texts, hit.first)
        person = unit is not None and unit.last == hit.last and unit.meaning.dimension == "user"
        if not person and not negation.denies(hit.first, hit.last):
            draft.say("subject_matter", hit.meaning, *scene.characters(hit.first, hit.last))
            return
