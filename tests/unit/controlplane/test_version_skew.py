"""Data planes that are older or newer than the control plane."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.hub import Hub
from tests.support.logs import CapturedLog
from tests.unit.controlplane.peers import Peer

ACK = {"type": "ack", "version": "1", "revision": 1, "hash": "sha256:x", "apply_ms": 1.0}


class VersionSkewTests(SynchronousTestCase):
    """A hub, and a data plane of another version."""

    def setUp(self) -> None:
        self.log = CapturedLog(self)
        self.hub = Hub(Clock())
        self.peer = Peer(self.hub)

    def test_fields_of_a_newer_one_are_ignored_and_logged_once(self) -> None:
        for _ in range(100):
            self.peer.send({**ACK, "mood": "good"})
        (node,) = self.hub.fleet.nodes()
        self.assertIsNotNone(node.last_ack)
        self.assertEqual(self.log.text.count("ignored unknown fields: '/mood' (logged once)"), 1)
        self.assertFalse(self.peer.dropped)

    def test_an_older_one_that_sends_no_hello_is_listed_by_its_address_with_what_it_runs(self) -> None:
        self.peer.send(ACK)
        self.peer.send({"type": "status", "placements": {}, "requests": {}})
        (node,) = self.hub.fleet.nodes()
        assert node.running is not None
        self.assertEqual((node.node_id, node.address, node.running.revision), (None, "10.0.0.7:50000", 1))

    def test_a_status_of_a_newer_one_may_say_more(self) -> None:
        self.peer.send({"type": "status", "placements": {"a": {"x": [1]}}, "requests": {"y": {"z": None}}})
        (node,) = self.hub.fleet.nodes()
        self.assertEqual(node.last_seen, 0.0)
        self.assertFalse(self.peer.dropped)
