"""The whole journey in a real browser: words, card, options, deployment, verdict, reload; and no other host asked.

With `--update-golden` the pictures of the documentation are taken anew.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
PATIENCE_MS = 90_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("browser")
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0", "--time-factor", "200"]
    with (
        (home / "log").open("w") as log,
        subprocess.Popen(
            command, env={**os.environ, "SEXTANT_HOME": str(home)}, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (home / "log").read_text()
        yield line.split()[-1]
        process.terminate()
        assert process.wait(timeout=30) == 0


@pytest.fixture
def page(server: str) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1200, "height": 1100}, color_scheme="light")
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        asked: list[str] = []
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server)
        yield page
        browser.close()
    foreign = [url for url in asked if not url.startswith((server, "data:", "blob:"))]
    assert not foreign


def say(page: Page, words: str) -> None:
    page.locator("#chat-input").click()
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def test_words_become_a_verified_deployment_and_survive_a_reload(
    page: Page, repository: Path, update_golden: bool
) -> None:
    pictures = repository / "docs" / "pictures"

    def picture(name: str) -> None:
        if update_golden:
            pictures.mkdir(exist_ok=True)
            page.mouse.move(0, 0)
            page.screenshot(path=pictures / f"{name}.png", animations="disabled")

    expect(page.get_by_role("button", name="Support chatbot", exact=True)).to_be_visible()
    say(page, WORDS)
    card, options = page.get_by_test_id("spec-card"), page.get_by_test_id("options-card")
    expect(options).to_be_visible()
    users = page.get_by_test_id("field-total_users")
    users.fill("-5")
    users.press("Enter")
    expect(card.get_by_role("alert")).to_contain_text("greater than 0")
    users.fill("2000")
    users.press("Enter")
    expect(page.get_by_test_id("revision")).to_have_text("revision 2")
    card.evaluate("card => card.scrollIntoView()")
    picture("card")
    page.get_by_test_id("list-best_quality").click()
    for place in (0, 1):
        options.get_by_role("checkbox").nth(place).check()
    expect(page.get_by_test_id("compared")).to_be_visible()
    page.get_by_test_id("list-balanced").click()
    options.evaluate("card => card.scrollIntoView()")
    picture("options")
    page.get_by_test_id("approve").click()
    expect(page.get_by_test_id("confirm")).to_contain_text("on target local")
    page.get_by_test_id("deploy").click()
    expect(page.get_by_test_id("verdict")).to_be_visible()
    page.get_by_test_id("report").evaluate("card => card.scrollIntoView({block: 'center'})")
    picture("verdict")
    expect(page.get_by_test_id("running")).to_be_attached()
    page.reload()
    expect(page.get_by_test_id("revision")).to_have_text("revision 3")
    expect(users).to_have_value("2000")
    page.get_by_test_id("rollback").click()
    expect(page.get_by_test_id("running")).to_have_count(0)
