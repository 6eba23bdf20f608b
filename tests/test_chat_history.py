"""What the web chat shows is kept the same in a file and in PostgreSQL: listed, searched, renamed, deleted."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

# A program of its own: Chainlit takes its folder from the environment when it is imported, and warns.
PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from pathlib import Path
    from chainlit.types import Pagination, ThreadFilter
    from chainlit.user import User
    from knowledge.records import Records
    from ui.web.history import History

    async def listed(history, owner, search=None, cursor=None):
        filters = ThreadFilter(userId=owner, search=search, feedback=None)
        page = await history.list_threads(Pagination(first=2, cursor=cursor), filters)
        return [thread["id"] for thread in page.data]

    async def main():
        history = History(Records(Path(sys.argv[1]), url=sys.argv[2] or None).database)
        await history.create_user(User(identifier="ann"))
        await history.create_user(User(identifier="ann"))
        assert (await history.get_user("ann")).identifier == "ann"
        for name in ("one", "two", "three"):
            await history.update_thread(name, name=name, user_id="ann", metadata={"name": name, "nothing": None})
            body = {"id": f"{name}-1", "output": f"Words of {name}: 100 % It's :ok?"}
            await history._put("step", f"{name}-1", name, body)
        await history.update_thread("foreign", user_id="bob")
        await asyncio.sleep(0.01)  # threads are ordered by milliseconds
        await history.update_thread("one", user_id="bob", metadata={"more": 1})
        assert await history.get_thread_author("one") == "ann"
        first = await listed(history, "ann")
        rest = await listed(history, "ann", cursor=first[-1])
        assert first[0] == "one" and sorted(first + rest) == ["one", "three", "two"]
        assert await listed(history, "ann", search="words OF two") == ["two"]
        assert await listed(history, "bob") == ["foreign"]
        thread = await history.get_thread("one")
        assert thread["metadata"] == {"name": "one", "more": 1}
        assert [step["output"] for step in thread["steps"]] == ["Words of one: 100 % It's :ok?"]
        forgotten = []
        history.forgotten = forgotten.append
        await history.delete_thread("one")
        assert forgotten == ["one"]
        assert await history.get_thread("one") is None

    asyncio.run(main())
    print("all held")
""")


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_threads_are_listed_searched_and_forgotten(
    store: str, request: pytest.FixtureRequest, repository: Path, tmp_path: Path
) -> None:
    url = request.getfixturevalue("database_url") if store == "postgres" else ""
    environment = {**os.environ, "CHAINLIT_APP_ROOT": str(tmp_path), "PYTHONPATH": str(repository)}
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, str(tmp_path / "home"), url]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.endswith("all held\n"), done.stderr
