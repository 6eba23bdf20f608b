"""Outcomes: what a load test measured beside what was predicted. Later predictions learn from them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from knowledge.errors import BadInput
from knowledge.records.database import Connection, Database
from knowledge.records.rating import Rating

_COLUMNS = (
    "outcome_id", "deployment_id", "endpoint", "model_id", "gpu_type", "tensor_parallel", "quantization", "engine",
    "time_factor", "snapshot", "measured_at", "duration_s", "request_rate_rps", "isl_mean", "osl_mean", "requests",
    "errors", "output_tok_s", "verdict", "report",
)  # fmt: skip
_WANTED = """(:deployment_id IS NULL OR deployment_id = :deployment_id)
    AND (:model_id IS NULL OR model_id = :model_id) AND (:gpu_type IS NULL OR gpu_type = :gpu_type)
    AND (:engine IS NULL OR engine = :engine)"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One statistic of one metric (`ttft_ms`, `p90`): measured with its 95 % interval, beside the prediction."""

    metric: str
    statistic: str
    measured: float | None
    low: float | None
    high: float | None
    predicted: float | None


@dataclass(frozen=True, slots=True)
class SloOutcome:
    """One target (`ttft_p90_ms`), what was measured, and `met`, `not_met` or `inconclusive`."""

    slo: str
    bound: float
    measured: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished load test. Rates and throughput are those that one replica saw; `report` is the whole report."""

    outcome_id: str
    deployment_id: str | None
    endpoint: str
    model_id: str
    gpu_type: str | None
    tensor_parallel: int | None
    quantization: str | None
    engine: str
    time_factor: float
    snapshot: str
    measured_at: str
    duration_s: float
    request_rate_rps: float
    isl_mean: float | None
    osl_mean: float | None
    requests: int
    errors: int
    output_tok_s: float
    verdict: str
    measures: tuple[Measure, ...]
    slos: tuple[SloOutcome, ...]
    report: Mapping[str, Any]
    ratings: tuple[Rating, ...] = ()
    """What people thought of the recommendation."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: object) -> "Outcome":
        """The inverse of `to_json`; BadInput names the first field that does not fit."""
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - only imports need it

        try:
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "outcome"
            raise BadInput(f"not an outcome of Sextant: {name}: {first['msg']}", field=name) from error


class Outcomes:
    """The outcomes of one state directory."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, outcome: Outcome) -> bool:
        """Keep an outcome; False when it was there already (imports may be repeated)."""
        report = json.dumps(outcome.report, ensure_ascii=False, allow_nan=False)
        row = {**{name: getattr(outcome, name) for name in _COLUMNS}, "report": report}
        names, holes = ", ".join(_COLUMNS), ", ".join(f":{name}" for name in _COLUMNS)
        with self._database.write() as connection:
            added = connection.execute(
                f"INSERT INTO outcomes ({names}) VALUES ({holes}) ON CONFLICT DO NOTHING",  # noqa: S608 - own column names
                row,
            ).rowcount
            if not added:
                return False
            connection.executemany(
                "INSERT INTO measures (outcome_id, metric, statistic, measured, low, high, predicted, place) "
                "VALUES (:outcome_id, :metric, :statistic, :measured, :low, :high, :predicted, :place)",
                _placed(outcome.outcome_id, outcome.measures),
            )
            connection.executemany(
                "INSERT INTO slo_outcomes (outcome_id, slo, bound, measured, verdict, place) "
                "VALUES (:outcome_id, :slo, :bound, :measured, :verdict, :place)",
                _placed(outcome.outcome_id, outcome.slos),
            )
            connection.executemany(
                "INSERT INTO ratings VALUES (:outcome_id, :who, :stars, :comment, :rated_at)",
                [{**asdict(rating), "outcome_id": outcome.outcome_id} for rating in outcome.ratings],
            )
        return True

    def all(
        self,
        *,
        deployment_id: str | None = None,
        model_id: str | None = None,
        gpu_type: str | None = None,
        engine: str | None = None,
    ) -> tuple[Outcome, ...]:
        """Outcomes, oldest first; only those that match what is given."""
        wanted = {"deployment_id": deployment_id, "model_id": model_id, "gpu_type": gpu_type, "engine": engine}
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT * FROM outcomes WHERE {_WANTED} ORDER BY measured_at, outcome_id",  # noqa: S608 - own names
                wanted,
            ).fetchall()
            if not rows:
                return ()
            measures = _parts(connection, "metric, statistic, measured, low, high, predicted", "measures", wanted)
            slos = _parts(connection, "slo, bound, measured, verdict", "slo_outcomes", wanted)
            ratings = _parts(connection, "who, stars, comment, rated_at", "ratings", wanted, order="rated_at, who")
        return tuple(
            Outcome(
                **{**{name: row[name] for name in _COLUMNS}, "report": json.loads(row["report"])},
                measures=tuple(Measure(**entry) for entry in measures.get(row["outcome_id"], ())),
                slos=tuple(SloOutcome(**entry) for entry in slos.get(row["outcome_id"], ())),
                ratings=tuple(Rating(**entry) for entry in ratings.get(row["outcome_id"], ())),
            )
            for row in rows
        )

    def latest(self, deployment_id: str) -> Outcome | None:
        """The newest outcome of a deployment."""
        found = self.all(deployment_id=deployment_id)
        return found[-1] if found else None


def _parts(
    connection: Connection, columns: str, table: str, wanted: Mapping[str, Any], *, order: str = "place"
) -> dict[str, list[dict[str, Any]]]:
    """The parts of the wanted outcomes, by outcome, in one question however many there are."""
    rows = connection.execute(
        f"SELECT outcome_id, {columns} FROM {table} "  # noqa: S608 - own names
        f"WHERE outcome_id IN (SELECT outcome_id FROM outcomes WHERE {_WANTED}) ORDER BY outcome_id, {order}",
        wanted,
    ).fetchall()
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.pop("outcome_id"), []).append(row)
    return found


def _placed(outcome_id: str, parts: Iterable[Measure | SloOutcome]) -> list[dict[str, Any]]:
    """Parts as rows that remember their order."""
    return [{**asdict(part), "outcome_id": outcome_id, "place": place} for place, part in enumerate(parts)]
