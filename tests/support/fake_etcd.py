"""An etcd in memory, behind what sends HTTP requests: as much of its gateway as is used."""

import base64
import json
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

COMPACTED = "etcdserver: mvcc: required revision has been compacted"
NO_LEADER = "etcdserver: no leader"
Json = dict[str, Any]


@define
class _Change:
    """A key as it was put, or deleted."""

    key: str
    value: str | None
    create_revision: int
    mod_revision: int
    version: int

    def shown(self, without_value: bool = False) -> Json:
        """Write it as the gateway does."""
        numbers = {
            "create_revision": str(self.create_revision),
            "mod_revision": str(self.mod_revision),
            "version": str(self.version),
        }
        return {"key": self.key, **numbers, **({} if without_value else {"value": self.value})}


@implementer(IAgent)
@define(eq=False)
class FakeEtcd:
    """What an agent is asked it answers itself.

    :ivar down: whether nobody can connect.
    :ivar down_at: the URLs at which nobody can connect.
    :ivar silent: whether it takes requests and does not answer.
    :ivar slow: what its next answer waits for on its way.
    :ivar puts_left: how many more changes it takes before it has no leader; None for any number.
    :ivar instead: what it answers to everything, if that is not what etcd would.
    :ivar cluster_id: which etcd it is.
    :ivar revision: the store's.
    :ivar asked: the path of each request.
    :ivar urls: the URL of each request.
    :ivar watches: the ones that are open.
    """

    down: bool = False
    down_at: tuple[str, ...] = ()
    silent: bool = False
    slow: "Deferred[None] | None" = None
    puts_left: int | None = None
    instead: bytes | None = None
    status: int | None = None
    cluster_id: int = 7
    revision: int = 1
    asked: list[str] = field(factory=list)
    urls: list[str] = field(factory=list)
    watches: "list[FakeResponse]" = field(factory=list)
    _log: list[_Change] = field(factory=list)
    _compacted: int = 0

    def request(
        self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None
    ) -> "Deferred[IResponse]":
        """Answer a request."""
        self.urls.append(uri.decode())
        path = "/" + uri.decode().split("/", 3)[3]
        self.asked.append(path)
        if self.down or uri.decode().startswith(self.down_at):
            return fail(ConnectError())
        if self.silent:
            return Deferred()
        written: list[bytes] = []
        bodyProducer.startProducing(_Consumer(written.append))
        if self.instead is not None:
            return succeed(FakeResponse(self.status or 200, self.instead))
        if path == "/v3/watch":
            return succeed(self._watch(json.loads(b"".join(written))))
        code, answer = self.answer(path, json.loads(b"".join(written)))
        response = FakeResponse(code, json.dumps(answer, separators=(",", ":")).encode())
        slow, self.slow = self.slow, None
        return succeed(response) if slow is None else slow.addCallback(lambda _: response)

    def answer(self, path: str, message: Json) -> tuple[int, Json]:
        """Answer a message; returns the status and the answer."""
        try:
            return 200, {"/v3/kv/txn": self._txn, "/v3/kv/put": self._put}[path](message)
        except LookupError as error:
            return 400, {"error": str(error.args[0]), "message": str(error.args[0]), "code": 11}

    def put(self, key: str, value: bytes) -> int:
        """Put a value; returns its revision."""
        self._put({"key": _encoded(key.encode()), "value": _encoded(value)})
        return self.revision

    def delete(self, key: str) -> None:
        """Delete a key."""
        self.revision += 1
        self._log.append(_Change(_encoded(key.encode()), None, 0, self.revision, 0))

    def compact(self, revision: int) -> None:
        """Forget what was before a revision."""
        self._compacted = revision

    def read(self, key: str) -> bytes | None:
        """Give the value of a key."""
        change = self._at(_encoded(key.encode()), self.revision)
        return None if change is None or change.value is None else base64.b64decode(change.value)

    def break_watches(self) -> None:
        """End every watch, as when the connection is lost."""
        for watch in self.watches.copy():
            watch.lose()
        self.watches.clear()

    def _header(self) -> Json:
        return {
            "cluster_id": str(self.cluster_id),
            "member_id": "1",
            "revision": str(self.revision),
            "raft_term": "2",
        }

    def _at(self, key: str, revision: int) -> _Change | None:
        found = [each for each in self._log if each.key == key and each.mod_revision <= revision]
        return found[-1] if found and found[-1].value is not None else None

    def _put(self, message: Json) -> Json:
        self.revision += 1
        self._write(message["key"], message.get("value", ""))
        return {"header": self._header()}

    def _write(self, key: str, value: str) -> None:
        before = self._at(key, self.revision)
        created, version = (
            (self.revision, 1) if before is None else (before.create_revision, before.version + 1)
        )
        change = _Change(key, value, created, self.revision, version)
        self._log.append(change)
        for watch in self.watches:
            if watch.key == key:
                watch.tell({"header": self._header(), "events": [{"kv": change.shown()}]})

    def _txn(self, message: Json) -> Json:
        for compare in message.get("compare", []):
            found = self._at(compare["key"], self.revision)
            if (0 if found is None else found.mod_revision) != int(compare["mod_revision"]):
                return {"header": self._header()}
        responses = []
        puts = [each["request_put"] for each in message["success"] if "request_put" in each]
        if puts and self.puts_left is not None:
            if not self.puts_left:
                raise LookupError(NO_LEADER)
            self.puts_left -= 1
        if puts:
            self.revision += 1
        for put in puts:
            self._write(put["key"], put["value"])
            responses.append({"response_put": {"header": {"revision": str(self.revision)}}})
        asked = [each["request_range"] for each in message["success"] if "request_range" in each]
        responses.extend({"response_range": self._range(each)} for each in asked)
        return {"header": self._header(), "succeeded": True, "responses": responses}

    def _range(self, message: Json) -> Json:
        revision = int(message.get("revision", "0")) or self.revision
        if revision < self._compacted:
            raise LookupError(COMPACTED)
        if revision > self.revision:
            raise LookupError("etcdserver: mvcc: required revision is a future revision")
        found = self._at(message["key"], revision)
        header = {"header": {"revision": str(self.revision)}}
        if found is None:
            return header
        return {**header, "kvs": [found.shown(message.get("keys_only", False))], "count": "1"}

    def _watch(self, message: Json) -> "FakeResponse":
        asked = message["create_request"]
        watch = FakeResponse(200, None, asked["key"])
        watch.tell({"header": self._header(), "created": True})
        since = int(asked["start_revision"])
        if 0 < since < self._compacted:
            header = {**self._header()}
            del header["revision"]
            watch.tell({"header": header, "canceled": True, "compact_revision": str(self._compacted)})
            return watch
        missed = [each for each in self._log if each.key == asked["key"] and since <= each.mod_revision]
        if since and missed:
            watch.tell({"header": self._header(), "events": [{"kv": each.shown()} for each in missed]})
        self.watches.append(watch)
        return watch


