"""The reactor on uvloop, judged by Twisted's own tests; and who runs on it."""

import re
import sys
from importlib.util import find_spec
from unittest import skipIf

from tests.support.documents import document
from tests.support.processes import DEFAULT_TIMEOUT_S, TWISTD, ProcessTestCase
