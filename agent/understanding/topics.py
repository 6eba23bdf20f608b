"""Fields that words fill by themselves: clouds, billing, licences, priorities, qualities."""

from collections.abc import Sequence

from agent.understanding.draft import Draft
from agent.understanding.lexicon import Hit, Lexicon, phrases, word_list
from agent.understanding.negation import Negation
from agent.understanding.scene import Scene
from agent.understanding.text import words
from agent.understanding.vocabulary.tables import read_table

Topic = tuple[str, str]


def _topic(key: str) -> Topic:
    path, _, value = key.partition(" ")
    return path, value


_LANGUAGE_TABLE = read_table("languages")
_MARKS = ("lead", "tail", "blocker")
TOPIC_LEXICON: Lexicon[Topic] = Lexicon(phrases({_topic(key): listed for key, listed in read_table("topics").items()}))
LANGUAGE_LEXICON: Lexicon[str] = Lexicon(
    phrases({code: listed for code, listed in _LANGUAGE_TABLE.items() if code not in _MARKS})
)
_LEADS, _TAILS, _BLOCKERS = (word_list(_LANGUAGE_TABLE[mark]) for mark in _MARKS)

_LISTS = frozenset(["clouds", "billing", "compliance", "license", "quantization"])
_SETTLED = frozenset(["slo_percentile", "reliability_target"])
_SHOUTED = words("us dora hds c5 pci sox itar ens finma ue america eu")
_ON = words(
    "on in at use using with auf sur en via or and to from , / for by our mit avec con nur only und et y prefer"
)
_HARDWARE = words(
    "gpu gpus hardware server servers card cards machine machines instance instances capacity cluster node "
    "nodes cloud box boxes kit metal compute vms own them gpu's accelerators nuestras karten cartes tarjetas "
    "serveurs servidores server's everything it or rather than servern equipo equipos materiel maschinen rack "
    "racks"
)
_TRANSACTIONS = words(
    "rent renting rented rental lease leased leasing buy buying purchase purchasing purchased acquire "
    "acquiring procure procuring kaufen acheter comprar mieten louer alquilar kauf achat compra anschaffen "
    "anschaffung alquiler gekauft adquirir beschaffen gemietet"
)
_PLACES = words(
    "data stay stays remain remains hosted host hosting leave leaves residency region regions located "
    "resident kept keep stored store processed servers server only sovereignty daten donnees datos bleiben "
    "bleibt rester restent reste permanecer permanezcan rechenzentrum heberge hebergees hebergement alojado "
    "alojados inside within deploy deployed deployment sovereign soil datacenter center centre centers "
    "quedarse salir quitter verlassen sortir residence location on jurisdiction laufen based gehostet "
    "serveurs servidores speichern zone nur served"
)
_TAKEN_FROM_PLACES = words(
    "customers users market company startup clients offices office team students employees readers citizens "
    "doctors lawyers sales branch kunden clientes based bank shops stores"
)
_ALONE = ((), (".",), (";",), ("\n",))
_LICENSING = words("license licence licensed licensing licenses licences apache open weights lizenz licencia")


def topic_hits(texts: Sequence[str]) -> tuple[Hit[Topic], ...]:
    """Topic phrases of a message."""
    return TOPIC_LEXICON.find(texts)


def settled(hits: Sequence[Hit[Topic]]) -> frozenset[int]:
    """Tokens whose numbers belong to a topic ("p95", "4-bit", "1-year reserved") and are no quantities."""
    return frozenset(at for hit in hits for at in range(hit.first, hit.last)
                     if hit.meaning[0] not in ("priority", "residency", "deployment_model", "quality_threshold",
                                               "e2e_basis"))  # fmt: skip


def read_topics(scene: Scene, draft: Draft, negation: Negation, hits: Sequence[Hit[Topic]]) -> None:
    """Fill the fields that words fill by themselves; priorities have a reader of their own."""
    ranks = {hit.meaning[1] for hit in hits if hit.meaning[0] == "slo_percentile"}
    for hit in hits:
        path, value = hit.meaning
        span = scene.characters(hit.first, hit.last)
        if path == "slo_percentile" and value == "50" and len(ranks) > 1:
            continue  # "median 250 ms, p95 600 ms": the percentile is planned
        if path in ("priority", "deployment_model", "burstiness_pattern") or not _holds(scene, hit):
            continue
        if path == "residency":
            _residency(scene, draft, negation, hit)
        elif path == "reserved":
            draft.doubt(*span, "reserved, not said for how long", "billing", "Reserved for one year or for three?",
                        ("reserved_1y", "reserved_3y"))  # fmt: skip
        elif value == "?":
            draft.doubt(*span, "a percentile other than 50, 90, 95 and 99", path)
        elif path == "clouds" and _is_paid_now(scene, hit):
            continue
        elif negation.denies(hit.first, hit.last):
            if path in ("clouds", "quantization"):
                draft.doubt(*span, f"{path} to avoid; say which may be used instead", path)
        elif path in _LISTS:
            draft.add(path, value, *span)
        elif path in _SETTLED:
            draft.say(path, float(value), *span)
        else:
            draft.say(path, value, *span)
    _mit(scene, draft)


