"""Whose request it is: one person on a local server, else the name of HTTP Basic authentication."""

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPBasic, HTTPBasicCredentials

from ui.access import LOCAL_PERSON, Access

_basic = HTTPBasic(auto_error=False, description="Only asked for when the server is reachable from other machines.")


def owner(request: Request, given: Annotated[HTTPBasicCredentials | None, Depends(_basic)]) -> str:
    """The name that conversations and deployments belong to; 401 when it is not proved."""
    access: Access = request.app.state.access
    if not access.asks:
        return LOCAL_PERSON
    if given is None or not access.admits(given.username, given.password):
        raise HTTPException(401, "say who you are", headers={"WWW-Authenticate": 'Basic realm="Sextant"'})
    return given.username


Owner = Annotated[str, Depends(owner)]
