"""The format of the stream."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.page.events import encode_event, encode_retry
from tests.unit.controlplane.page.streams import parse_events


class CodecTests(SynchronousTestCase):
    """What a browser reads."""

    @given(st.lists(st.text(alphabet=st.sampled_from("a: \n\r<é"), max_size=30)))
    def test_any_text_arrives_as_one_event_with_the_same_lines(self, texts: list[str]) -> None:
        stream = b"".join(encode_event("section", text) for text in texts).decode()
        lines = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
        self.assertEqual(parse_events(stream), [("section", text) for text in lines])

    def test_an_event_is_written_as_the_standard_says(self) -> None:
        self.assertEqual(encode_event("x", "a\nevent: y"), b"event: x\ndata: a\ndata: event: y\n\n")

    def test_how_long_to_wait_is_in_milliseconds(self) -> None:
        self.assertEqual(encode_retry(2000), b"retry: 2000\n\n")
