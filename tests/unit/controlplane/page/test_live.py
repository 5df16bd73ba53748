"""Pages that are kept live, over transports in memory and with a fake clock."""

import json
import re
from typing import Any

from twisted.internet.defer import Deferred

from cellrouter.controlplane.page import live
from cellrouter.controlplane.page.documents import Documents
from cellrouter.controlplane.page.events import STALL_TIMEOUT_S
from cellrouter.controlplane.page.live import INTERVAL_S, MAX_LISTENERS
from cellrouter.controlplane.page.sections import SECTIONS
from cellrouter.wire import Status
from tests.support.web import Asked, ask
from tests.unit.controlplane.page.pages import AT_S, PageTestCase
from tests.unit.controlplane.page.streams import Listening

ALL = [section.name for section in SECTIONS]


class LiveTestCase(PageTestCase):
    """Helpers."""

    def listen(self, **more: Any) -> Listening:
        """Open a stream."""
        listening = Listening(self.site, **more)
        self.addCleanup(listening.leave)
        return listening

    def tick(self, times: int = 1) -> None:
        """Let time pass until things have been looked at so many times."""
        for _ in range(times):
            self.clock.advance(INTERVAL_S)


class ListeningTests(LiveTestCase):
    """One listener and several."""

    def test_a_listener_gets_everything_at_first_and_then_what_has_changed(self) -> None:
        listening = self.listen()
        self.assertEqual(listening.sections(), ALL)
        listening.forget()
        self.tick(3)
        self.assertEqual(listening.answered, b"")
        self.nack(self.join("dp-1"), "it is too large")
        self.assertEqual(listening.answered, b"")
        self.tick()
        self.assertEqual(listening.sections(), ["verdict", "fleet"])
        self.assertIn("it is too large", dict(listening.events()[1:])["section"])

    def test_a_change_shows_within_two_seconds(self) -> None:
        self.assertLessEqual(INTERVAL_S, 1.0)
        listening = self.listen()
        self.tick(7)
        listening.forget()
        self.nack(self.join("dp-1"), "no")
        self.clock.advance(1.0)
        self.assertIn("fleet", listening.sections())

    def test_many_changes_at_once_are_drawn_once(self) -> None:
        listening = self.listen()
        listening.forget()
        for number in range(50):
            self.ack(self.join(f"dp-{number}", number))
        self.tick()
        self.assertEqual(listening.sections(), ["verdict", "fleet"])

    def test_a_change_is_drawn_once_for_all_listeners(self) -> None:
        drawn = []
        html_of = live.html_of
        self.patch(live, "html_of", lambda content: drawn.append(1) or html_of(content))
        listeners = [self.listen() for _ in range(20)]
        self.assertEqual(len(drawn), len(ALL))
        self.nack(self.join("dp-1"), "no")
        self.tick()
        self.assertEqual(len(drawn), len(ALL) + 2)
        for listening in listeners:
            self.assertEqual(listening.sections(), [*ALL, "verdict", "fleet"])

    def test_nothing_is_looked_at_when_nobody_listens(self) -> None:
        self.tick(10)
        self.assertEqual(self.gathered, 0)
        first, second = self.listen(), self.listen()
        self.tick(3)
        first.leave()
        looked = self.gathered
        self.tick()
        self.assertEqual(self.gathered, looked + 1)
        second.leave()
        self.tick(10)
        self.assertEqual(self.gathered, looked + 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_comes_later_gets_how_things_are_then(self) -> None:
        self.listen().leave()
        self.nack(self.join("dp-1"), "no")
        self.assertIn("dp-1", "".join(data for _, data in self.listen().events()))

    def test_who_comes_after_all_have_left_in_the_middle_of_a_look_gets_how_things_are_then(self) -> None:
        node = self.join("dp-1")
        slow = self.desk.history.slow = Deferred()
        self.listen().leave()
        slow.callback(None)
        for total in (0, 70):
            self.clock.advance(10)
            counted = {"total": total, "server_errors": 0, "latency_ms": [[1.0, total]]}
            self.desk.hub.fleet.reported(node, Status({}, counted))
        self.assertIn("7 /s", "".join(data for _, data in self.listen().events()))

    def test_figures_alone_are_drawn_every_five_seconds(self) -> None:
        node = self.join("dp-1")
        self.ack(node)
        listening = self.listen()
        listening.forget()
        gather = self.gatherer.gather
        number = 0

        async def busy() -> Documents:
            nonlocal number
            documents = await gather()
            number += 1
            documents.fleet["traffic"] = {"requests_per_s": number}
            return documents

        self.patch(self.live, "_gather", busy)
        self.tick(20)
        self.assertEqual(listening.sections().count("traffic"), 2)

    def test_looking_at_a_large_fleet_takes_a_tenth_of_the_time_at_most(self) -> None:
        gather = self.gatherer.gather

        async def slowly() -> Documents:
            self.gathered += 1
            self.clock.rightNow += 0.2
            return await gather()

        self.patch(self.live, "_gather", slowly)
        listening = self.listen()
        self.clock.pump([INTERVAL_S] * 120)
        self.assertLessEqual(self.gathered * 0.2, (self.clock.seconds() - AT_S) * 0.11)
        self.assertGreater(self.gathered, 20)
        self.assertGreaterEqual([kind for kind, _ in listening.events()].count("clock"), 4)

    def test_the_time_is_told_again_and_again(self) -> None:
        listening = self.listen()
        self.assertEqual(json.loads(dict(listening.events())["clock"])["now"], "2027-01-15T08:00:00.000Z")
        self.assertTrue(re.search(rb"retry: \d+\n\n", listening.answered))
        listening.forget()
        self.clock.pump([INTERVAL_S] * 30)
        self.assertEqual([kind for kind, _ in listening.events()], ["clock"])


class LimitTests(LiveTestCase):
    """Too many listeners, and bad ones."""

    def test_only_so_many_may_listen(self) -> None:
        listeners = [self.listen() for _ in range(MAX_LISTENERS)]
        refused = self.listen()
        self.assertEqual(refused.status, 503)
        self.assertIn(b"Retry-After: 10", refused.answered)
        listeners[7].leave()
        self.assertEqual(self.listen().status, 200)

    def test_who_does_not_read_is_sent_nothing_and_then_how_things_are(self) -> None:
        stalled, reading = self.listen(), self.listen()
        stalled.stall()
        stalled.forget()
        node = self.join("dp-1")
        for reason in ("one", "two", "three"):
            self.nack(node, reason)
            self.tick()
        self.assertEqual(stalled.answered, b"")
        self.assertEqual(reading.sections().count("fleet"), 4)
        stalled.read_again()
        self.assertEqual(stalled.sections(), ["verdict", "fleet"])
        self.assertIn(": three", dict(stalled.events()[1:])["section"])
        self.clock.advance(2 * STALL_TIMEOUT_S)
        self.assertFalse(stalled.aborted)

    def test_who_does_not_read_for_long_is_dropped(self) -> None:
        stalled, reading = self.listen(), self.listen()
        stalled.stall()
        self.clock.advance(STALL_TIMEOUT_S - 1)
        self.assertFalse(stalled.aborted)
        self.clock.advance(1)
        self.assertTrue(stalled.aborted)
        self.assertFalse(reading.aborted)
        reading.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_stalls_in_the_middle_of_the_sections_gets_the_others_later(self) -> None:
        listening = self.listen()
        write = listening.transport.writeSequence
        self.nack(self.join("dp-1"), "no")
        listening.forget()

        def write_and_stall(data: list[bytes]) -> None:
            listening.transport.writeSequence = write
            write(data)
            listening.stall()

        listening.transport.writeSequence = write_and_stall
        self.tick()
        self.assertEqual(listening.sections(), ["verdict"])
        listening.read_again()
        self.assertEqual(listening.sections(), ["verdict", "fleet"])

    def test_stopping_ends_all_and_lets_nobody_in(self) -> None:
        stalled, reading = self.listen(), self.listen()
        stalled.stall()
        self.live.stopService()
        self.assertTrue(stalled.aborted)
        self.assertTrue(reading.answered.endswith(b"0\r\n\r\n"))
        self.assertEqual(self.listen().status, 503)
        for delayed in self.clock.getDelayedCalls():
            # What is left are twisted.web's time-outs of connections without a request.
            self.assertIn("TimeoutMixin", repr(delayed.func))

    def test_something_unforeseen_is_logged_and_ends_the_streams_and_they_can_be_opened_again(self) -> None:
        async def broken() -> Documents:
            raise ZeroDivisionError

        self.patch(self.live, "_gather", broken)
        self.assertTrue(self.listen().answered.endswith(b"0\r\n\r\n"))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.patch(self.live, "_gather", self.gatherer.gather)
        self.assertEqual(self.listen().sections(), ALL)


class PageTests(LiveTestCase):
    """The page and its files."""

    def test_the_page_is_html_that_runs_nothing_but_ours_and_is_not_kept(self) -> None:
        answer = ask(self.site, "/")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertTrue(answer.body.startswith(b"<!DOCTYPE html>\n<html"))
        policy = answer.headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertEqual(
            [answer.headers[name] for name in ("x-frame-options", "x-content-type-options", "cache-control")],
            ["DENY", "nosniff", "no-store"],
        )

    def test_its_files_are_served_with_their_types(self) -> None:
        for name, type_ in (("js", "text/javascript"), ("css", "text/css"), ("svg", "image/svg+xml")):
            answer = ask(self.site, f"/status.{name}")
            self.assertEqual((answer.status, answer.headers["content-type"].split(";")[0]), (200, type_))
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertTrue(answer.body)

    def test_every_address_in_it_is_its_own_and_relative(self) -> None:
        addresses = re.findall(r'(?:src|href)="([^"]*)"', ask(self.site, "/").body.decode())
        self.assertIn("status.css", addresses)
        self.assertEqual([each for each in addresses if ":" in each or each.startswith("/")], [])

    def test_it_can_be_asked_for_and_not_written_to(self) -> None:
        for target in ("/", "/events", "/status.css"):
            self.assertEqual(ask(self.site, target, "POST").status, 405)
            answer = ask(self.site, target, "HEAD")
            self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(self.gathered, 1)

    def test_it_is_drawn_once_for_many_who_ask_at_once_and_anew_half_a_second_later(self) -> None:
        pages = {ask(self.site, "/").body for _ in range(20)}
        self.assertEqual((len(pages), self.gathered), (1, 1))
        self.nack(self.join("dp-1"), "no")
        self.clock.advance(INTERVAL_S)
        self.assertIn(b"dp-1", ask(self.site, "/").body)

    def test_who_asks_for_a_large_page_all_the_time_gets_a_tenth_of_the_time_at_most(self) -> None:
        gather = self.gatherer.gather

        async def slowly() -> Documents:
            self.gathered += 1
            self.clock.rightNow += 0.1
            return await gather()

        self.patch(self.live, "_gather", slowly)
        for _ in range(300):
            ask(self.site, "/")
            self.clock.advance(0.1)
        self.assertLessEqual(self.gathered * 0.1, (self.clock.seconds() - AT_S) * 0.11)
        self.assertGreater(self.gathered, 20)

    def test_ages_are_right_when_the_page_is_asked_for_while_others_listen(self) -> None:
        self.listen()
        self.clock.advance(120)
        self.assertIn(b"(2 min ago)", ask(self.site, "/").body)

    def test_who_leaves_before_the_page_is_drawn_does_no_harm(self) -> None:
        slow: Deferred[None] = Deferred()

        async def slowly() -> Documents:
            await slow
            return await self.gatherer.gather()

        self.patch(self.live, "_gather", slowly)
        leaving, staying = Asked(self.site, "/"), Asked(self.site, "/")
        leaving.leave()
        slow.callback(None)
        self.assertEqual(leaving.answered, b"")
        self.assertIn(b"200 OK", staying.answered)

    def test_a_failure_to_draw_is_logged(self) -> None:
        async def broken() -> Documents:
            raise ZeroDivisionError

        self.patch(self.live, "_gather", broken)
        self.assertEqual(ask(self.site, "/").status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
