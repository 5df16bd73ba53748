"""Where the config comes from, as operators write it."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.sources import EtcdSource, FileSource, config_source


class SourceTests(SynchronousTestCase):
    """The value of --config-source."""

    def test_a_file(self) -> None:
        self.assertEqual(config_source("file:/etc/a b.json"), FileSource(Path("/etc/a b.json")))

    def test_a_key_in_etcd(self) -> None:
        for text, endpoints, key in (
            ("etcd:http://etcd:2379/routing", ("http://etcd:2379",), "routing"),
            ("etcd:https://etcd/a/b", ("https://etcd:2379",), "a/b"),
            ("etcd:http://[::1]:1//registry/x", ("http://[::1]:1",), "/registry/x"),
            ("etcd:http://a:1,http://b, http://c:3/k", ("http://a:1", "http://b:2379", "http://c:3"), "k"),
        ):
            self.assertEqual(config_source(text), EtcdSource(endpoints, key), text)

    def test_anything_else_is_said_to_be_wrong(self) -> None:
        for text, said in (
            ("", "is neither"),
            ("file:", "is neither"),
            ("file:a\0", "is neither"),
            ("routing.json", "is neither"),
            ("etcd:", "is neither"),
            ("etcd:http://etcd:2379", "has no key"),
            ("etcd:http://etcd:2379/", "has no key"),
            ("etcd:etcd:2379/k", "is not an endpoint"),
            ("etcd:http:///k", "is not an endpoint"),
            ("etcd:http://etcd:0/k", "is not an endpoint"),
            ("etcd:http://etcd:99999/k", "not an endpoint"),
            ("etcd:http://etcd/k?x=1", "is not an endpoint"),
            ("etcd:http://etcd/k#x", "is not an endpoint"),
            ("etcd:http://etcd/ä", "is not an endpoint"),
            ("etcd:http://etcd/a%20b", "is no key"),
            ("etcd:http://etcd/" + "k" * 300, "is no key"),
            ("etcd:http://a/x,http://b/k", "only the last"),
        ):
            with self.assertRaisesRegex(ValueError, said, msg=text):
                config_source(text)

    def test_a_password_is_not_repeated(self) -> None:
        for text in (
            "etcd:http://root:secret@etcd/k",
            "etcd:http://root:secret#x@etcd/k",
            "etcd:http://root#secret@etcd/k",
            "etcd:http://root:x,secret@etcd/k",
            "etcd:http://root:secret\u2100@etcd/k",
            "etcd:root:secret@etcd/k",
            "ectd:http://root:secret@etcd/k",
        ):
            with self.assertRaisesRegex(ValueError, "not supported") as caught:
                config_source(text)
            self.assertNotIn("secret", str(caught.exception))
