"""The status page as people meet it: real daemons, a real browser without a window."""

import re
import time

import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SkipTest

from cellrouter.controlplane.page.sections import html_of
from cellrouter.controlplane.page.widgets import facts
from tests.browser.browsers import INSTALLED, NOT_INSTALLED, PHONE, Browser
from tests.browser.scene import WRONG, Scene
from tests.integration.data_plane_client import connect
from tests.integration.test_cli_operate import OperateTestCase
from tests.support.processes import ProcessTestCase, until, until_answers
from tests.unit.controlplane.page.streams import parse_events

PAGES = 20
BROKEN = "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE"
"""What the console says while a control plane is away; it says so of any lost connection."""

IMPORTANT = (
    *(
        "A change is held: version 1.0.2",
        "51 of 101 routes are removed",
        "cellrouter apply --override REASON",
    ),
    *("refusing", "nacked", "unknown_placement", "gone", "departed", "being watched", "routes: 1 added"),
)
"""What is to be read when there is something of everything."""

HOSTILE = "<img src=x onerror=document.title='run'>\"'&</section><script>document.title='run'</script>"


class BrowserTests:
    """For test cases: a browser that ends with the test."""

    async def browse(self, url: str) -> Browser:
        """Open the page, and wait until it is live."""
        browser = Browser()
        self.addCleanup(browser.stop)
        await browser.start()
        await browser.open(url)
        await browser.until("#stream", "live")
        return browser

    async def assert_quiet(self, browser: Browser, *but: str) -> None:
        """Assert that the console has no error and no violation of the policy in it."""
        errors = [each for each in await browser.errors() if not any(reason in each for reason in but)]
        self.assertEqual(errors, [])


class DaemonTests(BrowserTests, OperateTestCase):
    """A control plane and data planes as they are started by twistd."""

    timeout = 180.0

    def setUp(self) -> None:
        if not INSTALLED:
            raise SkipTest(NOT_INSTALLED)
        super().setUp()

    async def test_a_refusal_shows_with_its_reason_within_two_seconds_without_a_reload(self) -> None:
        self.write(5, "1.0.0")
        plane = await self.serve()
        self.join("dp-1")
        small = self.join("small", "--max-config-bytes", "1000")
        await self.do("wait", "--expect-nodes", "2")
        browser = await self.browse(self.url)
        await browser.until("#verdict", "All 2 data planes run revision 1")
        await browser.run("window.neverReloaded = true")
        refused = plane.until_logged("data plane small .* refused revision")
        self.write(5000, "1.0.1")
        shown = browser.until("#fleet", "too_large")
        await refused
        began = time.monotonic()
        await shown
        print(f"the refusal showed {time.monotonic() - began:.2f} s after it was logged")
        row = await browser.text("#fleet tbody tr")
        for part in ("small", "nacked", "too_large"):
            self.assertIn(part, row)
        await browser.until("#verdict", "1 data plane refused what it should run")
        self.assertTrue(await browser.run("return window.neverReloaded"))
        self.assertIn("refused", await browser.run("return document.title"))
        await small.stop()
        await browser.until("#fleet tbody tr", "departed")
        await self.assert_quiet(browser)


class SceneTestCase(BrowserTests, ProcessTestCase):
    """A control plane and data planes that say what they are told to."""

    timeout = 180.0

    def setUp(self) -> None:
        if not INSTALLED:
            raise SkipTest(NOT_INSTALLED)
        super().setUp()
        self.scene = Scene(self.folder)

    async def serve(self, *options: str) -> None:
        """Start the control plane, with 100 routes."""
        self.scene.write(100, "1.0.0")
        self.addCleanup(lambda: Deferred.fromCoroutine(self.scene.stop()))
        await self.scene.serve(*options)


