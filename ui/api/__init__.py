"""The HTTP API: one FastAPI application over the session door and the deterministic tools."""