@define
class _Consumer:
    write: Any


@implementer(IResponse)
class FakeResponse:
    """An answer, complete or going on.

    :ivar code: its status.
    :ivar key: the key that is watched, if one is.

    :param body: all of it; None when it goes on.
    """

    def __init__(self, code: int, body: bytes | None, key: str = "") -> None:
        self.code = code
        self.length = None if body is None else len(body)
        self.key = key
        self._body = body
        self._waiting: list[bytes] = []
        self._protocol: Any = None

    def deliverBody(self, protocol: IProtocol) -> None:
        """Hand the body over."""
        self._protocol = protocol
        protocol.makeConnection(self)
        for piece in self._waiting:
            protocol.dataReceived(piece)
        if self._body is not None and self._protocol is not None:
            protocol.dataReceived(self._body)
            self._end(ResponseDone())

    def tell(self, result: Json) -> None:
        """Write a line of a watch."""
        self.write(json.dumps({"result": result}).encode() + b"\n")

    def write(self, data: bytes) -> None:
        """Write anything."""
        if self._protocol is None:
            self._waiting.append(data)
        else:
            self._protocol.dataReceived(data)

    def lose(self) -> None:
        """Lose the connection."""
        self._end(ResponseFailed([Failure(ConnectError())]))

    def loseConnection(self) -> None:
        """Be told that nobody reads any more."""
        self.lose()

    def _end(self, reason: Exception) -> None:
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(reason))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
