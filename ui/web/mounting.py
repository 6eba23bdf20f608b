"""Puts Chainlit into the application at `/ui`, working without any other host.

Chainlit reads where it lives when it is imported, so the folder is prepared first and the import comes after.
"""

import json
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import RedirectResponse

from knowledge.errors import StateUnusable
from knowledge.files import write_whole
from knowledge.records.database import Database
from knowledge.records.secret import shared_secret
from templates.reports import chart_style
from ui.settings import point_chainlit_to

FILES = Path(__file__).parent / "files"
LANGUAGE = "en-US"
UPLOADS = ".files"
STYLES = ("sextant.css", "planning.css")
KEY_FILE = "sign-in-key"
FOREIGN = re.compile(
    r'<link[^>]+(?:fonts\.googleapis|fonts\.gstatic|cdn\.jsdelivr)[^>]*>|<meta property="og:(?:image|url)"[^>]*>'
)


@asynccontextmanager
async def web_chat(app: FastAPI, home: Path) -> AsyncIterator[None]:
    """The chat at `/ui` for as long as the context lasts; `/` leads there. One per process."""
    root = home / "web"
    entry = _prepared(root)
    database = app.state.context.records.database
    point_chainlit_to(root, _shared_key(database) if database.shared else _key(root / KEY_FILE))

    import chainlit.server
    from chainlit.utils import mount_chainlit

    from ui.web import downloads, plan_files, thumbs
    from ui.web.adoption import adopt_chats
    from ui.web.handlers import Handlers
    from ui.web.history import History
    from ui.web.shield import Shield
    from ui.web.sign_in import SignIn, StillIn

    original = chainlit.server.get_html_template
    chainlit.server.get_html_template = lambda root_path: offline(original(root_path))  # type: ignore[no-untyped-call]
    adopt_chats(root, database)
    history = History(database)
    history.forgotten = app.state.sessions.context.records.papers.forget
    sign_in = SignIn(app.state.access, app.state.settings, app.state.rates)
    sign_in.install()
    Handlers(app.state.sessions, sign_in, app.state.measures).install(history, app.state.looks)
    downloads.install(app)
    plan_files.install(app)
    thumbs.install(app, history, app.state.sessions)
    app.add_api_route("/", _to_chat, include_in_schema=False)
    app.add_api_route("/thread/{thread}", _to_thread, include_in_schema=False)
    app.add_api_route("/public/profiles/{name}", _to_picture, include_in_schema=False)
    mount_chainlit(app, str(entry), path="/ui")
    inner = chainlit.server.app.user_middleware  # minding the path is for mounts at the root; it only adds noise here
    inner[:] = [each for each in inner if not issubclass(_class(each.cls), BaseHTTPMiddleware)]
    app.add_middleware(Shield)
    app.user_middleware.append(Middleware(StillIn, access=app.state.access, settings=app.state.settings))  # the last
    yield
    shutil.rmtree(root / UPLOADS, ignore_errors=True)  # bills are not kept


def offline(page: str) -> str:
    """The page without what it would fetch from elsewhere."""
    return FOREIGN.sub("", page)


async def _to_chat() -> RedirectResponse:
    return RedirectResponse("/ui/")


async def _to_thread(thread: str) -> RedirectResponse:
    """Chainlit forgets in one place that it is not at the root."""
    return RedirectResponse(f"/ui/thread/{quote(thread, safe='')}")


async def _to_picture(name: str) -> RedirectResponse:
    """And in another."""
    return RedirectResponse(f"/ui/public/profiles/{quote(name, safe='')}")


def _class(made: Any) -> type:
    return made if isinstance(made, type) else object


def _prepared(root: Path) -> Path:
    """The folder that Chainlit works in, with our files; the file that it takes for its program."""
    entry = root / "program" / "entry.py"
    try:
        shutil.copytree(FILES / "public", root / "public", dirs_exist_ok=True)
        styles = [(FILES / "public" / name).read_text(encoding="utf-8") for name in STYLES]
        (root / "public" / STYLES[0]).write_text("\n".join([*styles, chart_style()]), encoding="utf-8")
        (root / ".chainlit").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / "config.toml", root / ".chainlit" / "config.toml")
        _put_words(root / ".chainlit" / "translations")
        shutil.copyfile(FILES / "chainlit.md", root / "chainlit.md")
        shutil.copyfile(FILES / "chainlit.md", root / f"chainlit_{LANGUAGE}.md")
        entry.parent.mkdir(exist_ok=True)
        entry.write_text('"""Chainlit wants a program; its callbacks are registered by Sextant."""\n')
    except OSError as error:
        raise StateUnusable(
            f"cannot write the web chat's files to {root}: {error.strerror}", "set SEXTANT_HOME"
        ) from error
    return entry


def _put_words(folder: Path) -> None:
    """Chainlit's words with ours in place of some."""
    found = find_spec("chainlit")
    if found is None or found.origin is None:
        raise StateUnusable("chainlit is not installed", "make setup")
    words = json.loads((Path(found.origin).parent / "translations" / f"{LANGUAGE}.json").read_text(encoding="utf-8"))
    words["chat"]["input"]["placeholder"] = "Say what you need, or change what is shown…"
    words["chat"]["watermark"] = "Every figure names its source; predictions come with an interval."
    words["navigation"]["header"]["readme"] = "About"
    folder.mkdir(exist_ok=True)
    (folder / f"{LANGUAGE}.json").write_text(json.dumps(words), encoding="utf-8")


def _shared_key(database: Database) -> str:
    """What sign-ins are signed with where every replica must know who signed in at another."""
    return shared_secret(database, KEY_FILE, lambda: secrets.token_hex(64))


def _key(file: Path) -> str:
    """What sign-ins are signed with: made once, readable by this account only."""
    if not file.exists():
        write_whole(file, secrets.token_hex(64), private=True)  # never an empty key, which a second process could read
    return file.read_text()
