"""Certificates: read from files, and what is wrong with one, in words."""

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509
from OpenSSL.crypto import Error as CryptoError
from twisted.internet.error import VerifyError

from cellrouter.daemon.text import quoted
from cellrouter.daemon.times import utc_timestamp
from cellrouter.snapshots.poller import Unreadable, read_file

LIMIT_BYTES = 4 * 1024 * 1024

UNUSABLE = (CryptoError, SSL.Error, VerifyError)
"""What OpenSSL and Twisted raise for a certificate and a key that are broken or do not fit; :func:`reasons`
says why."""

_FAULTS = {
    7: "has a signature that is not its authority's",
    9: "is not valid yet",
    10: "has expired",
    23: "has been revoked",
    26: "is not made for this purpose",
    **dict.fromkeys((2, 18, 19, 20, 21), "is not signed by an authority that is trusted"),
}
"""Some of OpenSSL's ``X509_V_ERR_*``, which ``openssl verify -help`` has all of."""


def load_certificates(path: Path) -> list[x509.Certificate]:
    """Read the certificates of a PEM file, blocking.

    :param path: the file.
    :returns: at least one.
    :raises Unreadable: when there is none, with a message that says which file and why.
    """
    return parse_certificates(path, read_file(path, LIMIT_BYTES).content or b"")


def parse_certificates(path: Path, content: bytes) -> list[x509.Certificate]:
    """Read the content of a PEM file; result and errors are those of :func:`load_certificates`.

    :param path: the file, for the message.
    :param content: what is in it.
    """
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise Unreadable(f"{path}: there is no certificate in PEM in the file, or a broken one") from None


def for_openssl(certificates: Sequence[x509.Certificate]) -> list[X509]:
    """Convert certificates to what OpenSSL's contexts take."""
    return [X509.from_cryptography(certificate) for certificate in certificates]


def described(certificate: x509.Certificate) -> str:
    """Say whose a certificate is and how long it is valid.

    :returns: such as ``"CN=dp-1", valid from 2026-11-23T19:00:00.000Z until 2027-11-23T19:00:00.000Z``.
    """
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    name = quoted(certificate.subject.rfc4514_string())
    return f"{name}, valid from {utc_timestamp(begin.timestamp())} until {utc_timestamp(end.timestamp())}"


def fault(error: int, certificate: X509) -> str:
    """Say why OpenSSL refuses a certificate.

    :param error: one of its ``X509_V_ERR_*``.
    :param certificate: the certificate.
    """
    what = _FAULTS.get(error, f"is refused by OpenSSL with error {error}")
    return f"the certificate of {described(certificate.to_cryptography())}, {what}"


def reasons(error: Exception) -> str:
    """Say what OpenSSL says of a failure, such as ``key values mismatch``; of any other error, its text."""
    if error.args and isinstance(error.args[0], list):
        return "; ".join(str(reason[-1]) for reason in error.args[0])
    return str(error)
