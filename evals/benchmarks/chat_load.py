"""Many people talking at once to one `sextant serve`: `python -m evals.benchmarks.chat_load [--sessions 200]`.

Every session sends a turn each `--period` seconds over HTTP, at a moment of its own: words, edits, what-ifs, questions.
A turn's time counts from the moment it was due, so a server that falls behind cannot hide it. Prints a table, or with
`--json` one object: turn times by kind, errors, processor time of the server and the `--planners` processes that plan
for it for each turn, their memory, load of the machine. With `--shared` everything is kept in the PostgreSQL database
of SEXTANT_DATABASE_URL instead of SQLite, and several `--processes` may share it: each session stays with one of them,
as behind a balancer with sticky sessions.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

OPENINGS = (
    "customer-support chatbot for {n} users, low latency, under $9000 a month",
    "code completion for {n} developers, first token within 150 ms",
    "summaries of {n} documents a day, cheap",
    "document question answering for {n} users on rented GPUs",
)
WORDS = ("actually {n} users", "what if we had {n} users?", "why this option?", "what is the cheapest GPU?")
CORES = 2
WARMING = 6
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: what kind, how many seconds after it was due it was answered, and what went wrong, if anything."""

    kind: str
    seconds: float
    fault: str


@contextmanager
def server(home: Path, *, shared: bool, planners: int) -> Iterator[tuple[str, psutil.Process]]:
    """A `sextant serve` on two cores; the sessions are many people, so one person's bound is lifted."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[:CORES]))
    store = () if shared else ("-u", "SEXTANT_DATABASE_URL")
    settings = (f"SEXTANT_HOME={home}", "SEXTANT_CONCURRENCY=turns_person=32")
    serve = (str(Path(sys.executable).parent / "sextant"), "serve", "--port", "0", "--planners", str(planners))
    command = ["/usr/bin/env", *store, *settings, "taskset", "--cpu-list", cores, *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - own
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.split()[-1], psutil.Process(process.pid)
        finally:
            process.terminate()


async def session(client: httpx.AsyncClient, name: str, begin: float, turns: int, period: float) -> list[Turn]:
    """One person: opens a conversation and goes on with it, each turn when it is due."""
    chance, done = random.Random(name), list[Turn]()  # noqa: S311 - a repeatable load
    offset, revision = chance.random() * period, 0
    for step in range(turns):
        due = begin + offset + step * period
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        kind, path, body = _turn(chance, step, revision)
        fault = ""
        try:
            answer = await client.post(f"/v1/sessions/{name}/{path}", json=body)
            if answer.status_code == 200:
                revision = answer.json()["revision"]
                fault = next((event["message"] for event in answer.json()["events"] if event["type"] == "failed"), "")
            else:
                fault = f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            fault = f"{type(error).__name__} {error}"
        done.append(Turn(kind, time.monotonic() - due, fault))
    return done


def _turn(chance: random.Random, step: int, revision: int) -> tuple[str, str, dict[str, Any]]:
    users = chance.randrange(50, 3000)
    if step == 0:
        return "opening", "say", {"text": chance.choice(OPENINGS).format(n=users)}
    if step % 3 == 1:
        return "edit", "act", {"kind": "edit", "revision": revision, "values": {"total_users": users}}
    text = chance.choice(WORDS)
    return ("question" if "{n}" not in text else "words"), "say", {"text": text.format(n=users)}


async def load(urls: list[str], sessions: int, turns: int, period: float, name: str = "load") -> list[Turn]:
    """All sessions side by side, spread over the processes."""
    limits = httpx.Limits(max_connections=sessions, max_keepalive_connections=sessions, keepalive_expiry=3)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=TIMEOUT_S, limits=limits))
            for url in urls
        ]
        begin = time.monotonic() + 1
        work = [
            session(clients[number % len(clients)], f"{name}-{number}", begin, turns, period)
            for number in range(sessions)
        ]
        return [turn for done in await asyncio.gather(*work) for turn in done]


def figures(turns: list[Turn]) -> dict[str, Any]:
    """Seconds of p50, p95, p99 and the slowest, with how many turns and how many faults."""
    times = sorted(turn.seconds for turn in turns)
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    shown = {"p50_s": cuts[49], "p95_s": cuts[94], "p99_s": cuts[98], "max_s": times[-1]}
    faults = [turn.fault for turn in turns if turn.fault]
    return {"turns": len(turns), "errors": len(faults), **{name: round(value, 3) for name, value in shown.items()}}


def measure(
    sessions: int, seconds: float, period: float, processes: int, *, shared: bool, planners: int
) -> dict[str, Any]:
    """Run the load and put the figures together."""
    rounds = max(1, round(seconds / period))
    with ExitStack() as stack:
        homes = [Path(stack.enter_context(TemporaryDirectory(prefix="sextant-load-"))) for _ in range(processes)]
        servers = [stack.enter_context(server(home, shared=shared, planners=planners)) for home in homes]
        asyncio.run(load([url for url, _ in servers], WARMING, 3, 1.0, name="warm"))  # facts and prices are read once
        before, begun = _processor_s(servers), time.monotonic()
        turns = asyncio.run(load([url for url, _ in servers], sessions, rounds, period))
        wall, spent = time.monotonic() - begun, _processor_s(servers) - before
        memory = sum(each.memory_info().rss for _, process in servers for each in _family(process))
    kinds = sorted({turn.kind for turn in turns})
    return {
        "sessions": sessions,
        "period_s": period,
        "store": "postgresql" if shared else "sqlite",
        "processes": processes,
        "planners": planners,
        "all": figures(turns),
        "kinds": {kind: figures([turn for turn in turns if turn.kind == kind]) for kind in kinds},
        "processor_ms_per_turn": round(spent * 1e3 / len(turns), 1),
        "processor_share_of_one_core": round(spent / wall, 2),
        "memory_mib": round(memory / 2**20),
        "load_average": round(os.getloadavg()[0], 1),
        "faults": [
            f"{count} × {fault}" for fault, count in Counter(_kind(turn) for turn in turns).most_common(6) if fault
        ],
    }


def _processor_s(servers: list[tuple[str, psutil.Process]]) -> float:
    times = [each.cpu_times() for _, process in servers for each in _family(process)]
    return sum(each.user + each.system for each in times)


def _family(process: psutil.Process) -> list[psutil.Process]:
    """A server and the processes that plan for it."""
    return [process, *process.children(recursive=True)]


def _kind(turn: Turn) -> str:
    """A fault without the name of its session, so that it can be counted."""
    return re.sub(r"load-\d+", "…", turn.fault)


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    rows = [("all", found["all"]), *found["kinds"].items()]
    lines = [f"{'turn':<10}{'turns':>7}{'errors':>8}{'p50 s':>8}{'p95 s':>8}{'p99 s':>8}{'max s':>8}"]
    lines += [
        f"{name:<10}{row['turns']:>7}{row['errors']:>8}{row['p50_s']:>8.2f}{row['p95_s']:>8.2f}{row['p99_s']:>8.2f}"
        f"{row['max_s']:>8.2f}"
        for name, row in rows
    ]
    lines.append(
        f"{found['sessions']} sessions, a turn every {found['period_s']:g} s each, "
        f"{found['processes']} × {found['store']} with {found['planners']} planners: "
        f"{found['processor_ms_per_turn']:g} ms of processor a turn, "
        f"{found['processor_share_of_one_core']:.0%} of one core, {found['memory_mib']:,} MiB; "
        f"load average of the machine {found['load_average']:g}"
    )
    return "\n".join([*lines, *found["faults"]])


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.chat_load", description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long every session goes on")
    parser.add_argument("--period", type=float, default=20.0, help="seconds between the turns of a session")
    parser.add_argument("--shared", action="store_true", help="use the database of SEXTANT_DATABASE_URL")
    parser.add_argument("--processes", type=int, default=1, help="more than one needs --shared")
    parser.add_argument("--planners", type=int, default=CORES, help="of each process; 0 plans in it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(
        options.sessions,
        options.seconds,
        options.period,
        options.processes,
        shared=options.shared,
        planners=options.planners,
    )
    sys.stdout.write((json.dumps(found, indent=1) if options.json else table(found)) + "\n")


if __name__ == "__main__":
    main()
