"""The way to the user: an estimate of the network's round trip between a person's region and a machine's.

No table of measured round trips ships: the estimate is the great circle both ways at the speed of light in glass
(200 km a millisecond), 1.4 times that for the bends of real routes, and 10 ms for the last mile. Public figures between
cloud regions lie near it (Virginia to Dublin about 70 ms, to Tokyo about 150, Frankfurt to Singapore about 160). It is
rounded up to 20 ms, since it is no finer than that, and counts one round trip on a connection that is already open.
"""

import re
from dataclasses import dataclass, replace
from math import asin, ceil, cos, radians, sin, sqrt

from knowledge.errors import NotFound
from tools.planner.traffic import Targets

KM_PER_MS = 200.0
ROUTE_FACTOR = 1.4
LAST_MILE_MS = 10.0
STEP_MS = 20.0
UNSTATED_KM = 10_000.0
"""Distance taken for machines whose seller does not say where they stand: another continent."""

_EARTH_KM = 6371.0

# Cities of the regions, as their clouds name them; latitude and longitude to a tenth of a degree.
_CITIES: dict[str, tuple[float, float]] = {
    "Amsterdam": (52.4, 4.9), "Auckland": (-36.8, 174.8), "Bangalore": (13.0, 77.6), "Beijing": (39.9, 116.4),
    "Berlin": (52.5, 13.4), "Cairo": (30.0, 31.2), "Canberra": (-35.3, 149.1), "Cape Town": (-33.9, 18.4),
    "Chennai": (13.1, 80.3), "Cheyenne": (41.1, -104.8), "Chicago": (41.9, -87.6), "Columbus": (40.0, -83.0),
    "Dallas": (32.8, -96.8), "Delhi": (28.6, 77.2), "Des Moines": (41.6, -93.6), "Doha": (25.3, 51.5),
    "Dubai": (25.2, 55.3), "Dublin": (53.3, -6.3), "Frankfurt": (50.1, 8.7), "Helsinki": (60.2, 24.9),
    "Hong Kong": (22.3, 114.2), "Istanbul": (41.0, 29.0), "Jakarta": (-6.2, 106.8), "Johannesburg": (-26.2, 28.0),
    "Kuala Lumpur": (3.1, 101.7), "Lagos": (6.5, 3.4), "Las Vegas": (36.2, -115.1), "London": (51.5, -0.1),
    "Los Angeles": (34.1, -118.2), "Lisbon": (38.7, -9.1), "Madrid": (40.4, -3.7), "Manila": (14.6, 121.0),
    "Melbourne": (-37.8, 145.0), "Mexico City": (19.4, -99.1), "Milan": (45.5, 9.2), "Montreal": (45.5, -73.6),
    "Mumbai": (19.1, 72.9), "Nagpur": (21.1, 79.1), "New York": (40.7, -74.0), "Osaka": (34.7, 135.5),
    "Oslo": (59.9, 10.8), "Paris": (48.9, 2.4), "Phoenix": (33.4, -112.1), "Portland": (45.5, -122.7),
    "Pune": (18.5, 73.9), "Quebec": (46.8, -71.2), "Riyadh": (24.7, 46.7), "Salt Lake City": (40.8, -111.9),
    "San Antonio": (29.4, -98.5), "San Francisco": (37.8, -122.4), "Sao Paulo": (-23.6, -46.6),
    "Seattle": (47.6, -122.3), "Seoul": (37.6, 127.0), "Shanghai": (31.2, 121.5), "Singapore": (1.4, 103.8),
    "South Carolina": (33.2, -80.0), "Stavanger": (59.0, 5.7), "Stockholm": (59.3, 18.1), "Sydney": (-33.9, 151.2),
    "Taipei": (25.0, 121.6), "Tel Aviv": (32.1, 34.8), "Tokyo": (35.7, 139.7), "Toronto": (43.7, -79.4),
    "Virginia": (39.0, -77.5), "Warsaw": (52.2, 21.0), "Zurich": (47.4, 8.5), "Brussels": (50.8, 4.4),
}  # fmt: skip

