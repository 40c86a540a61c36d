"""The file of the servers that were added on the page."""

import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from apehost_core.errors import ConfigError
from apehost_core.servers.config import FILE_NAME, Entry, Kept, ServerConfig, ServerFile

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
CONFIG = ServerConfig("PC", SecretStr("http://192.0.2.1:1234"), SecretStr(TOKEN), "page", swaps=True, parallel=2)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Servers, tokens and order come back as they were; without a file there are none."""
    file = ServerFile(tmp_path)
    assert Kept() == file.read()
    kept = Kept(servers=(Entry.of(CONFIG),), order=("Mini", "PC"))
    file.write(kept)
    assert kept == ServerFile(tmp_path).read()
    assert CONFIG == kept.servers[0].config()
    assert [FILE_NAME] == [path.name for path in tmp_path.iterdir()]


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """The file holds tokens: nobody else may open it."""
    ServerFile(tmp_path).write(Kept(servers=(Entry.of(CONFIG),)))
    assert 0o600 == stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode)


@pytest.mark.parametrize(
    "text",
    ["{", '{"servers": [{"name": "PC"}]}', '{"surplus": 1}', '{"servers": [{"name": "a|b", "base_url": "http://x"}]}'],
)
def test_what_cannot_be_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    """A broken file stops the start with its name and place, and stays as it is."""
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(ConfigError, match=FILE_NAME):
        ServerFile(tmp_path).read()
    assert text == (tmp_path / FILE_NAME).read_text()


def test_no_secret_in_an_error_or_a_repr(tmp_path: Path) -> None:
    """Neither a broken file's error nor the text of an entry quotes a token or an address."""
    broken = '{"servers": [{"name": "PC", "base_url": "http://192.0.2.1", "token": "' + TOKEN + '", "x": 1}]}'
    (tmp_path / FILE_NAME).write_text(broken)
    with pytest.raises(ConfigError) as caught:
        ServerFile(tmp_path).read()
    for text in (str(caught.value), repr(Entry.of(CONFIG)), repr(CONFIG)):
        assert TOKEN not in text
        assert "192.0.2.1" not in text


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    """Where the folder takes nothing more, what was kept stands, and the error says so."""
    file = ServerFile(tmp_path / "gone")
    with pytest.raises(ConfigError, match="could not be saved"):
        file.write(Kept())
