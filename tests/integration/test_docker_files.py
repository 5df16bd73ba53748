"""The files in docker/ are true: what they say runs, even where no container engine is at hand."""

import json
import subprocess
import sys
from pathlib import Path

import yaml
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from cellrouter.config import load_config
from cellrouter.controlplane.sources import config_source
from cellrouter.dataplane.urls import control_plane_urls
from tests.support import compose
from tests.support.compose import (
    COMPOSE,
    CONFIG,
    PROJECT,
    dockerfile,
    health_check,
    image_environment,
    in_namespaces,
    services,
)
from tests.support.etcd import demand_etcd
from tests.support.processes import ProcessTestCase, programs

CELLS = {"acme": "tier1", "globex": "tier2", "initech": "tier3", "visa": "visa", "not-in-the-table": "tier3"}
PROBE = ("sh", "-c", "ip link add bridge0 type bridge && ip link add veth0 type veth peer name veth1")


def why_not() -> str | None:
    """Say why services cannot be run here, if they cannot."""
    try:
        probe = subprocess.run(in_namespaces(PROBE), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    return None if probe.returncode == 0 else f"no namespaces, bridges or veths here: {probe.stderr.strip()}"


class ComposeTests(ProcessTestCase):
    """The services of compose.yaml, each in a network namespace, run as written."""

    async def test_every_service_is_healthy_and_every_cell_gets_its_requests(self) -> None:
        await self.run_services("-")

    async def test_two_control_planes_on_one_etcd_do_as_well_and_either_can_be_killed(self) -> None:
        demand_etcd()
        await self.run_services("ha")

    async def run_services(self, profile: str) -> None:
        """Run those of a profile, and check what the requests came to."""
        reason = why_not()
        if reason is not None:
            raise SkipTest(reason)
        child = self.start(
            *in_namespaces((sys.executable, compose.__file__, str(self.folder), profile, *CELLS)),
            environment={"PATH": f"{programs(self.folder)}:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        self.assertEqual(await child.until_ended(), 0, child.stderr.decode())
        answers = json.loads(child.stdout)
        self.assertEqual(
            answers,
            {
                key: {"status": 200, "cell": cell, "routed_to": f"http://{cell}-cell:8080"}
                for key, cell in CELLS.items()
            },
        )


class FileTests(SynchronousTestCase):
    """What can be seen without running anything."""

    def test_there_are_a_control_plane_a_data_plane_and_four_cells_on_one_network(self) -> None:
        whole = yaml.safe_load(COMPOSE.read_text())
        cells = {f"{name}-cell" for name in ("tier1", "tier2", "tier3", "visa")}
        self.assertEqual(set(services()), cells | {"control-plane", "data-plane"})
        replicas = {"ha-control-plane-1", "ha-control-plane-2"}
        self.assertEqual(set(services("ha")) - set(services()), replicas | {"etcd", "ha-data-plane"})
        for service in whole["services"].values():
            self.assertEqual(service["networks"], ["app-network"])
        self.assertEqual(set(whole["networks"]), {"app-network"})

    def test_the_control_planes_of_the_profile_watch_one_key_and_their_data_plane_knows_both(self) -> None:
        ha = services("ha")
        both = [ha[name]["environment"] for name in ("ha-control-plane-1", "ha-control-plane-2")]
        (source,) = {config_source(environment["CONFIG_SOURCE"]) for environment in both}
        self.assertEqual(source.endpoints, ("http://etcd:2379",))
        urls = control_plane_urls(ha["ha-data-plane"]["environment"]["CONTROL_PLANE_URL"])
        self.assertEqual([url.host for url in urls], ["ha-control-plane-1", "ha-control-plane-2"])

    def test_every_config_that_a_service_names_is_valid_and_leads_to_its_cells(self) -> None:
        named = [service["environment"].get("CONFIG_PATH") for service in services().values()]
        paths = [PROJECT / "config" / Path(name).relative_to(CONFIG) for name in named if name is not None]
        self.assertEqual(len(paths), 2)
        for path in paths:
            placements = load_config(path.read_bytes()).config.placements
            hosts = {placement.url for placement in placements.values()}
            self.assertLessEqual(hosts, {f"http://{name}:8080" for name in services()})

    def test_the_image_runs_as_a_user_of_its_own_and_tells_its_health(self) -> None:
        words = dict(dockerfile())
        self.assertNotIn(words["USER"], ("root", "0"))
        self.assertIn(
            f"useradd --system --uid 10001 --home-dir {words['WORKDIR']} --create-home", words["RUN"]
        )
        self.assertIn("HEALTH_URL", " ".join(health_check()))
        self.assertEqual(image_environment()["HEALTH_URL"], "http://127.0.0.1:8082/readyz")

    def test_what_the_image_copies_is_let_through_by_its_ignore_file(self) -> None:
        lines = (PROJECT / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
        allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
        needed = {"README.rst", "cellrouter", "config", "pyproject.toml", "setup.cfg", "twisted"}
        self.assertEqual(allowed, needed)
