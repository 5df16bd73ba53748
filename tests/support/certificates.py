"""Certificates for tests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Authority:
    """Signs certificates.

    :ivar certificate: its own, in PEM.

    :param name: what it calls itself.
    """

    def __init__(self, name: str = "test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(self._name, self._name, self._key, DAY).add_extension(constraints, critical=True)
        self.certificate = _pem(builder.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, host: str | None = None, valid_for: timedelta = DAY) -> bytes:
        """Make a certificate and its private key, in one PEM text.

        :param name: whose it is.
        :param host: the IP address or DNS name that it is for, if it is for one.
        :param valid_for: from now on; less than nothing makes an expired one.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key, valid_for)
        if host is not None:
            builder = builder.add_extension(_for(host), critical=False)
        return _pem(builder.sign(self._key, hashes.SHA256())) + _key_pem(key)


def self_signed(address: str) -> tuple[bytes, bytes]:
    """Make a certificate for an IP address that is its own authority, valid for a day.

    :param address: the IP address.
    :returns: the private key and the certificate in PEM.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(address), _name(address), key, DAY)
        .add_extension(_for(address), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key), _pem(certificate)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _for(host: str) -> x509.SubjectAlternativeName:
    try:
        name: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    return x509.SubjectAlternativeName([name])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + valid_for) - HOUR)
        .not_valid_after(now + valid_for)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
