"""The planning side of the web chat in a real browser: sliders, simulated picks, plots, scenarios; what axe finds."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect

WORDS = "customer-support chatbot for 1000 users, low latency, under $5000 a month, rented GPUs"
ANN = ("ann", "correct horse battery")
PATIENCE_MS = 90_000
LOOKS = 40
StartWeb = Callable[..., AbstractContextManager[str]]
Say = Callable[[Page, str], None]
DESK, PHONE = {"width": 1200, "height": 1000}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_web: StartWeb) -> Iterator[str]:
    with start_web(tmp_path_factory.mktemp("browser-planning"), people=(ANN,)) as url:
        yield url


@pytest.fixture
def context(browser: Browser, server: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=DESK, color_scheme="light", base_url=server)  # type: ignore[arg-type]
    opened.set_default_timeout(PATIENCE_MS)
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    assert not [url for url in asked if not url.startswith((server, "data:", "blob:"))]


def sign_in(page: Page) -> None:
    page.goto("/")
    page.locator("#email").fill(ANN[0])
    page.locator("#password").fill(ANN[1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Support chatbot", exact=True)).to_be_visible()


def choose(page: Page, scheme: str) -> None:
    page.locator("#theme-toggle").click()
    page.get_by_role("menuitem", name=scheme.capitalize()).click()
    expect(page.locator("html")).to_have_class(scheme)


def found_by_axe(page: Page) -> list[dict[str, Any]]:
    """Serious and critical violations that stay: what fades in has no contrast at first."""
    found: list[dict[str, Any]] = []
    for _ in range(LOOKS):
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found = [
            {"rule": each["id"], "where": [node["target"] for node in each["nodes"]]}
            for each in violations
            if each["impact"] in ("serious", "critical")
        ]
        if not found:
            break
        page.wait_for_timeout(250)
    return found


def test_everything_can_be_read_by_those_who_do_not_see_it(
    context: BrowserContext, say: Say, tmp_path: Path, repository: Path, update_golden: bool
) -> None:
    page = context.new_page()
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.goto("/ui/login")
        expect(page.locator("html")).to_have_class(scheme)
        expect(page.locator("#password")).to_be_visible()
        assert found_by_axe(page) == []
    sign_in(page)
    assert found_by_axe(page) == []
    say(page, WORDS)
    expect(page.get_by_test_id("simulated")).to_be_visible()
    options, closer = page.get_by_test_id("options-card"), page.get_by_test_id("closer")
    page.get_by_test_id("list-best_quality").click()
    for place in (0, 1):
        options.get_by_role("checkbox").nth(place).check()
    expect(page.get_by_test_id("compared").locator(".sx-differs").first).to_be_visible()
    options.get_by_role("button", name="Why").first.click()
    options.get_by_role("button", name="What was left out").click()
    closer.scroll_into_view_if_needed()
    expect(page.locator("[data-testid=figure][data-view=load]")).to_be_visible()
    if update_golden:
        closer.screenshot(path=repository / "docs" / "pictures" / "plots.png", animations="disabled")
    for view in ("cost", "day", "waits"):
        page.get_by_test_id(f"view-{view}").click()
        expect(page.locator(f"[data-testid=figure][data-view={view}] svg")).to_be_visible()
    page.get_by_test_id("scenarios-open").click()
    for name in ("one", "two"):
        page.get_by_test_id("scenario-name").fill(name)
        page.get_by_test_id("scenario-save").click()
        page.get_by_test_id(f"scenario-{name}").get_by_role("checkbox").check()
    expect(page.get_by_test_id("scenarios-compared")).to_be_visible()
    for scheme in ("light", "dark"):
        choose(page, scheme)
        assert found_by_axe(page) == []
    with page.expect_download() as download:
        page.get_by_test_id("report-html").click()
    download.value.save_as(tmp_path / "plan.html")
    assert (tmp_path / "plan.html").read_text().lstrip().startswith("<!doctype html>")


def test_sliders_try_values_while_they_move_and_plan_when_let_go(context: BrowserContext, say: Say) -> None:
    page = context.new_page()
    sign_in(page)
    say(page, WORDS)
    expect(page.get_by_test_id("simulated")).to_be_visible()
    options, revision = page.get_by_test_id("options-card"), page.get_by_test_id("revision")
    page.get_by_test_id("list-lowest_cost").click()
    options.get_by_role("checkbox").nth(0).check()
    slider = page.get_by_test_id("slider-total_users")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, middle)
    expect(page.get_by_test_id("trying")).to_be_visible()
    expect(revision).to_have_text("revision 1")
    page.mouse.up()
    expect(revision).to_have_text("revision 2")
    expect(page.get_by_test_id("trying")).to_have_count(0)
    users = page.get_by_test_id("field-total_users")
    expect(users).not_to_have_value("1000")
    expect(page.get_by_test_id("list-lowest_cost")).to_have_attribute("aria-pressed", "true")
    moved = users.input_value()
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(revision).to_have_text("revision 3")
    expect(users).not_to_have_value(moved)
    expect(slider).to_be_focused()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    expect(options).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for name in ("spec-card", "options-card", "closer"):
        card = page.get_by_test_id(name).bounding_box()
        assert card is not None
        assert card["x"] >= 0
        assert card["x"] + card["width"] <= PHONE["width"]
