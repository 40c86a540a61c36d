"""What no file that leaves the process may name, and how the files are read."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

from tests.integration.network import Network

TOKEN, WRONG = "sk-lm-AbCdEfGh:01234567890123456789", "sk-lm-ZyXwVuTs:98765432109876543210"


def leaked(net: Network, words: str) -> list[str]:
    """The addresses and tokens that a text names."""
    urls = [machine.url for machine in net.machines.values()]
    return [secret for secret in (TOKEN, WRONG, "127.0.0.1", *urls) if secret in words]


def words_of(content: bytes, path: Path) -> str:
    """All words of a file and of those in it; those of a Parquet file as they are read, from `path`."""
    return "\n".join(_pieces(content, path))


def _pieces(content: bytes, path: Path) -> Iterator[str]:
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield from (name, *_pieces(archive.read(name), path))
    elif content.startswith(b"PAR1"):
        path.write_bytes(content)
        with duckdb.connect() as connection:
            yield str(connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
    else:
        yield content.decode()
