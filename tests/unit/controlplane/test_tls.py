"""Which files an endpoint of TLS has."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.controlplane.tls import files_of


class FilesTests(SynchronousTestCase):
    """The strings of endpoints, as Twisted reads them."""

    def test_by_name_and_by_place(self) -> None:
        for description, files in {
            "ssl:443": ["server.pem"],
            "ssl:443:/a/key.pem": ["/a/key.pem"],
            "ssl:443:/a/key.pem:/a/cert.pem": ["/a/key.pem", "/a/cert.pem"],
            "ssl:443:privateKey=/a/k:certKey=/a/c:interface=127.0.0.1": ["/a/k", "/a/c"],
            "ssl:443:certKey=/a/c:extraCertChain=/a/chain:privateKey=/a/k": ["/a/k", "/a/c", "/a/chain"],
            "ssl:443:privateKey=/a/both:certKey=/a/both": ["/a/both"],
            r"ssl:443:privateKey=C\:/a\=b\\c": [r"C:/a=b\c"],
            r"ssl:443:interface=\:\:1:privateKey=/a/k": ["/a/k"],
        }.items():
            self.assertEqual(files_of(description), [Path(file).absolute() for file in files], description)
