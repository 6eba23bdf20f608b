"""The one door to the records of a state directory."""

from pathlib import Path

from knowledge.records.audit import Audit
from knowledge.records.clock import Clock, utc_now
from knowledge.records.conversation import Conversations
from knowledge.records.database import open_database
from knowledge.records.deployment import Deployments
from knowledge.records.key import Keys
from knowledge.records.outcome import Outcomes
from knowledge.records.paper import Papers
from knowledge.records.rating import Ratings
from knowledge.records.receipt import Receipts
from knowledge.records.scenario import Scenarios
from knowledge.records.tally import Tallies


class Records:
    """All that is kept under `home`: deployments, outcomes, audit and more; `clock` gives the time that is written.

    With `url` they are in that PostgreSQL database. Safe to share between threads and processes. Raises StateUnusable
    and Unavailable (see `open_database`).
    """

    def __init__(self, home: Path, *, url: str | None = None, clock: Clock = utc_now) -> None:
        database = open_database(home, url)
        self.home = home
        self.database = database
        self.deployments = Deployments(database, clock)
        self.outcomes = Outcomes(database)
        self.audit = Audit(database, clock)
        self.scenarios = Scenarios(database, clock)
        self.ratings = Ratings(database, clock)
        self.papers = Papers(database, clock)
        self.keys = Keys(database, clock)
        self.receipts = Receipts(database, clock)
        self.tallies = Tallies(database, clock)
        self.conversations = Conversations(database)
