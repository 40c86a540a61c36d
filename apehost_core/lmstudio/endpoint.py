"""Where a server is: its name for people, and the address and token that never leave the process."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

_SUFFIXES = ("/chat/completions", "/api/v0", "/api/v1", "/v1")


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """One server's address.

    Attributes:
        name: What people call it; the only part that may be shown.
        base_url: Without a trailing slash and API suffix (see `normalise_base_url`).
        token: Bearer token; None when the server needs none.
    """

    name: str
    base_url: str
    token: SecretStr | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.name!r})"

    @property
    def candidates(self) -> tuple[str, ...]:
        """Base URLs to try in order: `localhost` may resolve to ::1 while the server listens on 127.0.0.1."""
        parts = urlsplit(self.base_url)
        if parts.hostname != "localhost":
            return (self.base_url,)
        port = f":{parts.port}" if parts.port else ""
        return (parts._replace(netloc=f"127.0.0.1{port}").geturl(), self.base_url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text by which the address or the token could be recognised, longest first."""
        found: set[str] = set()
        for url in (self.base_url, *self.candidates):
            parts = urlsplit(url)
            found |= {url, parts.netloc}
        if self.token is not None:
            found.add(self.token.get_secret_value())
        return tuple(sorted((text for text in found if text), key=len, reverse=True))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names without a port, which no text from outside may tell either; not the name and `localhost`."""
        found = {urlsplit(url).hostname or "" for url in (self.base_url, *self.candidates)}
        return tuple(sorted(found - {"", "localhost", self.name.casefold()}, key=len, reverse=True))


def normalise_base_url(text: str) -> str:
    """Return the root of a server from whatever form of its address people paste.

    Raises:
        ValueError: It names no host, has a scheme other than http or https, or holds a user name.
    """
    text = text.strip()
    if "://" not in text:
        text = f"http://{text}"
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError("a server address begins with http:// or https://")
    if not parts.hostname:
        raise ValueError("a server address names a host, for example http://192.0.2.10:1234")
    if parts.username or parts.password:
        raise ValueError("a server address holds no user name; give the token as the server's token")
    path = parts.path.rstrip("/")
    changed = True
    while changed:
        changed = False
        for suffix in _SUFFIXES:
            if path.endswith(suffix):
                path, changed = path.removesuffix(suffix).rstrip("/"), True
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{path}"
