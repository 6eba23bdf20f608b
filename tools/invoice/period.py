"""The days a bill is for, and what its sums are in a month."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tools.invoice.money import EXACT

DAYS_PER_MONTH = Decimal("30.42")
HOURS_PER_MONTH = Decimal(730)
WHOLE_MONTH_DAYS = range(28, 32)


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day of the usage; without days, or as a bill of `one_month`, it is taken as one month."""

    first_day: str
    last_day: str
    one_month: bool = False

    @property
    def days(self) -> int | None:
        """Number of days, both ends included; None when the file has none or they are no dates."""
        try:
            return (date.fromisoformat(self.last_day) - date.fromisoformat(self.first_day)).days + 1
        except ValueError:
            return None

    @property
    def hours(self) -> Decimal:
        """Hours of the period, those of a month where its days are not known."""
        days = self.days
        return HOURS_PER_MONTH if self.one_month or days is None or days <= 0 else Decimal(24 * days)

    @property
    def factor(self) -> Decimal:
        """What to multiply a sum of the period with for a month; a calendar month counts as one."""
        days = self.days
        if self.one_month or days is None or days <= 0 or days in WHOLE_MONTH_DAYS:
            return Decimal(1)
        return EXACT.divide(DAYS_PER_MONTH, Decimal(days))

    def monthly(self, amount: Decimal) -> Decimal:
        """The same rate of spending over a month."""
        return EXACT.multiply(amount, self.factor)

    def share(self, monthly: Decimal) -> Decimal:
        """What a monthly sum is in this period."""
        return EXACT.divide(monthly, self.factor)
