"""The grammar of HTTP/1.1 as patterns, under the RFCs' own words for it.

Parsers in the field differ in what they forgive. These patterns forgive nothing but what is named here, so
that whatever passes has one reading only.
"""

import re

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
"""RFC 9110 section 5.6.2."""

FIELD_VALUE = rb"[^\x00-\x08\x0a-\x1f\x7f]*"
"""RFC 9110 section 5.5: visible characters, blanks and obs-text; no control character, so no CR and no LF."""

FIELD_LINES = rb"(?:" + TOKEN + rb"+:" + FIELD_VALUE + rb"+\r\n)*+"
"""RFC 9112 section 5: no blank before the colon, and no obs-fold, since a line begins with a token.

The second plus signs make the repetitions possessive: a line that does not match fails in linear time.
"""

ORIGIN_FORM = rb"/[!\"$-~]*+"
"""RFC 9112 section 3.2.1: visible characters, and no fragment."""

REQUEST_LINE = re.compile(
    rb"(" + TOKEN + rb"+) (?:(" + ORIGIN_FORM + rb")|([\x21-\x7e]++)) HTTP/([0-9]\.[0-9])"
)
"""RFC 9112 section 3: method, target and version, one blank between them; a target in origin form apart."""

MINOR_VERSIONS = {b"1.1": 1, b"1.0": 0}
"""RFC 9112 section 2.3: what is spoken here, with the minor number."""

STATUS_LINE = re.compile(rb"HTTP/([0-9]\.[0-9]) ([0-9]{3})(?: (" + FIELD_VALUE + rb"+))?")
"""RFC 9112 section 4; without a reason the blank before it may be missing too, as many servers omit it."""

FIELD = re.compile(rb"(" + TOKEN + rb"+):(" + FIELD_VALUE + rb"+)")
"""One line of :data:`FIELD_LINES`, without its end: name and value."""

TRAILERS = re.compile(FIELD_LINES + rb"\r\n")
"""RFC 9112 section 7.1.2."""

BARE_LF = re.compile(rb"(?<!\r)\n")
"""RFC 9112 section 2.2 lets a recipient accept it as the end of a line; then two parsers may disagree."""

CONTENT_LENGTH = re.compile(rb"[0-9]{1,18}")
"""RFC 9110 section 8.6, short enough for a signed 64-bit number everywhere."""

CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
"""RFC 9112 section 7.1: a size, and extensions that are ignored."""

HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]*)(?::[0-9]{0,5})?")
"""RFC 9110 section 7.2: ``uri-host [":" port]`` of RFC 3986, without user information."""

ABSOLUTE_FORM = re.compile(rb"[hH][tT][tT][pP][sS]?://([^/?#@:][^/?#@]*)([/?][!\"$-~]*)?")
"""RFC 9112 section 3.2.2, for the schemes that can be routed; RFC 9110 section 4.2.1 wants a host in it."""

REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")
"""What is believed as the ID of a request: 1 to 128 visible characters."""
