"""What all tests share."""

import gc
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from knowledge.snapshot import Snapshot, load
from knowledge.store.database import FILE_NAME, open_store
from tools.market import Market
from ui.access import PasswordFile
from ui.cli import main
from ui.settings import Settings, expect_small_matrices

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from agent.sessions import Sessions

ROOT = Path(__file__).parent.parent

expect_small_matrices()  # as the command line does: processes that tests start compute as this one

# The same examples in every run, and nothing that a slow machine would fail.
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files and shown sessions anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_ones_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings and state of whoever runs the tests play no part: own outcomes would change every prediction."""
    with pytest.MonkeyPatch.context() as environment:
        for name in [each for each in os.environ if each.startswith("SEXTANT_") and "_TEST_" not in each]:
            environment.delenv(name)
        environment.setenv("SEXTANT_HOME", str(tmp_path_factory.mktemp("state") / "sextant"))
        yield


@pytest.fixture(scope="session")
def snapshot() -> Snapshot:
    """The facts that ship."""
    return load()


@pytest.fixture(scope="session")
def market(snapshot: Snapshot) -> Market:
    """The prices that ship."""
    return Market.bundled(snapshot)


@pytest.fixture(scope="session")
def put_prices(tmp_path_factory: pytest.TempPathFactory, snapshot: Snapshot) -> Callable[[Path], Path]:
    """Puts the prices that ship into a state directory, as the first question about prices would: built only once."""
    built = tmp_path_factory.mktemp("built")
    open_store(built, snapshot).close()

    def put(home: Path) -> Path:
        shutil.copy(built / FILE_NAME, home)
        return home

    return put


@pytest.fixture
def priced_home(tmp_path: Path, put_prices: Callable[[Path], Path]) -> Path:
    """The state directory of a test, with the prices that ship."""
    return put_prices(tmp_path)


@pytest.fixture
async def sessions(tmp_path: Path) -> AsyncIterator["Sessions"]:
    """The session door of an empty state directory. What it deploys lives 200 times faster and ends with the test."""
    from ui.opening import opened  # noqa: PLC0415  # most tests have no conversation

    async with opened(time_factor=200, settings=Settings(home=tmp_path), tied=True) as door:
        yield door
        for each in door.context.records.deployments.all():
            if each.replicas:
                door.context.target.rollback(each.deployment_id, who="the end of a test")


@contextmanager
def cluster_process(module: str, folder: Path, *options: str) -> Iterator[Path]:
    """A cluster in a process of its own, until the block ends: its kubeconfig, which appears when it listens."""
    kubeconfig = folder / "kubeconfig.yaml"
    command = [sys.executable, "-m", module, str(kubeconfig), *options]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, cwd=ROOT) as process:
        try:
            deadline = time.monotonic() + 150
            while not kubeconfig.exists():
                assert process.poll() is None, f"{module} did not start"
                assert time.monotonic() < deadline, f"{module} did not become ready"
                time.sleep(0.02)
            yield kubeconfig
        finally:
            process.terminate()


def kubernetes_backend() -> str:
    """What the contract of Kubernetes is tried on: a cluster that is given, real binaries, or the project's double."""
    if os.environ.get("SEXTANT_TEST_KUBECONFIG"):
        return "cluster of SEXTANT_TEST_KUBECONFIG"
    return "kube-apiserver of KUBEBUILDER_ASSETS" if os.environ.get("KUBEBUILDER_ASSETS") else "double"


def pytest_report_header() -> str:
    return f"kubernetes contract: {kubernetes_backend()}"


@pytest.fixture(scope="session")
def any_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Name and kubeconfig of the cluster that the contract is tried on."""
    name, folder = kubernetes_backend(), tmp_path_factory.mktemp("cluster")
    if name.startswith("cluster"):
        yield name, Path(os.environ["SEXTANT_TEST_KUBECONFIG"])
        return
    module = "kubernetes_double" if name == "double" else "kubernetes_double.assets"
    with cluster_process(module, folder, *(("--no-controllers",) if name == "double" else ())) as kubeconfig:
        yield name, kubeconfig


@pytest.fixture(scope="session")
def start_double() -> Callable[..., AbstractContextManager[Path]]:
    """Starts the project's API double with its controllers in a folder: a context manager that gives the kubeconfig."""
    return lambda folder, *options: cluster_process("kubernetes_double", folder, *options)


