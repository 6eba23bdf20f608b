"""What people thought of a recommendation once its deployment had been tested: kept with the outcome."""

from dataclasses import dataclass

from knowledge.errors import BadInput
from knowledge.records.clock import Clock, stamp
from knowledge.records.database import Database

MOST_STARS = 5
MAX_COMMENT_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Rating:
    """One person's opinion of one outcome: 1 (useless) to 5 (just right), with words where there are any."""

    who: str
    stars: int
    comment: str
    rated_at: str


class Ratings:
    """The ratings of one state directory; a person has one per outcome, the newest."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(self, outcome_id: str, *, who: str, stars: int, comment: str = "") -> Rating:
        """Keep or replace somebody's rating of an outcome. Raises BadInput."""
        if not 1 <= stars <= MOST_STARS:
            raise BadInput(f"a rating is 1 to {MOST_STARS}, not {stars}", field="stars")
        if len(comment) > MAX_COMMENT_CHARS:
            raise BadInput(
                f"the comment has {len(comment):,} characters; the limit is {MAX_COMMENT_CHARS:,}", field="comment"
            )
        rating = Rating(who, stars, comment.strip(), stamp(self._clock()))
        with self._database.write() as connection:
            connection.execute(
                """INSERT INTO ratings (outcome_id, who, stars, comment, rated_at)
                VALUES (:outcome_id, :who, :stars, :comment, :rated_at)
                ON CONFLICT (outcome_id, who) DO UPDATE
                SET stars = excluded.stars, comment = excluded.comment, rated_at = excluded.rated_at""",
                {
                    "outcome_id": outcome_id,
                    "who": who,
                    "stars": stars,
                    "comment": rating.comment,
                    "rated_at": rating.rated_at,
                },
            )
        return rating

    def withdraw(self, outcome_id: str, *, who: str, stars: int) -> bool:
        """Forget somebody's rating of an outcome as long as it says `stars`; whether it did."""
        with self._database.write() as connection:
            gone = connection.execute(
                "DELETE FROM ratings WHERE outcome_id = ? AND who = ? AND stars = ?", (outcome_id, who, stars)
            )
            return gone.rowcount > 0

    def of(self, outcome_id: str) -> tuple[Rating, ...]:
        """Every rating of an outcome, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT who, stars, comment, rated_at FROM ratings WHERE outcome_id = ? ORDER BY rated_at, who",
                (outcome_id,),
            ).fetchall()
        return tuple(Rating(**row) for row in rows)