# Patterns of region names → city, the most special first.
_REGIONS: tuple[tuple[str, str], ...] = (
    (r"us-gov-east-1|us-east-2|us-east5", "Columbus"), (r"us-gov-west-1|us-west-2|us-west1$", "Portland"),
    (r"us-east-?1$|us-east4|eastus2?$", "Virginia"), (r"us-west-1$|westus$", "San Francisco"),
    (r"us-west2$", "Los Angeles"), (r"us-west3", "Salt Lake City"), (r"us-west4", "Las Vegas"),
    (r"us-central|centralus$", "Des Moines"), (r"us-south1", "Dallas"), (r"westus2", "Seattle"),
    (r"westus3", "Phoenix"), (r"southcentralus", "San Antonio"), (r"northcentralus", "Chicago"),
    (r"westcentralus", "Cheyenne"), (r"northamerica-northeast1|ca-central-1", "Montreal"),
    (r"northamerica-northeast2|canadacentral", "Toronto"), (r"canadaeast", "Quebec"), (r"mexico", "Mexico City"),
    (r"southamerica|sa-east|brazil", "Sao Paulo"), (r"eu-west-1|northeurope", "Dublin"),
    (r"eu-west-2|europe-west2$|uksouth|ukwest", "London"), (r"eu-west-3|europe-west9|francecentral", "Paris"),
    (r"eu-central-1|europe-west3$|germany", "Frankfurt"), (r"europe-west10", "Berlin"),
    (r"europe-west4|westeurope", "Amsterdam"), (r"europe-west1$", "Brussels"), (r"europe-west6|switzerland", "Zurich"),
    (r"eu-south-1|europe-west8|italynorth", "Milan"), (r"europe-north1", "Helsinki"),
    (r"eu-north-1|swedencentral", "Stockholm"), (r"norway", "Oslo"), (r"poland", "Warsaw"), (r"spain", "Madrid"),
    (r"ap-south-1|asia-south1|jioindia", "Mumbai"), (r"asia-south2", "Delhi"), (r"centralindia", "Pune"),
    (r"southindia", "Chennai"), (r"ap-northeast-1|asia-northeast1|japaneast", "Tokyo"),
    (r"ap-northeast-3|asia-northeast2|japanwest", "Osaka"),
    (r"ap-northeast-2|asia-northeast3|korea", "Seoul"), (r"asia-east1", "Taipei"),
    (r"asia-east2|eastasia", "Hong Kong"), (r"ap-southeast-1|asia-southeast1|southeastasia", "Singapore"),
    (r"asia-southeast2|indonesia|ap-southeast-3", "Jakarta"), (r"malaysia", "Kuala Lumpur"),
    (r"ap-southeast-2|australia-southeast1|australiaeast", "Sydney"),
    (r"australiasoutheast", "Melbourne"), (r"australiacentral", "Canberra"), (r"uae|me-central-1", "Dubai"),
    (r"me-central2", "Riyadh"), (r"me-west1|israel", "Tel Aviv"), (r"qatar", "Doha"),
    (r"southafricanorth|af-south", "Johannesburg"), (r"southafricawest", "Cape Town"),
)  # fmt: skip

