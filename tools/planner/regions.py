"""Which part of the world a cloud region lies in. A region that is not placed never satisfies a residency rule."""

import re

_AREAS: tuple[tuple[str, str], ...] = (
    ("US", r"us-gov-|us-|(east|west|central|northcentral|southcentral|westcentral)us\d?$"),
    ("CH", r"europe-west6|switzerland|eu-central-2"),
    ("UK", r"europe-west2$|eu-west-2|uk(south|west)"),
    ("NO", r"norway"),
    (
        "EU",
        r"eu$|eu-|europe-|(west|north)europe|france|germany|sweden|poland|italy|spain|austria|denmark|belgium|finland",
    ),
    ("CA", r"northamerica-northeast|canada|ca-"),
    ("AU", r"australia|ap-southeast-2"),
    ("IN", r"asia-south[12]|ap-south-|india|jioindia|southindia"),
    ("JP", r"asia-northeast[12]|ap-northeast-[13]|japan"),
    ("KR", r"asia-northeast3|ap-northeast-2|korea"),
    ("SG", r"asia-southeast1|ap-southeast-1|southeastasia"),
    ("BR", r"southamerica|sa-east|brazil"),
    ("AE", r"uae|me-central-1"),
)
_SYNONYMS = {
    "EEA": ("EU", "NO"),
    "EUROPE": ("EU", "UK", "CH", "NO"),
    "USA": ("US",),
    "UNITED STATES": ("US",),
    "EUROPEAN UNION": ("EU",),
    "GB": ("UK",),
    "SWITZERLAND": ("CH",),
    "GERMANY": ("DE",),
    "FRANCE": ("FR",),
    "CANADA": ("CA",),
    "INDIA": ("IN",),
    "JAPAN": ("JP",),
    "AUSTRALIA": ("AU",),
    "DE": ("DE",),
}
_COUNTRIES = (("DE", r"germany|europe-west3$|europe-west10$|eu-central-1"), ("FR", r"france|europe-west9$|eu-west-3"))


def areas(region: str) -> frozenset[str]:
    """Areas that `region` certainly lies in; empty for `global` and unknown names."""
    name = region.lower()
    area = next((area for area, pattern in _AREAS if re.match(pattern, name)), None)
    countries = {country for country, pattern in _COUNTRIES if re.match(pattern, name)}
    return frozenset(countries | ({area} if area else set()))


def known_areas() -> frozenset[str]:
    """Names that a residency may be given in."""
    return frozenset([area for area, _ in (*_AREAS, *_COUNTRIES)]) | frozenset(_SYNONYMS)


def resides(region: str, residency: tuple[str, ...]) -> bool:
    """Whether data in `region` stays inside one of the areas asked for."""
    wanted = {area for name in residency for area in _SYNONYMS.get(name.upper(), (name.upper(),))}
    return bool(areas(region) & wanted)
