"""The whole journey in a real browser: words, card, options, manifests, deployment, verdict, reload, resume; somebody
else finds nothing of it; and no other host is asked.

With `--update-golden` the pictures of the documentation are taken anew, at a pace that lets the load test be honest.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN, BOB = ("ann", "correct horse battery"), ("bob", "another long password")
PATIENCE_MS = 120_000
Visit = Callable[[tuple[str, str]], AbstractContextManager[Page]]
StartWeb = Callable[..., AbstractContextManager[str]]
Say = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    start_web: StartWeb,
    put_prices: Callable[[Path], Path],
) -> Iterator[str]:
    factor = "1" if request.config.getoption("--update-golden") else "200"
    home = put_prices(tmp_path_factory.mktemp("browser"))
    with start_web(home, "--time-factor", factor, people=(ANN, BOB)) as url:
        yield url


@pytest.fixture
def visit(server: str, browser: Browser) -> Visit:
    """Somebody signed in, on a page of their own that asks no other host."""

    @contextmanager
    def visiting(person: tuple[str, str]) -> Iterator[Page]:
        asked: list[str] = []
        context = browser.new_context(viewport={"width": 1200, "height": 1100}, color_scheme="light")
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server)
        page.locator("#email").fill(person[0])
        page.locator("#password").fill(person[1])
        page.keyboard.press("Enter")
        expect(page.locator("#chat-input")).to_be_visible()
        yield page
        context.close()
        foreign = [url for url in asked if not url.startswith((server, "data:", "blob:"))]
        assert not foreign

    return visiting


@pytest.fixture
def picture(repository: Path, update_golden: bool) -> Callable[[Page, str, str], None]:
    """Takes a picture of the page with a card at its top; without `--update-golden` it does nothing."""

    def take(page: Page, name: str, card: str) -> None:
        if not update_golden:
            return
        folder = repository / "docs" / "pictures"
        folder.mkdir(exist_ok=True)
        page.get_by_test_id(card).last.evaluate("card => card.scrollIntoView({block: 'start'})")
        page.mouse.move(600, 5)
        page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take


def test_words_become_a_verified_deployment_that_survives_a_reload_and_is_nobody_else_s(
    visit: Visit, say: Say, picture: Callable[[Page, str, str], None], update_golden: bool, tmp_path: Path
) -> None:
    with visit(ANN) as page, visit(BOB) as other:
        expect(page.get_by_role("button", name="Support chatbot", exact=True)).to_be_visible()
        say(page, WORDS)
        card, options = page.get_by_test_id("spec-card"), page.get_by_test_id("options-card")
        deploy = page.get_by_test_id("deploy-card")
        expect(deploy).to_be_visible()
        users = page.get_by_test_id("field-total_users")
        users.fill("-5")
        users.press("Enter")
        expect(card.get_by_role("alert")).to_contain_text("greater than 0")
        users.fill("2000")
        users.press("Enter")
        expect(page.get_by_test_id("revision")).to_have_text("revision 2")
        expect(options).to_have_attribute("data-revision", "2")
        picture(page, "card", "spec-card")
        page.get_by_test_id("list-best_quality").click()
        for place in (0, 1):
            options.get_by_role("checkbox").nth(place).check()
        expect(page.get_by_test_id("compared")).to_be_visible()
        page.get_by_test_id("list-balanced").click()
        picture(page, "options", "options-card")

        page.get_by_test_id("manifests").click()
        expect(page.get_by_test_id("manifest-text")).to_contain_text("apiVersion")
        page.get_by_test_id("manifest-form").select_option("vanilla")
        page.get_by_role("tab", name="deployment", exact=True).click()
        expect(page.get_by_test_id("manifest-text")).to_contain_text("kind: Deployment")
        picture(page, "manifests", "deploy-card")
        with page.expect_download() as download:
            page.get_by_test_id("manifests-zip").click()
        archive = tmp_path / "manifests.zip"
        download.value.save_as(archive)
        with zipfile.ZipFile(archive) as files:
            assert any(name.endswith("deployment.yaml") for name in files.namelist())
        deploy.get_by_role("button", name="Hide", exact=True).click()

        page.get_by_test_id("approve").click()
        expect(page.get_by_test_id("confirm")).to_contain_text("on target local")
        expect(page.get_by_test_id("confirm")).to_contain_text("a month")
        page.get_by_test_id("deploy").click()
        if update_golden:
            expect(page.get_by_test_id("live").locator("svg")).to_have_count(2)
            page.wait_for_timeout(12_000)  # for a picture with a curve in it
            picture(page, "load-test", "deploy-card")
        expect(page.get_by_test_id("verdict")).to_be_visible()
        picture(page, "verdict", "report")
        expect(page.get_by_test_id("deployment-state")).to_contain_text("runs")

        page.get_by_test_id("prompt").fill("How do I reset my password?")
        page.get_by_test_id("try").click()
        expect(page.get_by_test_id("reply-figures")).to_contain_text("TTFT")
        page.get_by_test_id("rating-comment").fill("right model, right cards")
        page.get_by_test_id("star-4").click()
        expect(page.get_by_test_id("rated")).to_be_visible()
        expect(page.get_by_test_id("reply")).to_have_attribute("aria-busy", "false")
        picture(page, "deployment", "deploy-card")

        file = page.get_by_test_id("paper-html").get_attribute("href") or ""
        expect(other.locator("#chat-input")).to_be_visible()
        assert [each.request.get(page.url.split("/ui/")[0] + file).status for each in (page, other)] == [200, 404]
        other.goto(page.url)
        expect(other.locator("#chat-input")).to_be_visible()
        expect(other.get_by_test_id("spec-card")).to_have_count(0)

        page.reload()
        expect(page.get_by_test_id("revision")).to_have_text("revision 3")
        expect(users).to_have_value("2000")
        expect(page.get_by_test_id("rating-comment")).to_have_value("right model, right cards")
        expect(page.get_by_test_id("reply")).to_contain_text("How do I reset my password?")
        page.get_by_test_id("rollback").click()
        expect(page.get_by_test_id("confirm-rollback")).to_be_visible()
        page.get_by_test_id("rollback-yes").click()
        expect(page.get_by_test_id("running")).to_have_count(0)
        expect(page.get_by_test_id("approve")).to_be_visible()


def test_prices_and_a_bill_are_drawn_with_their_sources(
    visit: Visit, say: Say, picture: Callable[[Page, str, str], None], repository: Path
) -> None:
    bill = repository / "tests" / "data" / "invoices" / "openai_usage.csv"
    with visit(ANN) as page:
        say(page, "how much does whisper cost per minute?")
        table = page.get_by_test_id("table-card")
        expect(table.get_by_role("link").first).to_have_attribute("href", re.compile("^https:"))
        picture(page, "prices", "table-card")
        page.locator("input[type=file]").first.set_input_files(bill)
        expect(page.get_by_text(bill.name).first).to_be_visible()
        say(page, "what could I save on this bill?")
        card = page.get_by_test_id("bill-card")
        expect(card).to_contain_text("reconcile with the file")
        page.get_by_test_id("drill").click()
        expect(page.get_by_test_id("drilled")).to_contain_text("By provider")
        picture(page, "bill", "bill-card")
        with page.expect_download() as download:
            page.get_by_test_id("paper-html").click()
        assert download.value.suggested_filename == "openai_usage-report.html"
