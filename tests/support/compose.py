"""Runs the services of a compose file without a container engine.

Each service gets a network namespace with an interface on one bridge, names for all the others, its volumes
where the file says, and its command, environment and health check as written. What is not shown: that the
image builds, and its user, read-only root and capabilities. Needs root or user namespaces, ``ip`` and
``unshare``.

As a program it expects to be process 1 of namespaces of its own (:func:`in_namespaces`) and prints JSON.
"""

import json
import os
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[2]
COMPOSE = PROJECT / "docker" / "compose.yaml"
DOCKERFILE = PROJECT / "docker" / "Dockerfile"
STATE = Path("/var/lib/cellrouter")
CONFIG = Path("/etc/cellrouter")
INITIAL = PROJECT / "config" / "dataplane-initial-docker.json"
NETWORK = "10.77.0."
BRIDGE_ADDRESS = NETWORK + "254"
HEALTHY_WITHIN_S = 60.0
RETRY_S = 0.1

SERVICE = """
ip link set lo up
echo in its namespaces
read -r ready
ip address add "$ADDRESS/24" dev eth0
ip link set eth0 up
cd "$WORKING_FOLDER"
exec "$@" > "$LOG" 2>&1
"""


def in_namespaces(command: Iterable[str]) -> list[str]:
    """Wrap a command so that it has network, mounts and process IDs of its own, which all end with it."""
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [
        "unshare",
        *as_root,
        "--net",
        "--mount",
        "--pid",
        "--mount-proc",
        "--fork",
        "--kill-child",
        *command,
    ]


