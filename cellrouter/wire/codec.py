"""The messages' JSON form: one object with a ``type`` each.

A peer may be newer than this program: types and fields that it adds are ignored. Fields that are known are held to
strict types; one that may be absent may also be null.
"""

import json
from collections.abc import Callable, Mapping, Sequence

from attrs import asdict, evolve

from cellrouter.config import ConfigRefused, Revision, Violation
from cellrouter.config import rules
from cellrouter.config.shapes import Field, Shapes
from cellrouter.config.strict_json import read_json
from cellrouter.config.violations import Findings, pointer, quoted
from cellrouter.wire.messages import Ack, ConfigSnapshot, Hello, Message, Nack, Running, Status, Unknown
