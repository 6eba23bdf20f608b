"""Kubernetes: manifests rendered from a plan, checked without a cluster and with one, applied, followed and undone."""