# Where the people of an area are taken to sit: one city each.
_AREAS: dict[str, str] = {
    "us": "Chicago", "usa": "Chicago", "united states": "Chicago", "north america": "Chicago", "us east": "New York",
    "us west": "San Francisco", "canada": "Toronto", "ca": "Toronto", "mexico": "Mexico City", "brazil": "Sao Paulo",
    "br": "Sao Paulo", "south america": "Sao Paulo", "latin america": "Sao Paulo", "eu": "Frankfurt",
    "europe": "Frankfurt", "eea": "Frankfurt", "germany": "Frankfurt", "de": "Frankfurt", "france": "Paris",
    "fr": "Paris", "uk": "London", "gb": "London", "united kingdom": "London", "ireland": "Dublin", "spain": "Madrid",
    "portugal": "Lisbon", "italy": "Milan", "netherlands": "Amsterdam", "belgium": "Brussels",
    "switzerland": "Zurich", "ch": "Zurich", "austria": "Milan", "poland": "Warsaw", "sweden": "Stockholm",
    "norway": "Oslo", "no": "Oslo", "denmark": "Stockholm", "finland": "Helsinki", "turkey": "Istanbul",
    "israel": "Tel Aviv", "uae": "Dubai", "ae": "Dubai", "middle east": "Dubai", "saudi arabia": "Riyadh",
    "qatar": "Doha", "egypt": "Cairo", "nigeria": "Lagos", "south africa": "Johannesburg", "africa": "Johannesburg",
    "india": "Mumbai", "in": "Mumbai", "asia": "Singapore", "apac": "Singapore", "china": "Shanghai", "cn": "Shanghai",
    "hong kong": "Hong Kong", "taiwan": "Taipei", "japan": "Tokyo", "jp": "Tokyo", "korea": "Seoul",
    "south korea": "Seoul", "kr": "Seoul", "singapore": "Singapore", "sg": "Singapore", "malaysia": "Kuala Lumpur",
    "indonesia": "Jakarta", "philippines": "Manila", "australia": "Sydney", "au": "Sydney",
    "new zealand": "Auckland",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Network:
    """The round trip between the users and a place; `text` says what it rests on."""

    round_trip_ms: float
    users_in: str
    machines_in: str | None
    text: str


def city(place: str) -> str | None:
    """The city that stands for a place: a city itself, an area, a country or a cloud's region; None where unknown."""
    name = place.strip().lower()
    known = {each.lower(): each for each in _CITIES}
    if name in known or name in _AREAS:
        return known.get(name) or _AREAS[name]
    return next((found for pattern, found in _REGIONS if re.match(pattern, name)), None)


def user_city(place: str) -> str:
    """The city of the users' region. Raises NotFound naming what is known nearby."""
    found = city(place)
    if found is None:
        near = tuple(sorted({*_AREAS, *(each.lower() for each in _CITIES)}))
        close = tuple(each for each in near if each[:3] == place.strip().lower()[:3])[:4]
        raise NotFound("place", place, close or ("EU", "US", "Japan", "us-east-1"), field="user_region")
    return found


def distance_km(one: str, other: str) -> float:
    """Great circle between two known cities (haversine)."""
    (north_a, east_a), (north_b, east_b) = _CITIES[one], _CITIES[other]
    up, across = radians(north_b - north_a), radians(east_b - east_a)
    part = sin(up / 2) ** 2 + cos(radians(north_a)) * cos(radians(north_b)) * sin(across / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(part, 1.0)))


def network(user_region: str, machine_region: str | None) -> Network:
    """The round trip from the users to a machine's region."""
    users, machines = user_city(user_region), city(machine_region) if machine_region else None
    kilometres = UNSTATED_KM if machines is None else distance_km(users, machines)
    raw = 2 * kilometres / KM_PER_MS * ROUTE_FACTOR + LAST_MILE_MS
    rounded = ceil(raw / STEP_MS) * STEP_MS
    where = machines or "a place that the seller does not state"
    text = f"{rounded:g} ms round trip from {users} to {where}, estimated from {kilometres:,.0f} km"
    return Network(rounded, users, machines, text + (" (assumed)" if machines is None else ""))


def served(targets: Targets, round_trip_ms: float) -> Targets:
    """What is left of the targets for the machines when the network takes its round trip of TTFT and E2E."""
    if not round_trip_ms:
        return targets
    left = max(targets.ttft_ms - round_trip_ms, 1e-3), max(targets.e2e_ms - round_trip_ms, 1e-3)
    return replace(targets, ttft_ms=left[0], e2e_ms=left[1])