def _holds(scene: Scene, hit: Hit[Topic]) -> bool:
    """Short and common words count only where the surroundings agree."""
    text = scene.texts[hit.first]
    single = hit.last - hit.first == 1
    written = draft_text(scene, hit)
    if single and text in _SHOUTED and not written.isupper():
        return text == "america" or (text == "eu" and written in ("Eu", "eu"))
    if single and text in ("amazon", "oracle", "vertex"):
        return hit.first > 0 and scene.texts[hit.first - 1] in _ON
    if hit.meaning[0] == "slo_percentile" and text == "median":
        return scene.context.says(hit.first, hit.last + 5, words("latency ttft tpot time response itl latenz"))
    return True


def draft_text(scene: Scene, hit: Hit[Topic]) -> str:
    """The words of a hit as they were written."""
    start, end = scene.characters(hit.first, hit.last)
    return scene.message[start:end]


def _is_paid_now(scene: Scene, hit: Hit[Topic]) -> bool:
    """ "We pay 11,000 euros to Azure OpenAI": today's bill and no wish."""
    low, _ = scene.context.sentence(hit.first, hit.last)
    paid = any(each.cue.role == "current" for each in scene.context.within(max(low, hit.first - 9), hit.first))
    return paid or scene.texts[hit.last : hit.last + 1] == ("openai",)


def _residency(scene: Scene, draft: Draft, negation: Negation, hit: Hit[Topic]) -> None:
    if any(each.currency and each.first <= hit.first < each.last for each in scene.quantities):
        return  # "120 US dollars"
    low, high = max(hit.first - 8, 0), hit.last + 4
    before = scene.texts[low : hit.first]
    for end in (".", "\n", ";", "!", "?"):
        if end in before:
            before = before[len(before) - before[::-1].index(end) :]
    behind = scene.texts[hit.last : high]
    phrase = set(scene.texts[hit.first : hit.last])
    alone = scene.texts[max(hit.first - 1, 0) : hit.first] in _ALONE and behind[:1] in _ALONE
    placed = alone or not _PLACES.isdisjoint(before) or not _PLACES.isdisjoint(behind[:2]) or bool(phrase & _PLACES)
    people = bool(behind) and behind[0] in _TAKEN_FROM_PLACES
    recent = scene.texts[max(hit.first - 4, 0) : hit.first]
    people = people or (not _TAKEN_FROM_PLACES.isdisjoint(recent) and _PLACES.isdisjoint(recent))
    if not placed or people:
        return
    leaving = {"leave", "leaves", "verlassen", "quitter", "salir", "sortir", "outside"} & set(before)
    if negation.denies(hit.first, hit.last) and not leaving:
        draft.doubt(*scene.characters(hit.first, hit.last), "a place to avoid; say where data may be", "residency")
        return
    draft.add("residency", hit.meaning[1], *scene.characters(hit.first, hit.last))


def _mit(scene: Scene, draft: Draft) -> None:
    """ "MIT" in capitals beside a word of licensing; "mit" is German for "with"."""
    for at, text in enumerate(scene.texts):
        if text == "mit":
            start, end = scene.characters(at, at + 1)
            if scene.message[start:end] == "MIT" and scene.context.says(at - 5, at + 6, _LICENSING):
                draft.add("license", "MIT", start, end)


