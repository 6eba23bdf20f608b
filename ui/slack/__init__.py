"""Slack: mentions, direct messages, buttons and forms, passed to the session door and drawn with Block Kit."""
