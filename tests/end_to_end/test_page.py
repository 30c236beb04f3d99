"""The page in a real browser: nothing from outside, everything as text, light and dark, phone and keyboard."""
import http.client
import os
import pathlib
import re
import shutil
import socket

import pytest
from agent import KEY, Agent, line, wait_until
from test_admin import get

webdriver = pytest.importorskip("selenium.webdriver")
pytestmark = pytest.mark.skipif(not shutil.which("chromedriver"), reason="no chromedriver")
SHOTS = os.environ.get("RAINGAUGE_SCREENSHOTS")  # a directory: the page as it looks goes there

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--hide-scrollbars"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in FLAGS + [f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    b = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    yield b
    b.quit()


@pytest.fixture
def shown(tmp_path, server):
    """An agent with its page on a TCP port of this machine."""
    port = free_port()
    a = Agent(tmp_path, server.url, more=f"admin: {{listen: '127.0.0.1:{port}'}}\nlog: {{level: info}}",
              raindrop="  headers: {X-Secret: hushhush}\n  proxy: http://bob:pass%40word@127.0.0.1:1")
    a.config.write_text(a.config.read_text().replace("  proxy: http://bob:pass%40word@127.0.0.1:1\n", ""))
    a.port = port
    yield a
    if a.process and a.process.poll() is None:
        a.kill()
    assert not any("Sanitizer" in row or "runtime error" in row for row in a.stderr), "\n".join(a.stderr)


def open_page(browser, agent, width=1200, height=1500, scheme="light"):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get(f"http://127.0.0.1:{agent.port}/")
    wait_until(lambda: text(browser, "ready") not in ("", "…"), what="the page's first status")


def text(browser, element):
    return browser.execute_script("return document.getElementById(arguments[0]).textContent", element)


def shot(browser, name):
    if SHOTS:
        pathlib.Path(SHOTS).mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(pathlib.Path(SHOTS) / name))


def complaints(browser):
    """What the browser said: a violation of the policy, an error of the script."""
    return [row["message"] for row in browser.get_log("browser") if "favicon" not in row["message"]]


HOSTILE = "<img src=x onerror=\"document.title='taken'\">&amp;'.jsonl"


def busy(agent, server):
    """Deliveries, a rejection, an invalid line, failures, and a file with a hostile name."""
    server.script = [500, 503]
    server.answer = lambda r: (400, {}, "no") if any(c.get("event_id") == "e13" for c in r.calls) else 204
    agent.log("chat.jsonl", "".join(line(n) for n in range(40)) + line(50, user=None) + "broken\n" +
              '{"msg":"feedback","id":"e1","rating":"up"}\n{"msg":"login","user":"u1","plan":"paid"}\n')
    agent.log(HOSTILE, line(60))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 40 and len(server.signals()) == 1)


def test_what_it_shows(browser, shown, server):
    """Readiness, numbers, destinations, files, rules with their rejections and the last errors with file and offset."""
    busy(shown, server)
    wait_until(lambda: '"held":0' in get(shown, "/status")[1])
    open_page(browser, shown)
    assert text(browser, "ready") == "ready"
    assert re.search(r"raindrop\s*ok\s*40\s*1\s*1", text(browser, "destinations"))
    assert "missing user_id: 1" in text(browser, "rules-table")
    assert "chat.jsonl" in text(browser, "files-table") and "current" in text(browser, "files-table")
    assert re.search(r"line is invalid\s*not JSON.*chat\.jsonl:\d+", text(browser, "recent-table"))
    assert HOSTILE in text(browser, "files-table")
    assert browser.title == "raingauge", "the file's name became markup"
    assert browser.execute_script("return document.images.length") == 0
    wait_until(lambda: browser.execute_script("return document.querySelectorAll('#drawing rect.taken').length") > 0, 20)
    assert browser.execute_script("return document.querySelectorAll('#drawing rect.failed').length") > 0
    shot(browser, "page-light.png")
    open_page(browser, shown, scheme="dark")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(247, 248, 250)"
    shot(browser, "page-dark.png")
    assert complaints(browser) == []
    assert shown.stop() == 0


