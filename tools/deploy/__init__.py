"""Deploying a plan: the specification, the protocol of targets, and the targets themselves."""

from tools.deploy.specification import DeploymentSpec, read_specification
from tools.deploy.target import DeployProgress, ReplicaHealth, Target

__all__ = ["DeployProgress", "DeploymentSpec", "ReplicaHealth", "Target", "read_specification"]
