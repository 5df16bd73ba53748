"""The URL of a cell: taken apart, or refused with a reason."""

from twisted.trial.unittest import SynchronousTestCase

from cellrouter.config.endpoint import Endpoint, parse_endpoint


class EndpointTests(SynchronousTestCase):
    """URLs and what they are taken for."""

    def test_urls(self) -> None:
        for url, host, port in (
            ("http://tier2-cell:8080", "tier2-cell", 8080),
            ("http://cell", "cell", 80),
            ("http://my_service.my_network:1", "my_service.my_network", 1),
            ("http://cell.example.:65535", "cell.example.", 65535),
            ("http://127.0.0.1:9001", "127.0.0.1", 9001),
            ("http://[::1]:8080", "::1", 8080),
            ("http://1cell.2net:80", "1cell.2net", 80),
            ("http://" + "a" * 63, "a" * 63, 80),
        ):
            self.assertEqual(parse_endpoint(url), Endpoint(url, host, port))

    def test_a_slash_at_the_end_means_nothing(self) -> None:
        self.assertEqual(parse_endpoint("http://cell:80/"), parse_endpoint("http://cell:80"))

    def test_case_means_nothing_to_dns_and_is_shown_as_written(self) -> None:
        self.assertEqual(parse_endpoint("HTTP://Cell-A:80"), Endpoint("http://Cell-A:80", "cell-a", 80))

    def test_an_ipv6_address_is_normalised_for_dialling(self) -> None:
        self.assertEqual(parse_endpoint("http://[0:0::0:1]").host, "::1")
        self.assertEqual(parse_endpoint("http://[::FFFF:10.0.0.1]").host, "::ffff:a00:1")

    def test_international_names_are_ascii_in_dns_and_in_header_fields(self) -> None:
        for url, ascii_url in (
            ("http://bücher.example:8080", "http://xn--bcher-kva.example:8080"),
            ("http://Bücher.example", "http://xn--bcher-kva.example"),
            ("http://faß.de", "http://xn--fa-hia.de"),
            ("http://例え。テスト:80", "http://xn--r8jz45g.xn--zckzah:80"),
            ("http://\uff11\uff12\uff17.0.0.1:80", "http://127.0.0.1:80"),
        ):
            self.assertEqual(parse_endpoint(url).url, ascii_url)
        self.assertEqual(parse_endpoint("http://bücher.example").host, "xn--bcher-kva.example")


class RefusedTests(SynchronousTestCase):
    """URLs that are refused."""

    def assert_refused(self, reason: str, *urls: str) -> None:
        for url in urls:
            message = str(self.assertRaises(ValueError, parse_endpoint, url))
            self.assertIn(reason, message, url)
            self.assertLess(len(message), 400)

    def test_not_http(self) -> None:
        self.assert_refused(
            "not an absolute http URL", "", "cell", "cell:8080", "//cell", "ftp://cell", "http:/cell"
        )
        self.assert_refused("https is not supported", "https://cell", "HTTPS://cell")

    def test_more_than_an_authority(self) -> None:
        self.assert_refused(
            "path, query or fragment",
            "http://cell/v1",
            "http://cell//",
            "http://cell?a",
            "http://cell/?",
            "http://cell#a",
        )

    def test_user_and_password_are_refused_and_not_repeated(self) -> None:
        for url in (
            "http://root:hunter2@cell",
            "http://root:hunter2@",
            "http://a/hunter2@",
            "ftp://x:hunter2@y",
        ):
            message = str(self.assertRaises(ValueError, parse_endpoint, url))
            self.assertIn("password", message)
            self.assertNotIn("hunter2", message)

    def test_characters_with_a_meaning_of_their_own(self) -> None:
        for char in ' \t\r\n\\%<>"{}|^`\x00\x7f\x85\u2028':
            self.assert_refused("is not allowed", f"http://ce{char}ll:80", f"http://cell:80{char}")

    def test_ports(self) -> None:
        for port in ("0", "00000", "65536", "99999"):
            self.assert_refused("is not between 1 and 65535", f"http://cell:{port}", f"http://[::1]:{port}")
        for port in ("", "-1", "+80", "8O", "123456", "80:80", "٨٠"):
            self.assert_refused("is not host or host:port", f"http://cell:{port}")

    def test_host_names(self) -> None:
        bad = ("-a", "a-", "a..b", ".a", ".", "a*", "a,b", "a'b", "a;b", "a=b")
        for host in (*bad, "a" * 64, "a." * 126 + "ab"):
            self.assert_refused("is not a host name", f"http://{host}")
        self.assert_refused(
            "is not host or host:port", "http://", "http:///", "http://:80", "http://::1", "http://a]b"
        )

    def test_ipv6_addresses(self) -> None:
        for address in (
            "",
            ":",
            "::1::",
            "1.2.3.4",
            "g::",
            "::1.2.3",
            "1:2:3:4:5:6:7:8:9",
            "v1.a",
            "::\uff11",
        ):
            self.assert_refused("is not an IPv6 address", f"http://[{address}]:80")
        self.assert_refused(
            "is not host or host:port", "http://[::1", "http://[::1]80", "http://[[::1]]", "http://a[::1]"
        )

    def test_what_resolvers_would_take_for_another_ipv4_address(self) -> None:
        for host in (
            "127.1",
            "1",
            "256.0.0.1",
            "10.0.0.0.1",
            "010.0.0.1",
            "0x7f.1",
            "0x7f000001",
            "a.1",
            "1.2.3.4.",
        ):
            self.assert_refused("is not an IPv4 address", f"http://{host}:80")

    def test_names_that_idna_does_not_have(self) -> None:
        for host in ("☃☃️", "a\u200bé.-é", "é" * 300, "\u0301a", "é..é", "\ud800", "é\ufffe", "\u0660a"):
            self.assert_refused("is not an international host name", f"http://{host}")

    def test_far_too_long(self) -> None:
        self.assert_refused("longer than 2048 characters", "http://" + "a" * 10_000_000)