@contextmanager
def postgres_process() -> Iterator[tuple[str, Callable[[str], None]]]:
    """A PostgreSQL server until the block ends: its address, and a way to tell it "stop" and "start"."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        reason = "Debian's postgresql is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="sextant-postgres-", dir="/tmp"))
    command = [sys.executable, "-m", "postgres_server", str(folder), str(programs[-1].parent)]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout

        def tell(word: str) -> None:
            assert process.stdin
            assert process.stdout
            process.stdin.write(f"{word}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline() == b"done\n"
            if word == "start":
                answering(url)

        try:
            deadline = time.monotonic() + 150
            while not (folder / "url").exists():
                assert process.poll() is None, "PostgreSQL did not start"
                assert time.monotonic() < deadline, "PostgreSQL did not become ready"
                time.sleep(0.02)
            url = (folder / "url").read_text()
            answering(url)
            yield url, tell
        finally:
            process.stdin.close()
            process.wait(60)
            shutil.rmtree(folder, ignore_errors=True)


def answering(url: str) -> None:
    """Wait until a database answers."""
    deadline = time.monotonic() + 150
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="session")
def start_postgres() -> Callable[[], AbstractContextManager[tuple[str, Callable[[str], None]]]]:
    """Starts a PostgreSQL server of one's own."""
    return postgres_process


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server that the tests of one process share."""
    with postgres_process() as (url, _):
        yield url


@pytest.fixture
def database_url(postgres: str) -> str:
    """The address of an empty database on that server."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return postgres.rpartition("/")[0] + f"/{name}"


@pytest.fixture(scope="session")
def slack_double() -> ModuleType:
    """Slack's side of the wire (`slack_double.py`)."""
    spec = spec_from_file_location("slack_double", ROOT / "tests" / "slack_double.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def web_process(
    home: Path, *flags: str, people: Iterable[tuple[str, str | None]], ends_within_s: float = 60, **environment: str
) -> Iterator[str]:
    """`sextant serve` for these people in a process of its own: its address. What it tells stands in `home/log`."""
    file = PasswordFile(home / "people")
    for name, password in people:
        file.add(name, password)
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0", *flags, "--people",
               str(file.path)]  # fmt: skip
    known = {**os.environ, "SEXTANT_HOME": str(home), **environment}
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(command, env=known, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (home / "log").read_text()
            yield line.split()[-1]
        finally:  # a test that fails must not wait for its server
            process.terminate()
        assert process.wait(timeout=ends_within_s) == 0


@pytest.fixture(scope="session")
def start_web() -> Callable[..., AbstractContextManager[str]]:
    """Starts `sextant serve`: a context manager that gives its address."""
    return web_process


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium. Closed with its module: Playwright's loop would be in the way of other tests."""
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415  # few tests need it

    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is not installed")
    expect.set_options(timeout=120_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def say() -> Callable[["Page", str], None]:
    """Types words into the chat and sends them, once they can be sent."""

    def typed(page: "Page", words: str) -> None:
        from playwright.sync_api import expect  # noqa: PLC0415  # few tests need it

        page.locator("#chat-input").click()
        page.keyboard.type(words)
        expect(page.locator("#chat-submit")).to_be_enabled()  # not before a file is there and the last turn has ended
        page.keyboard.press("Enter")

    return typed


@contextmanager
def simulator_process(*flags: str) -> Iterator[str]:
    """`sextant simulator` in a process of its own: its address."""
    command = [str(Path(sys.executable).with_name("sextant")), "simulator", "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rsplit(" ", 1)[1].strip()
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def start_simulator() -> Callable[..., AbstractContextManager[str]]:
    """Starts a simulator: a context manager that gives its address."""
    return simulator_process


@pytest.fixture
def sextant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Calls the command line in this process: exit code, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sextant", *arguments])
        try:
            main()
            code = 0
        except SystemExit as exited:
            code = int(exited.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    gc.enable()  # commands that answer and exit turn it off
