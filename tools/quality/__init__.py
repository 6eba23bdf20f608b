"""How good models are at a task: published scores weighed, put on one scale, combined and doubted.

Method and evidence: `docs/quality.md`. Unknown quality stays unknown; it never beats known quality.
"""
