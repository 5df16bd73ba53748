"""What clients ask and cells answer in the state machine: the bytes, and what they mean.

Every request has a number. It is in the request's path and fields, and in the answer's fields and both
bodies, so whatever reaches the wrong side shows.
"""

from enum import Enum, auto

from attrs import field, frozen
from hypothesis import strategies as st

SIZES = st.sampled_from([0, 1, 17, 1000, 70_000, 500_000])
"""Of bodies, in bytes: none, small ones, more than is read at once, more than may be held."""

EXTRA = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
"""What a cell may send after the end of its answer."""


class Framing(Enum):
    """How a body ends."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class Fault(Enum):
    """What is wrong with an answer."""

    NOT_HTTP = b"SSH-2.0-cell\r\n\r\n"
    TWO_FRAMINGS = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    UNASKED_SWITCH = b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"
    TOO_MANY_INTERIMS = b"HTTP/1.1 102 Wait\r\n\r\n" * 32
    BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n"


def filler(number: int, size: int) -> bytes:
    """Make the content of a body that belongs to one request."""
    unit = b"r%d;" % number
    return (unit * (size // len(unit) + 1))[:size]


def _chunked(content: bytes, trailers: bytes) -> bytes:
    middle = len(content) // 3
    pieces = [piece for piece in (content[:middle], content[middle:]) if piece]
    chunks = b"".join(b"%x;of=two\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


def _framed(framing: Framing, content: bytes, trailer: bool) -> bytes:
    return (
        _chunked(content, b"X-Trailer: t\r\n" if trailer else b"") if framing is Framing.CHUNKED else content
    )


def _framing_field(framing: Framing, size: int) -> list[str]:
    fields = {Framing.LENGTH: f"Content-Length: {size}", Framing.CHUNKED: "Transfer-Encoding: chunked"}
    return [fields[framing]] if framing in fields else []


def _head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode()


@frozen
class RequestScript:
    """A well-formed request.

    :param key: the routing key, or None for a request without one.
    :param trailer: whether a chunked body ends with a field.
    :param upgrades: whether it offers to switch protocols.
    """

    method: str = "GET"
    minor: int = 1
    framing: Framing = Framing.NONE
    size: int = 0
    key: str | None = "acme"
    connection: str | None = None
    expects: bool = False
    trailer: bool = False
    upgrades: bool = False

    def head(self, number: int) -> bytes:
        """Write the head."""
        lines = [f"{self.method} /r{number} HTTP/1.{self.minor}", "Host: x", f"X-Request-ID: q{number}"]
        if self.key is not None:
            lines.append(f"X-Routing-Key: {self.key}")
        if self.connection is not None:
            lines.append(f"Connection: {self.connection}")
        if self.expects:
            lines.append("Expect: 100-continue")
        if self.upgrades:
            lines.append("Upgrade: echo")
        return _head(*lines, *_framing_field(self.framing, self.size))

    def body(self, number: int) -> bytes:
        """Write the body's content."""
        return b"" if self.framing is Framing.NONE else filler(number, self.size)

    def raw(self, number: int) -> bytes:
        """Write the whole of it."""
        return self.head(number) + _framed(self.framing, self.body(number), self.trailer)


@frozen
class AnswerScript:
    """An answer, sound or not.

    :param interims: the statuses of the 1xx responses before it.
    :param closes: whether it says that the connection ends with it.
    :param extra: whether something follows that nobody asked for.
    :param fault: what is wrong with it; then nothing else of it matters.
    :param switches: whether it takes an offer to switch protocols.
    """

    status: int = 200
    framing: Framing = Framing.LENGTH
    size: int = 2
    minor: int = 1
    interims: tuple[int, ...] = ()
    closes: bool = False
    trailer: bool = False
    extra: bool = False
    fault: Fault | None = None
    switches: bool = False

    def has_body(self, method: str) -> bool:
        """Whether content follows the head."""
        return method != "HEAD" and self.status not in (204, 304) and not self.switches

    def body(self, number: int, method: str) -> bytes:
        """Write the body's content."""
        return filler(number, self.size) if self.has_body(method) else b""

    def raw(self, number: int, method: str) -> bytes:
        """Write the whole of it."""
        if self.fault is not None:
            return self.fault.value
        interims = b"".join(_head(f"HTTP/1.1 {each} Wait", "Link: </a>") for each in self.interims)
        if self.switches:
            return interims + _head(
                "HTTP/1.1 101 Go", f"X-Mark: r{number}", "Connection: Upgrade", "Upgrade: echo"
            )
        fields = [f"X-Mark: r{number}", "X-Routed-To: http://192.0.2.1:1", "X-Route-Reason: nowhere"]
        if self.closes:
            fields.append("Connection: close")
        if self.status != 204:
            fields += _framing_field(self.framing, self.size)
        head = interims + _head(f"HTTP/1.{self.minor} {self.status} Fine", *fields)
        return head + (
            _framed(self.framing, self.body(number, method), self.trailer) if self.has_body(method) else b""
        )


