"""A vLLM without GPUs: its endpoints and metrics over one engine that keeps the planner's times."""
