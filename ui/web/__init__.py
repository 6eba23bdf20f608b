"""The web chat: Chainlit at /ui, a thin face over the session door."""
