"""Kubernetes objects with holes. Every value goes through one escaping filter: `tools/kubernetes/yaml_text.py`."""
