"""Which of four languages a message is in: decides number words and the decimal comma, nothing else."""

from collections.abc import Iterable
from typing import Literal

from agent.understanding.text import words

Language = Literal["en", "de", "fr", "es"]

_FREQUENT: dict[Language, frozenset[str]] = {
    "en": words("the an of to for with we our need and in is that i want on per at users under each most day month"),
    "de": words(
        "tausend hundert zwei drei vier mitarbeiter kunden der die das und fur wir mit nicht pro unter ein eine "
        "einen mochten brauchen soll auf unsere unser im am von zu bis maximal hochstens nutzer anfragen kein "
        "keine ist sind etwa mochte brauche monat tag taglich sekunde sekunden antwort mieten haben kosten "
        "gunstig woche jahr eigene monatlich nach bei uber"
    ),
    "fr": words(
        "mille deux trois quatre cinq cents employes clients collaborateurs le la les des du pour avec nous une "
        "par sous moins au aux notre nos et de dans est sont besoin mois jour utilisateurs voulons requetes pas "
        "sans il faut un que qui jours moyenne seconde secondes jusqu entre avons generer resumer traduire "
        "semaine ans nuit pic pics"
    ),
    "es": words(
        "mil dos tres cuatro cinco empleados clientes doscientos el los las para con una por menos del al nuestro "
        "nuestra nuestros y de en es son necesitamos queremos mes dia usuarios peticiones sin no un que quiero "
        "necesito cada segundo segundos media vamos tenemos hay clasificar resumir generar extraer traducir "
        "comprar diarios semana picos hasta primer medio millones preguntas presupuesto maximo usar alquilar ano "
        "anos noche lo mas"
    ),
}


def language_of(texts: Iterable[str]) -> Language:
    """The language with the most frequent words among `texts`; English when none leads."""
    counts: dict[Language, int] = dict.fromkeys(_FREQUENT, 0)
    for word in texts:
        for language, frequent in _FREQUENT.items():
            counts[language] += word in frequent
    return max(counts, key=lambda language: (counts[language], language == "en"))