class PageTests(SceneTestCase):
    """What is to be seen."""

    async def something_of_everything(self) -> None:
        """Let one data plane refuse, another leave, and a change be held, during a rollout."""
        await self.serve("--rollout", "1,100%", "--bake", "1h")
        await self.scene.join("gone")
        await self.scene.join("fine")
        await self.scene.join("refusing", WRONG)
        await self.scene.data_planes["gone"].leave()
        self.scene.write(101, "1.0.1")
        await self.scene.control_plane.until_logged("all in step 1 have acked")
        for _ in range(2):
            self.scene.data_planes["fine"].work(1000)
        self.scene.write(50, "1.0.2")
        await self.scene.control_plane.until_logged("is held; revision")

    async def test_it_is_usable_on_a_phone(self) -> None:
        await self.something_of_everything()
        browser = await self.browse(self.scene.url)
        await browser.resize(PHONE)
        self.assertEqual(await browser.run("return innerWidth"), PHONE[0])
        self.assertLessEqual(await browser.run("return document.scrollingElement.scrollWidth"), PHONE[0])
        text = await browser.text()
        for part in IMPORTANT:
            self.assertIn(part, text)
        await self.assert_quiet(browser)

    async def test_nothing_is_cut_off_at_any_width(self) -> None:
        await self.something_of_everything()
        await self.scene.join("x" * 256, [{"path": "/" + "y" * 300, "code": "z" * 100, "message": "w" * 300}])
        browser = await self.browse(self.scene.url)
        await browser.until("#fleet", "xxx")
        pairs = [("p50", "12.5 ms"), ("p99", "102,600 ms"), ("Requests", "9,007,199,254,740,991 /s")]
        await browser.run(ADD_SECTION, (await html_of(facts(pairs, "tiles"))).decode())
        for width in WIDTHS:
            await browser.resize((width, PHONE[1]))
            self.assertEqual(await browser.run(OUTSIDE), [], width)
            self.assertEqual(await browser.run(OVERFLOWING), [], width)
            self.assertLessEqual(await browser.run("return document.scrollingElement.scrollWidth"), width)

    async def test_it_says_all_of_it_without_javascript(self) -> None:
        await self.something_of_everything()
        page = (await until_answers(self.scene.url)).decode()
        without_tags = re.sub("<[^>]*>", "", page)
        for part in IMPORTANT:
            self.assertIn(part, without_tags)
        browser = Browser()
        self.addCleanup(browser.stop)
        await browser.start()
        await browser.command("Emulation.setScriptExecutionDisabled", value=True)
        await browser.open(self.scene.url)
        text = await browser.text()
        for part in (*IMPORTANT, "reload it to see more"):
            self.assertIn(part, text)

    async def test_what_data_planes_say_is_text(self) -> None:
        await self.serve()
        wrong = [{"path": HOSTILE, "code": HOSTILE, "message": HOSTILE}]
        browser = await self.browse(self.scene.url)
        title = await browser.run("return document.title")
        await self.scene.join(HOSTILE, wrong)
        client, recording = await connect(reactor, self.scene.port)
        client.send({"type": "hello", "node_id": "other", "software": HOSTILE, "running": None})
        running = {"version": HOSTILE, "revision": 9, "hash": HOSTILE, "source": HOSTILE}
        await recording.snapshot(lambda snapshot: True)
        client.send({"type": "ack", **running, "apply_ms": 1.0})
        await browser.until("#fleet", "other")
        await browser.until("#fleet", "<img src=x onerror=")
        self.assertIn(HOSTILE[:80], await browser.text("#fleet tbody tr th"))
        self.assertEqual(await browser.run("return document.querySelectorAll('img, main script').length"), 0)
        for url in (self.scene.url, f"{self.scene.url}?{HOSTILE}"):
            await browser.open(url)
            await browser.until("#fleet", "<img src=x onerror=")
            self.assertNotEqual(await browser.run("return document.title"), "run")
        self.assertNotEqual(title, "run")
        await self.assert_quiet(browser)
        client.transport.abortConnection()
        await recording.closed

    async def test_a_lost_stream_is_said_and_comes_back_with_what_is_true_then(self) -> None:
        await self.serve()
        browser = await self.browse(self.scene.url)
        await browser.run("window.neverReloaded = true")
        await self.scene.control_plane.stop("KILL")
        await browser.until("#stream", "not live since 20")
        self.assertIn("stale", await browser.run("return document.body.className"))
        self.scene.write(101, "1.0.1")
        await self.scene.serve()
        await browser.until("#stream", "live")
        await browser.until_true("return document.getElementById('stream').textContent === 'live'")
        await browser.until("#active", "1.0.1")
        self.assertTrue(await browser.run("return window.neverReloaded"))
        # Ended in order, it takes the stream with it at once.
        self.assertEqual(await self.scene.control_plane.stop(), 0)
        await browser.until("#stream", "not live since 20")
        await self.assert_quiet(browser, *BROKEN)

    async def test_a_page_that_comes_back_into_view_shows_how_things_are(self) -> None:
        await self.serve()
        browser = await self.browse(self.scene.url)
        first = await browser.do(lambda driver: driver.current_window_handle)
        await browser.do(lambda driver: driver.switch_to.new_window("tab"))
        self.scene.write(101, "1.0.1")
        await self.scene.control_plane.until_logged("revision 2 is accepted")
        await browser.do(lambda driver: driver.switch_to.window(first))
        await browser.until("#active", "1.0.1")
        await browser.until("#stream", "live")

    async def test_ages_go_on_and_nothing_else_moves(self) -> None:
        await self.serve()
        browser = await self.browse(self.scene.url)
        await browser.run("window.heading = document.querySelector('#active h2')")
        await browser.until("#active", "(3 s ago)")
        self.assertTrue(await browser.run("return window.heading === document.querySelector('#active h2')"))

    async def test_colours_have_contrast_by_day_and_by_night(self) -> None:
        await self.something_of_everything()
        browser = await self.browse(self.scene.url)
        for scheme in ("light", "dark"):
            preference = {"name": "prefers-color-scheme", "value": scheme}
            await browser.command("Emulation.setEmulatedMedia", features=[preference])
            faint = await browser.run(CONTRAST)
            self.assertEqual(faint, [], scheme)


