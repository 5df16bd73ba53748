"""The control plane's URL as operators write it."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from cellrouter.dataplane.urls import ControlPlaneUrl, control_plane_url, control_plane_urls


class UrlTests(SynchronousTestCase):
    """What is accepted and what is not."""

    def test_good_urls(self) -> None:
        for text, url in (
            ("ws://cp:8081/connect", ControlPlaneUrl("ws://cp:8081/connect", "cp", 8081, False)),
            ("ws://cp:8081", ControlPlaneUrl("ws://cp:8081/connect", "cp", 8081, False)),
            ("wss://cp/", ControlPlaneUrl("wss://cp/connect", "cp", 443, True)),
            ("ws://[::1]:8081/x?y=z", ControlPlaneUrl("ws://[::1]:8081/x?y=z", "::1", 8081, False)),
        ):
            self.assertEqual(control_plane_url(text), url)

    def test_several_are_separated_by_commas(self) -> None:
        urls = control_plane_urls("ws://a:1, ws://b:2")
        self.assertEqual([(url.host, url.port) for url in urls], [("a", 1), ("b", 2)])

    def test_bad_urls(self) -> None:
        for text in (
            "",
            "cp:8081",
            "http://cp:8081/connect",
            "ws://",
            "ws://cp:0/",
            "ws://cp:99999/",
            "ws://cp:x/",
            "ws://cp/#fragment",
            "ws://c p/",
            "ws://[::1/",
            "ws://a,,ws://b",
        ):
            with self.assertRaises(ValueError, msg=text):
                control_plane_urls(text)

    def test_a_password_is_not_repeated(self) -> None:
        error = self.assertRaises(ValueError, control_plane_url, "ws://user:secret@cp/")
        self.assertNotIn("secret", str(error))

    @given(st.text(alphabet=st.characters(codec="utf-8")))
    def test_any_text_is_a_url_or_a_value_error(self, text: str) -> None:
        for candidate in (text, f"ws://{text}", f"ws://cp:{text}"):
            try:
                control_plane_url(candidate)
            except ValueError as error:
                self.assertTrue(str(error))
