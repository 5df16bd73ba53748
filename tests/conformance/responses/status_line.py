"""The status line: a version that exists, three digits, a reason, and nothing before them."""

from tests.conformance.responses.making import SOUND, status_line
from tests.conformance.rows import RAW, Broken, Passed


def passed(status: int, reason: str, **options: object) -> Passed:
    """Make a row for a status that is sent on."""
    raw = status_line(b"HTTP/1.1 %d %b" % (status, reason.encode()))
    return Passed(f"{status}", raw, status=status, reused=True, **options)


ROWS = [
    *(
        Broken(name, status_line(raw))
        for name, raw in (
            ("version 2.0", b"HTTP/2.0 200 OK"),
            ("version 1.2", b"HTTP/1.2 200 OK"),
            ("version 0.9", b"HTTP/0.9 200 OK"),
            ("version without a minor number", b"HTTP/1 200 OK"),
            ("version with two minor digits", b"HTTP/1.10 200 OK"),
            ("version in small letters", b"http/1.1 200 OK"),
            ("another protocol", b"ICY 200 OK"),
            ("two blanks before the status", b"HTTP/1.1  200 OK"),
            ("tab before the status", b"HTTP/1.1\t200 OK"),
            ("tab after the status", b"HTTP/1.1 200\tOK"),
            ("no blank before the status", b"HTTP/1.1200 OK"),
            ("no blank after the status", b"HTTP/1.1 200OK"),
            ("no status", b"HTTP/1.1"),
            ("no status but a reason", b"HTTP/1.1 OK"),
            ("status of two digits", b"HTTP/1.1 20 OK"),
            ("status of four digits", b"HTTP/1.1 2000 OK"),
            ("status of letters", b"HTTP/1.1 abc OK"),
            ("status with a sign", b"HTTP/1.1 +200 OK"),
            ("negative status", b"HTTP/1.1 -20 OK"),
            ("hexadecimal status", b"HTTP/1.1 0xC OK"),
            ("status with a fraction", b"HTTP/1.1 200.0 OK"),
            ("status in other digits", "HTTP/1.1 \u0662\u0660\u0660 OK".encode()),
            ("status 000", b"HTTP/1.1 000 Odd"),
            ("status 099", b"HTTP/1.1 099 Odd"),
            ("status 600", b"HTTP/1.1 600 Odd"),
            ("status 999", b"HTTP/1.1 999 Odd"),
            ("NUL in the reason", b"HTTP/1.1 200 O\0K"),
            ("bare CR in the reason", b"HTTP/1.1 200 O\rK"),
            ("bare CR after the reason", b"HTTP/1.1 200 OK\r"),
            ("bare LF in the reason", b"HTTP/1.1 200 OK\nA: b"),
            ("escape in the reason", b"HTTP/1.1 200 \x1b[2J"),
            ("DEL in the reason", b"HTTP/1.1 200 O\x7fK"),
            ("folded reason", b"HTTP/1.1 200 O\r\n K"),
        )
    ),
    *(
        Broken(f"before it: {name}", raw + SOUND)
        for name, raw in (
            ("an empty line", b"\r\n"),
            ("a bare LF", b"\n"),
            ("a blank", b" "),
            ("a NUL", b"\0"),
            ("a byte order mark", b"\xef\xbb\xbf"),
            ("a field", b"A: b\r\n"),
            ("the rest of a body", b"hello"),
        )
    ),
    Broken("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    Broken("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    Broken("body without a head", b"hello\r\n\r\n"),
    Passed("empty reason", status_line(b"HTTP/1.1 200 "), reused=True),
    Passed("no reason", status_line(b"HTTP/1.1 200"), or_refused=True),
    Passed("long reason", status_line(b"HTTP/1.1 200 " + b"reason " * 500 + b"."), reused=True),
    Passed(
        "tabs, colons and bytes beyond ASCII in the reason",
        status_line(b"HTTP/1.1 200 a:\tb \xff"),
        reused=True,
        doors=RAW,
    ),
    Passed("reason that says another status", status_line(b"HTTP/1.1 200 404 Not Found"), reused=True),
    passed(201, "Created"),
    passed(299, "Odd"),
    passed(301, "Moved"),
    passed(401, "Unauthorized"),
    passed(426, "Upgrade Required"),
    passed(499, "Odd"),
    passed(500, "Oops"),
    passed(502, "Bad Gateway"),
    passed(599, "Odd"),
]
