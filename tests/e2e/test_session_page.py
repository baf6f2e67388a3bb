"""The session page in a real browser: the log grows while the session runs.

With ROUTINES_WRITE_SCREENSHOT=1 the page is kept as docs/session_page.png.
"""

import json
import os

import pytest

import browser as browsers
from conftest import ROOT, TRIGGER, python_command, routine_text, wait_until

pytestmark = pytest.mark.skipif(not browsers.is_there(), reason="chromium is not installed")

# An agent that says its first word, and the others when the test says so.
AGENT = r"""
import os, sys, time
say = lambda text, to=sys.stdout: print(text, file=to, flush=True)
say("Reading the alert: SEN-4521, NullPointerException in checkout.py:42")
gate = os.environ["GATE"]
while not os.path.exists(gate + ".second"):
    time.sleep(0.02)
say("\x1b[32m3 tests passed\x1b[0m, 1 failed: test_empty_cart")
say("warning: <script>document.title='owned'</script><img src=x onerror=document.title='owned'>", sys.stderr)
say("\u202egnp.exe")
while not os.path.exists(gate + ".third"):
    time.sleep(0.02)
say("Fixed: an empty cart has a total of 0. 4 tests passed.")
"""


@pytest.fixture
def browser(tmp_path):
    opened = browsers.Browser(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


@pytest.fixture
def live(serve, tmp_path, gate):
    """A server with a session whose agent waits at the gates; (server, session's URL)."""
    agent = tmp_path / "agent.py"
    agent.write_text(AGENT)
    server = serve(executors={"agent": python_command(agent)})
    server.apply(tmp_path, routine_text(
        name="alert-triage", executor="agent", prompt="Triage the alert.",
        more=f"environment:\n  variables: {{GATE: \"{gate}\"}}\n"))
    token = server.json("token", "create", TRIGGER)["secret"]
    fired = server.request("POST", f"/v1/claude_code/routines/{TRIGGER}/fire", token=token,
                           body=b'{"text": "SEN-4521"}',
                           headers={"Content-Type": "application/json"}).json
    return server, fired["claude_code_session_url"]


def open_gate(gate, name):
    gate.with_name(f"{gate.name}.{name}").touch()


def log_text(browser):
    return browser.evaluate("document.getElementById('log')?.innerText ?? ''")


def state(browser):
    return browser.evaluate("document.getElementById('state')?.textContent ?? ''")


def test_events_appear_while_the_session_runs(live, gate, browser):
    _, url = live
    browser.open(url)
    wait_until(lambda: "Reading the alert" in log_text(browser), "the first line")
    wait_until(lambda: state(browser) == "running", "running")
    browser.evaluate("window.sameDocument = true")
    assert "tests passed" not in log_text(browser)

    open_gate(gate, "second")
    wait_until(lambda: "3 tests passed, 1 failed" in log_text(browser), "the second line, live")
    wait_until(lambda: "gnp.exe" in log_text(browser), "the line with the hidden character")
    text = log_text(browser)
    assert "\x1b" not in text and "[32m" not in text
    assert "\u202e" not in text and "\u27e8U+202e\u27e9" in text
    assert "<script>" in text
    if os.environ.get("ROUTINES_WRITE_SCREENSHOT") == "1":
        browser.screenshot(ROOT / "docs" / "session_page.png")

    open_gate(gate, "third")
    wait_until(lambda: state(browser) == "succeeded", "succeeded")
    wait_until(lambda: "The session has ended" in browser.text(), "the end of the stream")
    assert "Fixed: an empty cart" in log_text(browser)
    assert browser.evaluate("document.title").startswith("succeeded")
    assert browser.evaluate("window.sameDocument") is True  # it was never reloaded
    assert browser.evaluate("document.querySelector('#cancel')") is None
    assert browser.console == []


def test_what_came_live_looks_like_what_the_server_renders(live, gate, browser):
    _, url = live
    browser.open(url)
    for name in ("second", "third"):
        open_gate(gate, name)
    wait_until(lambda: "The session has ended" in browser.text(), "the end of the stream")
    entries = ("JSON.stringify([...document.querySelectorAll('#log .entry')]"
               ".map(entry => [entry.className, entry.textContent]))")
    seen_live = json.loads(browser.evaluate(entries))
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    wait_until(lambda: browser.evaluate("document.readyState") == "complete", "the static page")
    assert json.loads(browser.evaluate(entries)) == seen_live


def test_cancel_button(live, browser):
    server, url = live
    browser.open(url)
    wait_until(lambda: "live" in browser.text(), "the script is there")
    submit = """(() => {{
      const form = document.querySelector("#cancel form");
      form.elements.admin_token.value = {};
      form.requestSubmit();
    }})()"""
    browser.evaluate(submit.format(json.dumps("wrong")))
    answer = "document.getElementById('cancel-answer')?.textContent ?? ''"
    wait_until(lambda: browser.evaluate(answer) == "invalid bearer token", "the refusal")
    browser.evaluate(submit.format(json.dumps(server.admin_token)))
    wait_until(lambda: state(browser) == "cancelled", "cancelled")


def test_cancel_form_without_javascript(live, browser):
    server, url = live
    browser.open(url)
    wait_until(lambda: state(browser) == "running", "running")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    wait_until(lambda: browser.evaluate("document.readyState") == "complete", "the static page")
    browser.evaluate(f"""(() => {{
      const form = document.querySelector("#cancel form");
      form.elements.admin_token.value = {json.dumps(server.admin_token)};
      form.submit();
    }})()""")
    session = url.split("/sessions/")[1].split("?")[0]
    wait_until(lambda: server.json("session", "show", session)["state"] == "cancelled", "cancelled")
    wait_until(lambda: browser.evaluate("location.href") == url, "back on the page")


def test_the_page_follows_until_the_reader_scrolls_up(live, gate, browser):
    _, url = live
    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=400, deviceScaleFactor=1,
                 mobile=True)
    browser.open(url)
    wait_until(lambda: state(browser) == "running", "running")
    wait_until(lambda: "Reading the alert" in log_text(browser), "the first line")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")  # fits a phone
    browser.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.evaluate("window.scrollTo(0, 0)")
    wait_until(lambda: browser.evaluate("document.getElementById('follow').hidden") is False,
               "the button to follow again")
    open_gate(gate, "second")
    wait_until(lambda: "gnp.exe" in log_text(browser), "more lines")
    assert browser.evaluate("window.scrollY") == 0
    browser.evaluate("document.getElementById('follow').click()")
    wait_until(lambda: browser.evaluate("window.scrollY") > 0, "the end of the log")
