"""What the deployment card shows: what would be deployed where, the work under way, and what runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.events import Card, Failed, Progress, Replied
from templates.numbers import dollars
from templates.reports import chart
from tools.loadtest.live import live_plot
from ui.rendering.plan import headline
from ui.targets import ON_KUBERNETES
from ui.web.wording import worded

Json = dict[str, Any]

STEPS = ("deploy", "load test", "roll back")
STATES = {
    "pending": "is being started",
    "applied": "runs, not verified",
    "verified": "runs, verified",
    "failed": "runs, and missed an objective",
    "rolled_back": "is rolled back",
}
MOST_POINTS = 200
METRICS = (("ttft", "TTFT"), ("tpot", "TPOT"))


def deployment_props(card: Card, thread: str) -> Json | None:
    """The card beside a specification; None while there is nothing to deploy and nothing runs."""
    spec = card.spec
    option, running = spec["chosen"], spec["deployment"]
    if option is None and running is None:
        return None
    return {
        "revision": card.revision,
        "chosen": None if option is None else _chosen(option),
        "targets": spec.get("targets") or [],
        "forms": list(ON_KUBERNETES),
        "downloads": f"/ui/files/{thread}",
        "running": None if running is None else _running(running),
    }


def _chosen(option: Mapping[str, Any]) -> Json:
    return {
        "title": headline(option),
        "monthly": dollars(option["cost"]["monthly_usd"]),
        "deployable": option["kind"] != "api",
        "provider": option["provider"],
    }


def _running(running: Mapping[str, Any]) -> Json:
    state = str(running.get("state", "applied"))
    factor = running.get("time_factor", 1)
    simulated = f"simulated {factor:g} times faster than real; figures are as if real" if factor != 1 else ""
    return {
        "id": running["id"],
        "title": ": ".join(filter(None, (running.get("target", ""), running.get("title", "")))),
        "endpoints": list(dict.fromkeys(running.get("endpoints") or [])),
        "state": state,
        "words": STATES.get(state, state),
        "model": running.get("model", ""),
        "simulated": simulated,
        "current": bool(running.get("current", True)),
        "tested": running.get("verdict") is not None,
        "rating": running.get("rating"),
        "monitoring": running.get("monitoring") or [],
        "observable": bool(running.get("observable")),
    }


@dataclass
class Work:
    """What was told of a deployment, a load test or a rollback under way, and how its percentiles went."""

    steps: dict[str, Json] = field(default_factory=dict)
    points: dict[str, list[tuple[float, float, float]]] = field(default_factory=dict)
    live: Json | None = None

    def take(self, event: Progress) -> bool:
        """Note an event; whether it begins something that a person would look for."""
        entered = event.step not in self.steps
        step = self.steps.setdefault(event.step, {"step": event.step, "stages": []})
        step |= {"fraction": event.fraction, "note": event.note, "done": event.fraction >= 1}
        if event.stage and event.stage not in (each["stage"] for each in step["stages"]):
            step["stages"].append({"stage": event.stage, "note": event.note})
            entered = True
        elif event.stage:
            step["stages"][-1]["note"] = event.note
        for earlier in list(self.steps)[:-1]:
            self.steps[earlier] |= {"done": True, "fraction": 1.0}
        if event.figures:
            self._measured(event)
        return entered

    def shown(self) -> Json:
        """As the card draws it."""
        return {"steps": list(self.steps.values()), "live": self.live}

    def _measured(self, event: Progress) -> None:
        figures, bounds = event.figures, event.figures.get("bounds") or {}
        for name, _ in METRICS:
            p50, p90 = figures.get(f"{name}_p50_ms"), figures.get(f"{name}_p90_ms")
            if p50 is not None and p90 is not None:
                kept = self.points.setdefault(name, [])
                kept.append((figures["elapsed_s"], p50, p90))
                if len(kept) > MOST_POINTS:
                    del kept[1::2]
        total_s = max(figures["elapsed_s"], figures["elapsed_s"] / max(event.fraction, 0.01))
        drawings = [
            live_plot(title, self.points.get(name, ()), total_s=total_s, bound_ms=_bound(bounds, name))
            for name, title in METRICS
        ]
        self.live = {
            "tiles": _tiles(figures, bounds),
            "plots": [chart(each) for each in drawings if each is not None],
        }


def _tiles(figures: Mapping[str, Any], bounds: Mapping[str, float]) -> list[Json]:
    """Percentiles beside their targets, then counts."""
    tiles = []
    for name, title in METRICS:
        for percent in (50, 90):
            value, bound = figures.get(f"{name}_p{percent}_ms"), bounds.get(f"{name}_p{percent}_ms")
            tiles.append(
                {
                    "name": f"{title} p{percent}",
                    "text": "–" if value is None else f"{value:,.0f} ms",
                    "beside": "" if bound is None else f"target {bound:,.0f} ms",
                    "good": None if value is None or bound is None else value <= bound,
                }
            )
    for name, title in (("completed", "answered"), ("in_flight", "under way"), ("failed", "failed")):
        good = False if name == "failed" and figures[name] else None
        tiles.append({"name": title, "text": f"{figures[name]:,}", "beside": "", "good": good})
    return tiles


def _bound(bounds: Mapping[str, float], metric: str) -> float | None:
    return next((bound for name, bound in sorted(bounds.items()) if name.startswith(f"{metric}_p")), None)


def remarks(facts: Mapping[str, Any]) -> list[str]:
    """What the card of a deployment does not show by itself."""
    fewer = facts["running"] < facts["replicas"]
    share = (
        f"{facts['running']} of {facts['replicas']} replicas are simulated here, each under its own share of the load."
    )
    before = ", ".join(facts["before"])
    return [
        *([share] if fewer else []),
        *([f"Still running from before: {before}. `sextant rollback` stops it."] if before else []),
    ]


def failure_props(failed: Failed) -> Json:
    """What did not work, and the way out."""
    return {"text": worded(failed.message), "cure": failed.what_to_do}


def tried_before(before: Mapping[str, Any], now: Mapping[str, Any]) -> Json:
    """The prompt that was tried on what still runs; nothing of what ran before."""
    same = (before.get("running") or {}).get("id") == (now.get("running") or {}).get("id")
    return {"tried": before["tried"]} if same and before.get("tried") else {}


def reply_props(prompt: str, reply: Replied) -> Json:
    """A prompt with its answer as far as it has come."""
    figures: Sequence[tuple[str, str]] = (
        ("prompt", "" if reply.prompt_tokens is None else f"{reply.prompt_tokens:,} tokens"),
        ("answer", f"{reply.output_tokens:,} tokens" if reply.output_tokens else ""),
        ("TTFT", "" if reply.ttft_ms is None else f"{reply.ttft_ms:,.0f} ms"),
        ("TPOT", "" if reply.tpot_ms is None else f"{reply.tpot_ms:,.1f} ms"),
    )
    return {
        "prompt": prompt,
        "text": reply.text,
        "finished": reply.finished,
        "figures": [{"name": name, "text": text} for name, text in figures if text],
        "note": reply.note,
        "error": "",
    }