@frozen
class Config:
    """A config, and where it sends requests by the specification's own words.

    :param number: it is its revision and in its version.
    :param ports: of the placements.
    :param routes: placements by key.
    :param rejects: whether a request without a key is refused.
    """

    number: int
    ports: dict[str, int]
    routes: dict[str, str]
    default: str
    rejects: bool = False
    version: str = field(init=False)

    @version.default
    def _version(self) -> str:
        return f"v{self.number}"

    @property
    def fields(self) -> dict[str, object]:
        """The document's fields."""
        return {
            "routingTable": self.routes,
            "cellEndpoints": {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()},
            "defaultPlacement": self.default,
            "missingKeyPolicy": "reject" if self.rejects else "default",
        }

    def placement(self, key: str | None) -> str | None:
        """Say which placement a request goes to, or that it is refused."""
        if key is None and self.rejects:
            return None
        return self.routes.get(key or "", self.default)

    def match(self, key: str | None) -> str:
        """Say why it goes there."""
        return "missing" if key is None else "exact" if key in self.routes else "default"

    def url(self, placement: str) -> str:
        """Give the address of a placement's cell."""
        return f"http://127.0.0.1:{self.ports[placement]}"


KEYS = st.sampled_from(["acme", "acme", "bmw", "nobody", None])

REQUESTS = st.one_of(
    st.builds(
        RequestScript,
        method=st.sampled_from(["GET", "GET", "HEAD", "OPTIONS"]),
        key=KEYS,
        connection=st.sampled_from([None, None, None, "close"]),
    ),
    st.builds(
        RequestScript,
        method=st.sampled_from(["POST", "PUT"]),
        framing=st.sampled_from([Framing.LENGTH, Framing.CHUNKED]),
        size=SIZES,
        key=KEYS,
        expects=st.booleans(),
        trailer=st.booleans(),
    ),
    st.builds(
        RequestScript,
        method=st.sampled_from(["GET", "POST"]),
        minor=st.just(0),
        framing=st.just(Framing.LENGTH),
        size=st.sampled_from([0, 17, 70_000]),
        key=KEYS,
        connection=st.sampled_from([None, "keep-alive"]),
    ),
    st.builds(RequestScript, key=KEYS, connection=st.just("Upgrade"), upgrades=st.just(True)),
)

PLAIN_REQUESTS = st.one_of(
    st.builds(RequestScript, key=KEYS),
    st.builds(
        RequestScript,
        method=st.just("POST"),
        framing=st.sampled_from([Framing.LENGTH, Framing.CHUNKED]),
        size=st.sampled_from([17, 70_000]),
        key=KEYS,
    ),
)

INTERIMS = st.sampled_from([(), (), (100,), (103,), (100, 103, 103)])

ANSWERS = st.one_of(
    st.builds(
        AnswerScript,
        status=st.sampled_from([200, 200, 404, 503]),
        framing=st.sampled_from([Framing.LENGTH, Framing.CHUNKED]),
        size=SIZES,
        interims=INTERIMS,
        closes=st.sampled_from([False, False, True]),
        trailer=st.booleans(),
    ),
    st.builds(AnswerScript, status=st.sampled_from([204, 304]), interims=INTERIMS),
    st.builds(AnswerScript, framing=st.just(Framing.UNTIL_CLOSE), size=SIZES, minor=st.sampled_from([0, 1])),
    st.builds(AnswerScript, framing=st.just(Framing.LENGTH), size=st.sampled_from([0, 17]), minor=st.just(0)),
    st.builds(
        AnswerScript,
        framing=st.sampled_from([Framing.LENGTH, Framing.CHUNKED]),
        size=st.sampled_from([0, 17, 1000]),
        extra=st.just(True),
    ),
    st.builds(AnswerScript, fault=st.sampled_from(Fault)),
    st.builds(AnswerScript, switches=st.just(True)),
)

PLACEMENTS = st.fixed_dictionaries(
    {"a": st.sampled_from([9001, 9011]), "d": st.just(9003)}, optional={"b": st.sampled_from([9002, 9012])}
)


@st.composite
def configs(draw: st.DrawFn, number: int) -> Config:
    """Make a config."""
    ports = draw(PLACEMENTS)
    names = sorted(ports)
    routes = draw(
        st.fixed_dictionaries({"acme": st.sampled_from(names)}, optional={"bmw": st.sampled_from(names)})
    )
    return Config(number, ports, routes, draw(st.sampled_from(["d", "d", "a"])), draw(st.booleans()))