def test_nothing_from_outside(browser, shown, server):
    """All that is asked for comes from the agent; the policy allows nothing else, and the script cannot be put in."""
    shown.start()
    shown.wait_said("started")
    browser.get_log("performance")
    open_page(browser, shown)
    asked = re.findall(r'"url":"(http[^"]*)"', "".join(row["message"] for row in browser.get_log("performance")
                                                       if "requestWillBeSent" in row["message"]))
    asked += re.findall(r'\\"url\\":\\"(http[^\\"]*)', "".join(row["message"] for row in browser.get_log("performance")))
    assert asked and all(url.startswith(f"http://127.0.0.1:{shown.port}/") for url in asked)
    browser.execute_script("const s = document.createElement('script'); s.textContent = 'document.title=\"taken\"'; document.body.append(s)")
    assert browser.title == "raingauge"
    assert any("Content Security Policy" in c for c in complaints(browser))
    assert shown.stop() == 0


def test_phone_and_keyboard(browser, shown, server):
    """At a phone's width the page itself does not scroll sideways; Tab reaches the links and opens the configuration."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    busy(shown, server)
    open_page(browser, shown, width=360, height=780)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    widest = "return Math.max(...[...document.querySelectorAll('td')].map(cell => cell.getBoundingClientRect().right))"
    assert browser.execute_script(widest) <= 360, "a cell lies beyond the edge"
    title = "return getComputedStyle(document.querySelector('#destinations td'), '::before').content"
    assert browser.execute_script(title) == '"Destination"'
    shot(browser, "page-phone.png")
    open_page(browser, shown)
    seen = []
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(browser.execute_script("const a = document.activeElement; return a.getAttribute('href') || a.tagName"))
        if seen[-1] == "SUMMARY":
            break
    assert seen[0] == "#main" and "#files" in seen and seen[-1] == "SUMMARY"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    wait_until(lambda: "raindrop:" in text(browser, "configuration-text"))
    config = text(browser, "configuration-text")
    assert "max_calls: 500" in config and "set, not shown" in config
    assert KEY not in config and "hushhush" not in config and "X-Secret" in config
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert shown.stop() == 0


def test_an_agent_that_ended_is_said(browser, shown, server):
    """The page that stays open says that nobody answers, and recovers with the agent."""
    shown.start()
    shown.wait_said("started")
    open_page(browser, shown)
    assert shown.stop() == 0
    wait_until(lambda: "no answer" in text(browser, "ready"))
    shown.start()
    wait_until(lambda: text(browser, "ready") == "ready")
    assert shown.stop() == 0


def ask(port, path, host, address="127.0.0.1"):
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request("GET", path, headers={"Host": host})
    answer = connection.getresponse()
    return answer.status, answer.getheader("Content-Security-Policy")


def test_who_may_see_it(shown, server):
    """Status and page are for this machine, by its own names: not for a site whose name was made to lead here."""
    shown.start()
    shown.wait_said("started")
    for host in (f"127.0.0.1:{shown.port}", f"localhost:{shown.port}", "localhost", "[::1]:80"):
        assert ask(shown.port, "/status", host)[0] == 200, host
    for path in ("/", "/status", "/config", "/page.js"):
        assert ask(shown.port, path, "evil.example:80")[0] == 403, path
    assert ask(shown.port, "/metrics", "evil.example")[0] == 200
    assert "script-src 'self'" in ask(shown.port, "/", "localhost")[1]
    assert shown.stop() == 0


def test_beyond_loopback(tmp_path, server):
    """From elsewhere only metrics, health and readiness; admin.page: true opens the rest."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            address = s.getsockname()[0]
        except OSError:
            pytest.skip("no address but loopback")
    for opened in (False, True):
        port = free_port()
        a = Agent(tmp_path / str(opened), server.url, more=f"admin: {{listen: '0.0.0.0:{port}', page: {str(opened).lower()}}}")
        a.start()
        a.wait_said("started")
        assert ask(port, "/metrics", address, address)[0] == 200
        assert ask(port, "/", address, address)[0] == (200 if opened else 403)
        assert ask(port, "/status", "some.name", address)[0] == (200 if opened else 403)
        assert a.stop() == 0
