"""What an operator reads over HTTP."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane import reports
from cellrouter.controlplane.convergence import ALL_SEEN
from tests.unit.controlplane.desks import Desk
from tests.unit.controlplane.peers import Peer
from tests.unit.controlplane.test_intake import config


class ReportTests(SynchronousTestCase):
    """Reports of a hub and an intake on a fake clock."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.path = self.folder / "routing.json"
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.desk = Desk(self.folder, self.clock)
        self.hub, self.intake = self.desk.hub, self.desk.intake

    def load(self) -> None:
        self.path.write_bytes(config())
        self.intake.load_blocking()

    def test_health_is_503_with_a_reason_when_no_config_is_held(self) -> None:
        status, document = reports.health(self.hub, self.intake, self.desk.changes, self.desk.rollouts)
        self.assertEqual((status, document["reasons"]), (503, ["no config has been accepted yet"]))

    def test_health_is_200_while_a_config_is_held_and_says_what_is_wrong_with_the_file(self) -> None:
        self.load()
        self.path.unlink()
        self.intake.startService()
        self.addCleanup(self.intake.stopService)
        status, document = reports.health(self.hub, self.intake, self.desk.changes, self.desk.rollouts)
        self.assertEqual((status, document["status"], document["revision"]), (200, "ok", 1))
        self.assertEqual(
            document["file"],
            {
                "path": str(self.path),
                "state": "unreadable",
                "problems": [f"{self.path}: the file does not exist"],
            },
        )

    def test_config_is_nothing_until_there_is_one(self) -> None:
        self.assertEqual(reports.config(self.hub), b"")

    def test_config_is_the_document_with_its_identity(self) -> None:
        self.load()
        document = json.loads(reports.config(self.hub))
        self.assertEqual((document["version"], document["revision"]), ("1.0.0", 1))
        self.assertEqual(document["accepted_at"], "2001-09-09T01:46:40.000Z")
        self.assertEqual(document["config"], json.loads(config()))

    def test_fleet_is_one_entry_per_data_plane(self) -> None:
        self.load()
        peer = Peer(self.hub, 50001)
        running = {"version": "0.9.0", "revision": 7, "hash": "sha256:old", "source": "last_known_good"}
        peer.send({"type": "hello", "node_id": "dp-1", "software": "0.1.0", "running": running})
        error = {"path": "/version", "code": "empty_version", "message": "it is empty"}
        peer.send({"type": "nack", "version": "1.0.0", "revision": 1, "hash": None, "errors": [error]})
        self.clock.advance(2.5)
        report = reports.fleet(
            self.hub, self.intake, self.desk.rollouts, self.desk.traffic, self.clock, ALL_SEEN
        )
        self.assertEqual(
            report["data_planes"],
            [
                {
                    "node_id": "dp-1",
                    "address": "10.0.0.7:50001",
                    "connected": True,
                    "state": "nacked",
                    "connections": 1,
                    "since": "2001-09-09T01:46:40.000Z",
                    "last_seen": "2001-09-09T01:46:40.000Z",
                    "age_s": 2.5,
                    "software": "0.1.0",
                    "running": running,
                    "last_ack": None,
                    "last_nack": {
                        "version": "1.0.0",
                        "revision": 1,
                        "hash": None,
                        "at": "2001-09-09T01:46:40.000Z",
                        "age_s": 2.5,
                        "errors": [error],
                    },
                    "traffic": None,
                }
            ],
        )
        json.dumps(report)

    def test_an_age_is_never_negative_though_clocks_are_set_back(self) -> None:
        Peer(self.hub)
        past = Clock()
        (node,) = reports.fleet(self.hub, self.intake, self.desk.rollouts, self.desk.traffic, past, ALL_SEEN)[
            "data_planes"
        ]
        self.assertEqual(node["age_s"], 0.0)

    def test_of_a_large_fleet_the_worst_are_listed_and_all_are_counted(self) -> None:
        self.load()
        accepted = self.desk.changes.active
        assert accepted is not None
        said = {"version": "1.0.0", "revision": 1, "hash": accepted.hash}
        peers = {}
        for number, name in enumerate(("acked", "gone", "refusing", "behind")):
            peers[name] = peer = Peer(self.hub, 50001 + number)
            peer.send({"type": "hello", "node_id": name, "software": "0.1.0", "running": None})
            if name in ("acked", "gone"):
                peer.send({"type": "ack", **said, "apply_ms": 1.0})
        error = {"path": "/version", "code": "empty_version", "message": "it is empty"}
        peers["refusing"].send({"type": "nack", **said, "errors": [error]})
        peers["gone"].connection.abort()
        more = (self.hub, self.intake, self.desk.rollouts, self.desk.traffic, self.clock, ALL_SEEN)
        for most in range(5):
            report = reports.fleet(*more, most=most)
            names = [node["node_id"] for node in report["data_planes"]]
            self.assertEqual(names, ["refusing", "behind", "gone", "acked"][:most])
            self.assertEqual(report["states"], {"acked": 2, "nacked": 1, "drift": 0, "behind": 1})
            self.assertEqual(report["departed"], {"acked": 1, "nacked": 0, "drift": 0, "behind": 0})
