"""Proof by replay: scripted sessions, checks, benchmarks."""
