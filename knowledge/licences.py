"""Which licences of data let whole tables ship with Sextant."""

import re

_OPEN = re.compile(r"(apache-2\.0|mit|bsd-[23]-clause|mpl-2\.0|cc-by(-4\.0)?)(?![\w.-])", re.IGNORECASE)
_RESTRICTED = re.compile(r"non-?commercial|cc-by-(nc|nd)|no licence|none (found|stated)|modified", re.IGNORECASE)


def may_ship(licence: str) -> bool:
    """True for Apache, MIT, BSD, MPL and CC-BY; false for modified, vendor's own, non-commercial or missing licences.

    A licence column may begin with words on where it was read ("wheel Apache-2.0; upstream ...").
    """
    first = licence.partition(";")[0].removeprefix("wheel ").removeprefix("repo ").strip()
    return bool(_OPEN.match(first)) and not _RESTRICTED.search(first)
