"""After a crash: one record of a deployment compared with the notes and the cluster, and made true again."""

from typing import Literal

from knowledge.errors import SextantError
from knowledge.records import Deployment
from tools.deploy.target import ignore_progress
from tools.kubernetes.following import is_ready, main_object
from tools.kubernetes.revisions import Revision, Revisions, find
from tools.kubernetes.rollout import Rollout
from tools.kubernetes.site import Site, gate

Ended = Literal["failed", "rolled_back"]
_WHO = "reconcile"


def reconciled(site: Site, entry: Deployment) -> Deployment | None:
    """Undo what was interrupted before it was ready, record what came of the rest; the record where it changed.

    What another process is at is left alone, as is everything while the cluster does not answer.
    """
    revision = find(site.home, entry.deployment_id)
    if revision is None:
        return _never_noted(site, entry)
    if entry.state != "pending" and not entry.replicas:
        return None
    other = site.of(revision)
    try:
        built = other.release_of(entry)
        revisions = other.revisions(built)
        with gate(revisions, patience_s=0):
            rollout = Rollout(other, built, revisions, _WHO, ignore_progress)
            return _compared(rollout, site.records.get(entry.deployment_id))
    except SextantError:
        return None


def resumable(site: Site, entry: Deployment) -> Revision | None:
    """What an interrupted deployment was applying, unless something else has taken its place since."""
    revision = find(site.home, entry.deployment_id)
    if entry.state != "pending" or revision is None or revision.state not in ("applying", "applied"):
        return None
    return revision


def _never_noted(site: Site, entry: Deployment) -> Deployment | None:
    if entry.state != "pending":
        return None
    with site.starting():
        entry = site.records.get(entry.deployment_id)
        if entry.state != "pending" or find(site.home, entry.deployment_id) is not None:
            return None
        return _moved(site, entry, "failed", "interrupted before anything was applied")


def _compared(rollout: Rollout, entry: Deployment) -> Deployment | None:
    """Under the gate of its release: nobody else is changing it now."""
    site = rollout.site
    held = _held(rollout.revisions, entry)
    if held is None:
        if entry.state == "pending":
            return _moved(site, entry, "failed", "interrupted, and nothing of it is left")
        return _moved(site, entry, "rolled_back", "something else has taken its place") if entry.replicas else None
    main = main_object(held.objects)
    live = site.cluster.get(main)
    if entry.state == "pending":
        if held.state == "applied" and live is not None and is_ready(live):
            replicas = site.replicas(rollout.built, live)
            return site.records.move(entry.deployment_id, "applied", who=_WHO, action="reconcile", replicas=replicas)
        rollout.undo(held)
        return _moved(site, entry, "failed", "interrupted")
    if entry.replicas and live is None:
        return _moved(site, entry, "failed", f"{main['kind']} is gone from the cluster")
    return None


def _held(revisions: Revisions, entry: Deployment) -> Revision | None:
    """The revision that the cluster should hold now, when it is this deployment's."""
    current = revisions.current()
    return current if current is not None and current.deployment_id == entry.deployment_id else None


def _moved(site: Site, entry: Deployment, state: Ended, reason: str) -> Deployment:
    return site.records.move(entry.deployment_id, state, who=_WHO, action="reconcile", reason=reason, replicas=())
