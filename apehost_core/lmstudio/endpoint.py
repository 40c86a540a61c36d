"""Where a server is: its name for people, and the address and token that never leave the process."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

DEFAULT_PORT = 1234  # LM Studio's (api notes 0.1)
_API = re.compile(r"/(?:api/)?v[01](?=/|$)")
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+(?:%[\w.-]+)?", re.IGNORECASE)


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

    A host alone, without scheme and port, is taken to be LM Studio's: port 1234.

    Raises:
        ValueError: It names no host, has a scheme other than http or https, or holds a user name.
    """
    text = text.strip()
    bare = "://" not in text
    if bare and re.match(r"https?:(?:/[^/]|[^/\d])", text, re.IGNORECASE):
        raise ValueError("a server address begins with http:// or https://, with two slashes")
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        port = parts.port
    except ValueError:
        raise ValueError("its host or its port cannot be read; for example http://192.0.2.10:1234") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("a server address begins with http:// or https://")
    if parts.username or parts.password:
        raise ValueError("a server address holds no user name; give the token as the server's token")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise ValueError("a server address names a host, for example http://192.0.2.10:1234")
    if bare and port is None:
        port = DEFAULT_PORT
    path = _API.split(parts.path, maxsplit=1)[0].removesuffix("/chat/completions").rstrip("/")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}"
