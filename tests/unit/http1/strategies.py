"""Messages for property tests: sound, damaged, and anything that resembles one."""

from hypothesis import strategies as st

TOKEN_CHARACTERS = b"!#$%&'*+-.^_`|~09AZaz"
SPECIAL = [
    *(b"Host", b"X-Routing-Key", b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade"),
    *(b"Expect", b"X-Request-ID", b"X-Forwarded-For", b"Via", b"TE", b"X-Routed-To", b"Keep-Alive"),
]


def characters(alphabet: bytes, **size: int) -> st.SearchStrategy[bytes]:
    """Make bytes out of some of all bytes."""
    return st.lists(st.sampled_from(list(alphabet)), **size).map(bytes)


plain_names = characters(TOKEN_CHARACTERS, min_size=1, max_size=8).map(lambda name: b"F-" + name)
"""Names of fields that mean nothing to a proxy."""

values = st.one_of(
    st.just(b""),
    characters(b'\x21,;="az\x7e\x80\xff', max_size=8),
    characters(b"az \t\xe4", max_size=8).map(lambda value: b"v" + value + b"v"),
)
"""Values that may stand between blanks, which belong to no value."""

plain_fields = st.lists(st.tuples(plain_names, values), max_size=6)
targets = characters(b"!$&'()*+,-./09:;=?@AZ_az~%\"<>\\^`{|}", max_size=12).map(lambda rest: b"/" + rest)
methods = st.sampled_from([b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"M-SEARCH"])
reasons = characters(b"az \t!\xff", max_size=8)

fragments = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *(b"GET ", b"POST ", b"/", b"*", b"http://x", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n"),
                *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 Wait\r\n", b"HTTP/1.0 204\r\n"),
                *(b"\r\n", b"\r", b"\n", b"\r\n\r\n", b" ", b"\t", b":", b": ", b",", b"\0", b"\xff"),
                *(b"5", b"chunked", b"close", b"keep-alive", b"upgrade", b"100-continue", b"h2c", b"x"),
                *(b"0\r\n", b"5\r\nhello\r\n", b"5;a\r\nhel", b"a: b\r\n", b"Host: x\r\n"),
                *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"),
                *SPECIAL,
            ]
        ),
        st.binary(max_size=3),
    ),
    max_size=16,
).map(b"".join)
"""What resembles a message."""


@st.composite
def request_heads(draw: st.DrawFn) -> bytes:
    """Make a sound request head."""
    lines = [draw(methods) + b" " + draw(targets) + draw(st.sampled_from([b" HTTP/1.1", b" HTTP/1.0"]))]
    lines += [b"Host: x", *(name + b": " + value for name, value in draw(plain_fields))]
    return b"\r\n".join([*lines, b"", b""])


@st.composite
def response_heads(draw: st.DrawFn) -> bytes:
    """Make a sound response head."""
    line = b"HTTP/1.1 %d " % draw(st.sampled_from([100, 103, 200, 204, 304, 404, 599])) + draw(reasons)
    fields = [name + b": " + value for name, value in draw(plain_fields)]
    return b"\r\n".join([line, *fields, b"", b""])


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """Make a sound chunked body."""
    raw = b""
    for content in draw(st.lists(st.binary(min_size=1, max_size=20), max_size=5)):
        size = draw(st.sampled_from([b"%x", b"%X", b"000%x"])) % len(content)
        raw += size + draw(st.sampled_from([b"", b";", b';a="b"'])) + b"\r\n" + content + b"\r\n"
    trailers = draw(st.sampled_from([b"", b"A: b\r\n", b"A:\r\nB: \xff\r\n"]))
    return raw + draw(st.sampled_from([b"0", b"000", b"0;a"])) + b"\r\n" + trailers + b"\r\n"


@st.composite
def damaged(draw: st.DrawFn, sound: st.SearchStrategy[bytes]) -> bytes:
    """Put something in the place of a few bytes."""
    raw = draw(sound)
    at = draw(st.integers(0, len(raw)))
    piece = draw(st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b":", b"\0", b"5", b"\xff"]))
    return raw[:at] + piece + raw[at + draw(st.integers(0, 2)) :]


@st.composite
def split(draw: st.DrawFn, streams: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """Make a stream, and cut it."""
    raw = draw(streams)
    cuts = sorted(draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    parts = [raw[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    return raw, [part for part in parts if part]