def read_deployment(scene: Scene, draft: Draft, negation: Negation, hits: Sequence[Hit[Topic]]) -> None:
    """Fill deployment_model; a choice between two is left open."""
    found: dict[str, Hit[Topic]] = {}
    for hit in hits:
        compared = scene.texts[max(hit.first - 1, 0) : hit.first] in (("than",), ("que",), ("als",))
        if (
            hit.meaning[0] != "deployment_model"
            or compared
            or _is_paid_now(scene, hit)
            or negation.denies(hit.first, hit.last)
        ):
            continue
        around = scene.texts[max(hit.first - 3, 0) : hit.first] + scene.texts[hit.last : hit.last + 6]
        cards = any(token.kind == "name" for token in scene.tokens[max(hit.first - 8, 0) : hit.last + 6])
        transaction = scene.texts[hit.first] in _TRANSACTIONS and hit.last - hit.first == 1
        if transaction and not cards and _HARDWARE.isdisjoint(around):
            continue
        found.setdefault(hit.meaning[1], hit)
    if set(found) == {"owned_hardware", "purchase"}:
        del found["owned_hardware"]
    for value, hit in found.items():
        span = scene.characters(hit.first, hit.last)
        if len(found) == 1:
            draft.say("deployment_model", value, *span)
        else:
            draft.doubt(*span, "more than one way of deploying is named", "deployment_model",
                        "How should it be deployed?", tuple(found))  # fmt: skip


_LISTED = frozenset([",", "+", "/", "and", "und", "et", "y", "&", "or", "oder", "ou", "o"])
_EDGES = frozenset(["", ",", ".", ";", "\n", ")", "(", ":", "!", "?", "|", "-", "/"])
_PATTERN_BEHIND = words("to up of at reaching around about")
_LOUD = words("bursts spikes spikey surges lastspitzen picos pics bursting")


def read_burstiness(scene: Scene, draft: Draft, negation: Negation, hits: Sequence[Hit[Topic]]) -> None:
    """Fill burstiness_pattern; "bursts to 20 rps" is a peak and no pattern."""
    found: dict[str, Hit[Topic]] = {}
    for hit in hits:
        path, value = hit.meaning
        if path != "burstiness_pattern" or negation.denies(hit.first, hit.last):
            continue
        behind = scene.texts[hit.last : hit.last + 3]
        numbers = any(token.kind == "number" for token in scene.tokens[hit.last : hit.last + 4])
        if (
            not _LOUD.isdisjoint(scene.texts[hit.first : hit.last])
            and behind
            and behind[0] in _PATTERN_BEHIND
            and numbers
        ):
            continue
        if (behind and behind[0] in ("size", "sizes", "state", "growth")) or scene.workload == "none":
            continue
        found.setdefault(value, hit)
    if "batch" in found:
        found = {"batch": found["batch"]}
    for value, hit in found.items():
        span = scene.characters(hit.first, hit.last)
        if len(found) == 1 and draft.value("burstiness_pattern") in (None, value):
            draft.say("burstiness_pattern", value, *span)
        elif draft.value("burstiness_pattern") != value:
            draft.drop("burstiness_pattern")
            draft.doubt(*span, "more than one pattern of load", "burstiness_pattern", "Which describes the load best?",
                        tuple(found))  # fmt: skip


def read_languages(scene: Scene, draft: Draft, task: str | None) -> None:
    """Fill languages: those the model must handle, not those of people or places."""
    for group in _groups(scene):
        if _blocked(scene, group[-1]) or not (task == "translation" or _handled(scene, group)):
            continue
        for hit in group:
            draft.add("languages", hit.meaning, *scene.characters(hit.first, hit.last))


def _groups(scene: Scene) -> list[list[Hit[str]]]:
    """Languages that are listed together: "German, French and Spanish"."""
    groups: list[list[Hit[str]]] = []
    for hit in LANGUAGE_LEXICON.find(scene.texts):
        if scene.texts[hit.first] == "polish" and scene.message[scene.tokens[hit.first].start] != "P":
            continue
        between = scene.texts[groups[-1][-1].last : hit.first] if groups else ()
        if groups and between and set(between) <= _LISTED and len(between) <= 2:
            groups[-1].append(hit)
        else:
            groups.append([hit])
    return groups


def _blocked(scene: Scene, hit: Hit[str]) -> bool:
    return hit.last < len(scene.texts) and _BLOCKERS.at(scene.texts, hit.last) is not None


def _handled(scene: Scene, group: Sequence[Hit[str]]) -> bool:
    """Led by a word such as "in" or "speaks", followed by one such as "texts", or standing alone between commas."""
    first, last = group[0].first, group[-1].last
    before = scene.texts[first - 1] if first else ""
    behind = scene.texts[last] if last < len(scene.texts) else ""
    led = first > 0 and _LEADS.at(scene.texts, first - 1) is not None
    tailed = bool(behind) and _TAILS.at(scene.texts, last) is not None
    alone = before in _EDGES and (behind in _EDGES or behind in ("and", "und", "et", "y", "on"))
    return led or tailed or (alone and bool(before)) or before in (":", "(")
