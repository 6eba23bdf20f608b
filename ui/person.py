"""Who sits at this terminal: whose conversations these are, and whom the audit log names."""

import os
import pwd


def person() -> str:
    """The name of the account that runs Sextant."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
