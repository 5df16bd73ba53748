"""What goes wrong with tokens and certificates."""

from tests.integration.runbook.fleet import CONTROL_PLANE, DATA_PLANE, Fleet
from tests.integration.runbook.walk import Walk
from tests.support.certificates import HOUR, Authority

TOKENS = "data-planes.tokens"
OPTIONS = ("--data-plane-token-file", TOKENS, "--operator-token-file", "operator.token")
TOKEN = ("--control-plane-token-file", "dp.token")


def write_tokens(fleet: Fleet) -> None:
    """Write the files that the options name.

    :param fleet: they are for it.
    """
    for name, token in ((TOKENS, "b0c8f1de77"), ("dp.token", "b0c8f1de77"), ("operator.token", "4410aa9c52")):
        (fleet.folder / name).write_text(f"{token}\n")
        (fleet.folder / name).chmod(0o600)


async def data_planes_are_not_let_in(fleet: Fleet, walk: Walk) -> None:
    """The file of tokens is emptied, and a data plane started anew."""
    await fleet.kill(DATA_PLANE)
    (fleet.folder / TOKENS).write_text("")
    await fleet.children[CONTROL_PLANE].until_logged("there is no token in the file")
    await fleet.start_data_plane(DATA_PLANE, *TOKEN)
    await walk.to_the_end()


async def operator_is_not_let_in(_: Fleet, walk: Walk) -> None:
    """One has no token."""
    await walk.to_the_end()


async def certificate_has_expired(fleet: Fleet, walk: Walk) -> None:
    """That of the control plane."""
    authority = Authority()
    for name, content in (
        ("ca.pem", authority.certificate),
        ("cp.pem", authority.issue("cp", "localhost", -HOUR)),
        ("new.pem", authority.issue("cp", "localhost")),
    ):
        (fleet.folder / name).write_bytes(content)
        (fleet.folder / name).chmod(0o600)
    for name in (CONTROL_PLANE, DATA_PLANE):
        await fleet.kill(name)
    port = fleet.ports[CONTROL_PLANE]
    with_tls = (*OPTIONS, "--port", f"ssl:{port}:privateKey=cp.pem:interface=127.0.0.1")
    await fleet.start_control_plane(*with_tls)
    options = ("--control-plane-url", f"wss://localhost:{port}", "--control-plane-ca", "ca.pem")
    await fleet.start_data_plane(DATA_PLANE, *TOKEN, *options)
    await walk.through("mv")
    await fleet.kill(CONTROL_PLANE)
    await fleet.start_control_plane(*with_tls)
    await walk.to_the_end()


SCENARIOS = {
    "Data planes are not let in": data_planes_are_not_let_in,
    "An operator is not let in": operator_is_not_let_in,
    "A certificate has expired": certificate_has_expired,
}