class CrowdTests(SceneTestCase):
    """Many pages open at once."""

    async def test_twenty_pages_are_open_while_a_rollout_runs(self) -> None:
        await self.serve("--rollout", "1,50%,100%", "--bake", "1s")
        for number in range(8):
            await self.scene.join(f"dp-{number}")
        browser = await self.browse(self.scene.url)
        readers = [Reader() for _ in range(PAGES - 1)]
        await gatherResults([Deferred.fromCoroutine(reader.open(self.scene.url)) for reader in readers])
        self.scene.write(101, "1.0.1")
        slowest = 0.0
        while not all("Revision 2 done" in reader.seen("rollout") for reader in readers):
            began = time.monotonic()
            await until_answers(f"{self.scene.url}health")
            slowest = max(slowest, time.monotonic() - began)
            await until(lambda: True)
        print(f"with {PAGES} pages open the slowest answer took {slowest * 1000:.0f} ms")
        await browser.until("#rollout", "done")
        await browser.until("#verdict", "All 8 data planes run revision 2")
        steps = {step for reader in readers for step in reader.steps}
        self.assertGreaterEqual(steps, {"step 1 of 3", "step 2 of 3"})
        self.assertNotIn(b"Traceback", self.scene.control_plane.stderr)
        await self.assert_quiet(browser)
        self.assertEqual(await self.scene.control_plane.stop(), 0)
        await gatherResults([reader.ended for reader in readers])


class Reader:
    """Reads the stream of events as a page does, without a browser.

    :ivar steps: the steps of rollouts that it was told of.
    :ivar ended: fires when the control plane has ended the stream.
    """

    ended: "Deferred[None]"

    def __init__(self) -> None:
        self.steps: set[str] = set()
        self._unread = ""
        self._sections: dict[str, str] = {}

    async def open(self, url: str) -> None:
        """Open the stream, and wait for all sections."""
        response = await treq.get(f"{url}events", persistent=False, unbuffered=True)
        self.ended = treq.collect(response, self._read)
        await until(lambda: "changes" in self._sections)

    def seen(self, name: str) -> str:
        """Give the text of a section as it was sent last."""
        text = re.sub("<[^>]*>", " ", self._sections.get(name, ""))
        return re.sub(r"[^\w%]+", " ", text)

    def _read(self, data: bytes) -> None:
        self._unread += data.decode()
        whole, separator, rest = self._unread.rpartition("\n\n")
        if not separator:
            return
        self._unread = rest
        for kind, text in parse_events(whole + separator):
            if kind == "section":
                name = re.search('id="([a-z]+)"', text)
                assert name is not None
                self._sections[name[1]] = text
                self.steps.update(re.findall(r"step \d of \d", text))


WIDTHS = (320, 360, 480, 640, 768, 959, 961, 1024, 1280, 1920)

OUTSIDE = """
return [...document.querySelectorAll("body *")]
  .filter(each => each.getBoundingClientRect().right > innerWidth && !each.closest(".unseen, thead"))
  .map(each => each.outerHTML);
"""
"""Finds what is not within the window, other than what only screen readers are to find."""

ADD_SECTION = """
const section = document.createElement("section");
section.innerHTML = arguments[0];
document.getElementById("traffic").after(section);
"""
"""Adds a section with what is given as HTML."""

OVERFLOWING = """
return [...document.querySelectorAll(".tiles dd")]
  .filter(each => each.scrollWidth > each.clientWidth)
  .map(each => each.outerHTML);
"""
"""Finds figures that lie over what is beside them."""

CONTRAST = """
function luminance(colour) {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(each => {
    const part = each / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(element) {
  for (let each = element; each; each = each.parentElement) {
    const colour = getComputedStyle(each).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
}
const faint = [];
for (const element of document.querySelectorAll("body, body *")) {
  if (![...element.childNodes].some(each => each.nodeType === 3 && each.data.trim())) continue;
  const [a, b] = [getComputedStyle(element).color, ground(element)].map(luminance);
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) faint.push(`${contrast.toFixed(2)}: ${element.outerHTML}`);
}
return faint;
"""
"""Finds text with less contrast than WCAG 2 asks for (level AA)."""
