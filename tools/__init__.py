"""Deterministic tools: they compute from typed records and know no agent."""
