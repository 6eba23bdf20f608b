"""One change of one release, from `pending` to running, or back to what was before it.

Every step may be killed and repeated: what is to be applied is noted before the first object changes, applying is
idempotent, and of two places that say the same thing the one is written last that others begin from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from knowledge.errors import BadInput, SextantError, Unavailable
from knowledge.records import Deployment, Replica
from tools.deploy import DeployProgress
from tools.deploy.target import OnProgress, why_stopped
from tools.kubernetes.claim import claim, holder
from tools.kubernetes.findings import errors
from tools.kubernetes.preflight import preflight
from tools.kubernetes.release import Release
from tools.kubernetes.rendering import render
from tools.kubernetes.revisions import Revision, Revisions
from tools.kubernetes.site import Site
from tools.kubernetes.undoing import KEPT, gone, remove
from tools.kubernetes.validation import check

_GONE_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """Whoever has one holds the gate of its release."""

    site: Site
    built: Release
    revisions: Revisions
    who: str
    on_progress: OnProgress

    def bring_up(self, revision: Revision, *, fresh: bool) -> Deployment:
        """From `pending` to `applied`, or to `failed` with the state before restored.

        `fresh`: nothing of this revision was applied before.
        """
        touched = not fresh
        try:
            self._refuse_what_cannot_work(revision.objects)
            places = [entry for entry in revision.objects if entry["kind"] in KEPT]
            for entry in places:
                self.site.cluster.apply(entry)
            claim(self.site.cluster, self.built, holder(self.site.home))
            touched = True
            self._apply(revision.objects)
            replicas = self.site.follow(self.built, revision.objects, self.on_progress)
        except BaseException as error:
            self._give_up(revision, error, touched=touched)
            raise
        self._retire(revision)
        self.revisions.move(revision, "applied")
        return self._applied(revision, replicas)

    def undo(self, revision: Revision) -> None:
        """Make the cluster as it was before this revision, and say so in the notes."""
        previous = self.revisions.before(revision.number)
        kept = previous.objects if previous else ()
        remove(self.site.cluster, revision.objects, keep=kept)
        for entry in kept:
            self.site.cluster.apply(entry)
        if previous is None:
            if not gone(self.site.cluster, revision.objects, _GONE_PATIENCE_S):
                raise Unavailable(
                    "the workload does not go away", "see its finalizers and events, then roll back again"
                )
        else:
            self._revive(previous)
            self.revisions.move(previous, "applied")
        self.revisions.move(revision, "undone")

    def _refuse_what_cannot_work(self, objects: tuple[Mapping[str, Any], ...]) -> None:
        self.on_progress(DeployProgress("checking", 0.05, "checking objects, rights and a dry run"))
        offline = errors(check(self.built, render(self.built)))
        found = offline or errors(preflight(self.site.cluster, self.built, objects))
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise BadInput(
                f"{found[0].subject} {found[0].field}".strip() + f": {found[0].problem}{more}", found[0].cure
            )

    def _apply(self, objects: tuple[Mapping[str, Any], ...]) -> None:
        for number, entry in enumerate(objects):
            note = f"{entry['kind']} {entry['metadata']['name']}"
            self.on_progress(DeployProgress("applying", 0.1 + 0.4 * number / len(objects), note))
            self.site.cluster.apply(entry)

    def _applied(self, revision: Revision, replicas: list[Replica]) -> Deployment:
        identity, records = revision.deployment_id, self.site.all_records
        applied = records.deployments.move(identity, "applied", who=self.who, action="deploy", replicas=replicas)
        records.audit.add(
            who=self.who, action="apply", subject=identity, plan_hash=revision.plan_hash,
            result=f"revision {revision.number} of {self.built.settings.namespace}/{self.built.name}:"
            f" {len(revision.objects)} objects, digest {revision.digest}, on {self.site.cluster.server}",
        )  # fmt: skip
        self.on_progress(DeployProgress("applied", 1.0, f"{identity} serves on {replicas[0].endpoint}"))
        return applied

    def _give_up(self, revision: Revision, error: BaseException, *, touched: bool) -> None:
        """After a failure: the cluster as it was before, where it was `touched` at all, and the records true to it."""
        reason = why_stopped(error)
        previous = self.revisions.before(revision.number)
        own = previous is not None and previous.deployment_id == revision.deployment_id
        try:
            if touched:
                self.undo(revision)
            else:
                self.revisions.move(revision, "undone")
                if own and previous is not None:
                    self._revive(previous)
        except SextantError as second:
            reason += f"; and what was applied is still there: {second.message}"
            own = False
        if not own:
            self.site.records.move(
                revision.deployment_id, "failed", who=self.who, action="deploy", reason=reason, replicas=()
            )

    def _revive(self, previous: Revision) -> None:
        """The record of a deployment that a rollback brought back."""
        records, back = self.site.records, self.site.records.get(previous.deployment_id)
        other = self.site.of(previous)
        replicas = other.follow(other.release_of(back), previous.objects, self.on_progress)
        if back.state != "pending":
            records.move(back.deployment_id, "pending", who=self.who, action="rollback", reason="restored")
        records.move(
            back.deployment_id, "applied", who=self.who, action="rollback", reason="restored by a rollback",
            replicas=replicas,
        )  # fmt: skip

    def _retire(self, revision: Revision) -> None:
        """What this revision replaces: its leftovers go, and its deployment no longer runs."""
        records = self.site.records
        for earlier in self.revisions.all():
            if earlier.number >= revision.number or earlier.state not in ("applied", "applying"):
                continue
            remove(self.site.cluster, earlier.objects, keep=revision.objects)
            before = records.get(earlier.deployment_id)
            if earlier.deployment_id != revision.deployment_id and (before.replicas or before.state == "pending"):
                reason = f"replaced by {revision.deployment_id}"
                records.move(
                    before.deployment_id, "rolled_back", who=self.who, action="deploy", reason=reason, replicas=()
                )
            self.revisions.move(earlier, "replaced" if earlier.state == "applied" else "undone")
