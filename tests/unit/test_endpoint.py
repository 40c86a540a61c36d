"""Addresses as people paste them, and what must never be shown of them."""

import pytest
from pydantic import SecretStr

from apehost_core.lmstudio.endpoint import Endpoint, normalise_base_url

ROOT = "http://192.0.2.10:1234"
TOKEN = "sk-lm-AbCd1234:abcdefghij0123456789"


@pytest.mark.parametrize(
    "suffix",
    [
        "",
        "/",
        "//",
        "/v1",
        "/v1/",
        "/api/v0",
        "/api/v1/",
        "/chat/completions",
        "/v1/chat/completions",
        "/v1/chat/completions/",
        "/api/v0/chat/completions",
        "/v1/v1",
        "/v1?key=x",
        "/v1#top",
    ],
)
@pytest.mark.parametrize("root", [ROOT, "192.0.2.10:1234", "  HTTP://192.0.2.10:1234"])
def test_pasted_forms(root: str, suffix: str) -> None:
    """Whatever form of an address is pasted, its root comes out; doing it again changes nothing."""
    assert ROOT == normalise_base_url(root + suffix + " ")
    assert ROOT == normalise_base_url(normalise_base_url(root + suffix))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", "http://localhost:1234"),
        ("192.0.2.10", "http://192.0.2.10:1234"),
        ("192.0.2.10/v1", "http://192.0.2.10:1234"),
        ("http://192.0.2.10", "http://192.0.2.10"),
        ("http://192.0.2.10:1234/v1/models", "http://192.0.2.10:1234"),
        ("http://192.0.2.10:1234/api/v1/chat", "http://192.0.2.10:1234"),
        ("localhost:1234", "http://localhost:1234"),
        ("Mini.Local:1234/v1", "http://mini.local:1234"),
        ("https://models.example/v1", "https://models.example"),
        ("https://models.example/team/a/v1/", "https://models.example/team/a"),
        ("https://models.example/apiv1", "https://models.example/apiv1"),
        ("http://[2001:db8::1]:1234/v1", "http://[2001:db8::1]:1234"),
        ("[::1]:1234", "http://[::1]:1234"),
    ],
)
def test_hosts_and_paths(text: str, expected: str) -> None:
    """Scheme, host, port and a path of the server's own are kept."""
    assert expected == normalise_base_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "http://",
        "http:///v1",
        ":1234",
        "ftp://192.0.2.10",
        "file:///etc/hosts",
        "ws://192.0.2.10:1234",
        "http://me@192.0.2.10:1234",
        "http://me:secret@192.0.2.10:1234",
        "http://:secret@192.0.2.10",
        "me:secret@192.0.2.10",
        "192.0.2.10:port",
        "192.0.2.10:99999",
        "http://[::1",
        "http:/192.0.2.10",
        "http://gaming pc:1234",
        "http://192.0.2.10\uff1a1234",
    ],
)
def test_refusals(text: str) -> None:
    """What is no http address of a host, or holds a user name, is refused."""
    with pytest.raises(ValueError, match=r".") as caught:
        normalise_base_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (ROOT, (ROOT,)),
        ("http://localhost:1234", ("http://127.0.0.1:1234", "http://localhost:1234")),
        ("http://localhost", ("http://127.0.0.1", "http://localhost")),
        ("https://localhost:8443/a", ("https://127.0.0.1:8443/a", "https://localhost:8443/a")),
        ("http://localhost.example:1234", ("http://localhost.example:1234",)),
        ("http://[::1]:1234", ("http://[::1]:1234",)),
    ],
)
def test_candidates(base_url: str, expected: tuple[str, ...]) -> None:
    """The name localhost is tried as 127.0.0.1 first; every other address only as it is."""
    assert expected == Endpoint("mini", base_url).candidates


def test_only_the_name_is_shown() -> None:
    """Neither repr nor str nor formatting shows the address or the token."""
    endpoint = Endpoint("mini", ROOT, SecretStr(TOKEN))
    assert ["Endpoint('mini')"] * 3 == [repr(endpoint), str(endpoint), f"{endpoint}"]


def test_secrets() -> None:
    """Address, host with port and token are secrets in every form, the longest first."""
    secrets = Endpoint("mini", "http://localhost:1234", SecretStr(TOKEN)).secrets
    expected = {"http://localhost:1234", "http://127.0.0.1:1234", "localhost:1234", "127.0.0.1:1234", TOKEN}
    assert expected == set(secrets)
    assert sorted(map(len, secrets), reverse=True) == [len(secret) for secret in secrets]


@pytest.mark.parametrize(
    ("name", "url", "hosts"),
    [
        ("mini", "http://192.0.2.10:1234", ["192.0.2.10"]),
        ("mini", "http://localhost:1234", ["127.0.0.1"]),
        ("mini", "http://gaming-pc:1234", ["gaming-pc"]),
        ("Mini", "http://mini:1234", []),
    ],
)
def test_hosts(name: str, url: str, hosts: list[str]) -> None:
    """A host is not told even without its port; the name that people see may be the host's."""
    assert hosts == list(Endpoint(name, url).hosts)


@pytest.mark.parametrize("token", [None, SecretStr("")])
def test_no_empty_secret(token: SecretStr | None) -> None:
    """No token is no secret: nothing empty is ever replaced."""
    assert "" not in Endpoint("mini", ROOT, token).secrets
