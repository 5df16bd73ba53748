"""What the fuzzer begins with: the vectors of the conformance tests, and valid documents and messages.

``python -m tests.fuzz.seeds FOLDER`` writes them, a folder for each front in it. The corpus was made of them.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from cellrouter.config import Violation
from cellrouter.wire import Ack, ConfigSnapshot, Hello, Message, Nack, Running, Status, encode
from tests.conformance.answers import BROKEN, PASSED, POISON, SOUND
from tests.conformance.framing import FRAMING
from tests.conformance.heads import HEADS
from tests.fuzz.cell_front import LEAVES, REQUESTS
from tests.fuzz.inputs import encoded
from tests.support.documents import document, text

CUTS = (b"", b"\x00" * 5, b"\x0f\x1f\x2f")
LONGEST_BYTES = 2048


def client() -> Iterator[bytes]:
    """Make inputs for the client's front."""
    for number, row in enumerate([*FRAMING, *HEADS]):
        yield encoded(number // len(CUTS) % 2, CUTS[number % len(CUTS)], row.raw)


def cell() -> Iterator[bytes]:
    """Make inputs for the cell's front."""
    for number, row in enumerate([*BROKEN, *PASSED]):
        for choice in (number % len(REQUESTS), LEAVES + (number + 3) % len(REQUESTS)):
            yield encoded(choice, CUTS[number % len(CUTS)], row.raw)
    for choice in range(2 * LEAVES):
        # After the answer, when nobody waits for anything.
        yield encoded(choice, bytes([len(SOUND) - 1]), SOUND + POISON)


def control_plane() -> Iterator[bytes]:
    """Make inputs for the control plane's front."""
    placement = {
        "url": "http://localhost:9001",
        "fallback": "tier3",
        "health_check": {"path": "/health", "interval": "2s", "timeout": "1s", "unhealthy_threshold": 3},
        "circuit_breaker": {"failure_threshold": 5, "timeout": "10s"},
        "concurrency_limit": 10,
        "max_request_body_bytes": 1000,
    }
    yield text()
    yield text(missingKeyPolicy="reject", cellEndpoints={"tier1": placement, "tier3": "http://[::1]:9003"})
    yield text(placements={"tier1": placement}, unknown=1)
    running = Running("1", None, "sha256:0", "last_known_good")
    messages: list[Message] = [
        ConfigSnapshot(document(), None, "source", "sha256:0"),
        Ack("1", None, "sha256:0", 1.5),
        Nack(None, None, None, (Violation("/a", "code", "text"),)),
        Hello("node", "cellrouter 1", running),
        Status({"tier1": {"in_flight": 1}}, {"total": 2}),
    ]
    yield from map(encode, messages)
    yield b'{"type": "other", "a": [1, 2.5, null, "\\u00e4", {"b": true}]}'


def main(folder: Path) -> None:
    """Write all inputs that are not too long."""
    for name, inputs in (("client", client()), ("cell", cell()), ("control-plane", control_plane())):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            if len(data) <= LONGEST_BYTES:
                (folder / name / f"{number:03}").write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
