"""Deploys and rolls back in processes that can be killed between any two effects: `python kubernetes_runner.py`.

Reads one order as JSON a line and answers with one line. Each order is carried out by a fork, so that a hundred of
them load the libraries once. An effect is whatever changes the cluster, the notes or the records; with `die_at` the
process kills itself (SIGKILL) just before its effect of that number.
"""

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from knowledge.errors import SextantError
from knowledge.records.deployment import Deployments
from knowledge.snapshot import load
from tools.deploy import DeployProgress, read_specification
from tools.kubernetes.cluster import Cluster
from tools.kubernetes.release import release
from tools.kubernetes.rendering import render
from tools.kubernetes.revisions import Revisions
from tools.kubernetes.settings import read_settings
from tools.kubernetes.target import KubernetesTarget
from tools.kubernetes.validation import check

_PATIENCE_S = 60


class Effects:
    """Counts, and dies where it is told to."""

    def __init__(self, die_at: int) -> None:
        self.count, self.die_at = 0, die_at

    def one_more(self) -> None:
        self.count += 1
        if self.count == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Count every call that changes something."""
        for owner, name in ((Revisions, "put"), (Deployments, "move"), (Deployments, "reserve")):
            setattr(owner, name, self._counted(getattr(owner, name), lambda _: True))
        setattr(Cluster, "request", self._counted(Cluster.request, _changes))  # noqa: B010 - mypy forbids assigning it

    def _counted(self, function: Callable[..., Any], counts: Callable[[dict[str, Any]], bool]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if counts({"arguments": arguments, **named}):
                self.one_more()
            return function(*arguments, **named)

        return call


def _changes(call: dict[str, Any]) -> bool:
    method, path = call["arguments"][1:3]
    return method != "GET" and "dryRun" not in (call.get("query") or {}) and "selfsubject" not in path


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """What came of an order, in the process that does it."""
    effects = Effects(order.get("die_at", 0))
    effects.watch()
    home = Path(order["home"])
    target = KubernetesTarget(
        home, load(), settings=read_settings(order["settings"]), kubeconfig=Path(order["kubeconfig"]), ready_s=60
    )

    def pause(progress: DeployProgress) -> None:
        if progress.step == order.get("hold_at"):
            Path(order["signs"], "held").touch()
            deadline = time.monotonic() + _PATIENCE_S
            while not Path(order["signs"], "go").exists() and time.monotonic() < deadline:
                time.sleep(0.01)

    try:
        if "rollback" in order:
            made = target.rollback(order["rollback"], who="ann", on_progress=pause)
        else:
            spec, thread = read_specification(order["spec"]), order.get("thread", "t")
            made = target.apply(spec, owner="ann", thread=thread, on_progress=pause)
    except SextantError as error:
        return {"error": type(error).__name__, "message": error.message, "cure": error.cure}
    return {"id": made.deployment_id, "state": made.state, "effects": effects.count}


def warm(order: dict[str, Any]) -> None:
    """Read templates and schemas where every fork inherits them: that is most of what an order costs."""
    built = release(read_specification(order["spec"]), read_settings(order["settings"]), load())
    check(built, render(built))
    gc.freeze()


def main() -> None:
    """Until the end of the orders."""
    cold = True
    for line in sys.stdin:
        if cold and "spec" in json.loads(line):
            warm(json.loads(line))
            cold = False
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writer, json.dumps(carry_out(json.loads(line))).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            answer = pipe.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write((json.dumps({"killed": True}) if killed else answer or json.dumps({"crashed": status})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