def dockerfile(path: Path = DOCKERFILE) -> list[tuple[str, str]]:
    """Read the last stage of a Dockerfile: each instruction with its arguments."""
    lines = path.read_text().replace("\\\n", " ").splitlines()
    instructions = [
        tuple(line.split(maxsplit=1)) for line in lines if line.strip() and not line.startswith("#")
    ]
    last = max(index for index, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[last:]


def image_environment() -> dict[str, str]:
    """Give the variables that the image sets, but for the path, which is that of this Python."""
    pairs = (arguments.split("=", 1) for word, arguments in dockerfile() if word == "ENV")
    return {name: value for name, value in pairs if name != "PATH"}


def health_check() -> list[str]:
    """Give the command of the image's health check."""
    (arguments,) = (arguments for word, arguments in dockerfile() if word == "HEALTHCHECK")
    return json.loads(arguments[arguments.index("CMD") + len("CMD") :])


def services(profile: str | None = None) -> dict[str, Any]:
    """Give the services of the compose file that are started.

    :param profile: beside those that always are, the ones of this.
    """
    every = yaml.safe_load(COMPOSE.read_text())["services"]
    return {name: each for name, each in every.items() if set(each.get("profiles", [profile])) <= {profile}}


class Host:
    """The machine that the services run on: a bridge and a folder for what they write.

    :param folder: where.
    :param services: as the compose file has them.
    """

    def __init__(self, folder: Path, services: dict[str, Any]) -> None:
        self._folder = folder
        self._services = services
        self._addresses = {name: f"{NETWORK}{number}" for number, name in enumerate(services, 1)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def prepare(self) -> None:
        """Make the bridge, the names of all services, and the image's folders."""
        _run("ip link set lo up")
        _run("ip link add app-network type bridge")
        _run(f"ip address add {BRIDGE_ADDRESS}/24 dev app-network")
        _run("ip link set app-network up")
        original = self._folder / "etc"
        original.mkdir()
        _run(f"mount --rbind /etc {original}")
        _run("mount -t tmpfs tmpfs /etc")
        for entry in original.iterdir():
            Path("/etc", entry.name).symlink_to(entry)
        hosts = Path("/etc/hosts")
        hosts.unlink(missing_ok=True)
        lines = [f"{address} {name}\n" for name, address in self._addresses.items()]
        hosts.write_text("127.0.0.1 localhost\n" + "".join(lines))
        CONFIG.mkdir()
        _run("mount -t tmpfs tmpfs /var/lib")
        STATE.mkdir()

    def start(self, name: str) -> None:
        """Start a service: its command, in its environment, with its volumes."""
        environment = self._environment(name)
        log = self._folder / f"{name}.log"
        script = "set -e\n" + "".join(self._mounts(name)) + SERVICE
        process = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", script, "sh", *self._services[name]["command"]],
            env={
                **environment,
                "ADDRESS": self._addresses[name],
                "LOG": str(log),
                "WORKING_FOLDER": str(STATE),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._processes[name] = process
        process.stdout.readline()
        number = self._addresses[name].removeprefix(NETWORK)
        _run(f"ip link add service{number} type veth peer name eth0 netns {process.pid}")
        _run(f"ip link set service{number} master app-network up")
        process.stdin.write(b"\n")
        process.stdin.flush()

    def wait_until_healthy(self, name: str) -> None:
        """Run the image's health check in a service until it succeeds.

        :raises SystemExit: when that takes too long, with the service's log.
        """
        own = self._services[name].get("healthcheck", {}).get("test")
        self._until(name, lambda: self._succeeds(name, health_check() if own is None else own[1:]))

    def run(self, name: str, *command: str) -> None:
        """Run a command in a service, as ``docker compose exec`` does, until it succeeds."""
        self._until(name, lambda: self._succeeds(name, command))

    def kill(self, name: str) -> None:
        """Kill the processes of a service."""
        self._processes[name].kill()
        self._processes[name].wait()

    def _succeeds(self, name: str, command: Iterable[str]) -> bool:
        pid = self._processes[name].pid
        inside = ["nsenter", "--target", str(pid), "--net", "--mount", *command]
        ended = subprocess.run(inside, env=self._environment(name), capture_output=True, check=False)
        return ended.returncode == 0

    def wait_for_version(self, name: str, port: int, version: str) -> None:
        """Wait until a data plane has applied a version of the config."""
        url = f"http://{name}:{port}/debug/config-version"
        self._until(name, lambda: json.loads(urllib.request.urlopen(url).read())["version"] == version)

    def _until(self, name: str, done: Any) -> None:
        end = time.monotonic() + HEALTHY_WITHIN_S
        while not done():
            if time.monotonic() > end or self._processes[name].poll() is not None:
                log = self._folder / f"{name}.log"
                raise SystemExit(f"{name} did not get ready:\n{log.read_text()}")
            time.sleep(RETRY_S)

    def _environment(self, name: str) -> dict[str, str]:
        kept = {
            variable: os.environ[variable] for variable in ("PATH", "PYTHONPATH") if variable in os.environ
        }
        return {**kept, **image_environment(), **self._services[name].get("environment", {})}

    def _mounts(self, name: str) -> Iterable[str]:
        for volume in self._services[name].get("volumes", ()):
            source, target, *options = volume.split(":")
            folder = (COMPOSE.parent / source).resolve() if source.startswith(".") else self._folder / source
            folder.mkdir(exist_ok=True)
            yield f"mkdir -p {target}\n"
            yield f"mount --bind {shlex.quote(str(folder))} {target}\n"
            if "ro" in options:
                yield f"mount -o remount,bind,ro {target}\n"


def routed(url: str, key: str) -> dict[str, object]:
    """Send a request with a routing key."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"X-Routing-Key": key})) as response:
        return {
            "status": response.status,
            "cell": json.loads(response.read())["cell"],
            "routed_to": response.headers["X-Routed-To"],
        }


def main(folder: Path, profile: str, keys: list[str]) -> None:
    """Start every service, wait until all are healthy, and send a request for each routing key.

    With the profile ``ha`` it is the data plane of that; one of its control planes is killed afterwards, and
    a change made at the other.
    """
    ha = profile == "ha"
    wanted = services(profile if ha else None)
    host = Host(folder, wanted)
    host.prepare()
    for name in wanted:
        host.start(name)
    if ha:
        host.run("ha-control-plane-1", "cellrouter", "apply", str(CONFIG / "routing-docker.json"))
    for name in wanted:
        host.wait_until_healthy(name)
    data_plane = "ha-data-plane" if ha else "data-plane"
    host.wait_for_version(data_plane, 8080, "1.0.0")
    answers = {key: routed(f"http://{data_plane}:8080/", key) for key in keys}
    if ha:
        host.kill("ha-control-plane-1")
        apply = (
            "cellrouter",
            "apply",
            str(CONFIG / "dataplane-initial-docker.json"),
            "--override",
            "moving on",
        )
        host.run("ha-control-plane-2", *apply)
        host.wait_for_version(data_plane, 8080, json.loads(INITIAL.read_text())["version"])
    print(json.dumps(answers))


def _run(command: str) -> None:
    subprocess.run(shlex.split(command), check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
