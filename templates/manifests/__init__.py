"""Kubernetes objects with holes. Every value passes through one escaping filter; see `tools/kubernetes/yaml_text.py`."""
