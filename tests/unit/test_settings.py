"""Settings: what is read, what stops the start, and what is never shown."""

from pathlib import Path

import pytest

from apehost_core.errors import ConfigError
from apehost_core.settings import Settings, load_settings

TOKEN = "sk-lm-abcdefgh:ABCDEFGHIJKLMNOPQRST"


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any setting the start succeeds, with a data folder of the person's own."""
    settings = load_settings(env_file=None)
    assert settings.servers == ()
    assert settings.database_path.name == "apehost.duckdb"


def test_lm_studio_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The short list names servers, and LM Studio's own token variable gives them their token."""
    monkeypatch.setenv("LMSTUDIO_SERVERS", "PC|http://a.example:1234, Mini | http://b.example:1234/v1")
    monkeypatch.setenv("LM_API_TOKEN", TOKEN)
    settings = load_settings(env_file=None)
    assert [server.name for server in settings.servers] == ["PC", "Mini"]
    assert settings.servers[1].url.get_secret_value() == "http://b.example:1234/v1"
    assert all(s.token and s.token.get_secret_value() == TOKEN for s in settings.servers)


def test_json_list_keeps_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's own token wins over the default one."""
    monkeypatch.setenv("APEHOST_SERVERS", f'[{{"name": "A", "url": "http://a.example", "token": "{TOKEN}"}}]')
    monkeypatch.setenv("LMSTUDIO_API_TOKEN", "other")
    token = load_settings(env_file=None).servers[0].token
    assert token is not None
    assert token.get_secret_value() == TOKEN


def test_env_file_and_its_rank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A .env file is read, and the environment wins over it."""
    env = tmp_path / ".env"
    env.write_text("APEHOST_REFRESH_S=30\nAPEHOST_PARALLEL_PER_SERVER=2\nUNRELATED=1\n")
    monkeypatch.setenv("APEHOST_REFRESH_S", "20")
    settings = load_settings(env_file=env)
    assert (settings.refresh_s, settings.parallel_per_server) == (20, 2)


def test_toml_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Servers with tokens can be given as tables of a TOML file."""
    file = tmp_path / "a.toml"
    file.write_text(f'refresh_s = 7\n[[servers]]\nname = "A"\nurl = "http://a.example"\ntoken = "{TOKEN}"\n')
    monkeypatch.setenv("APEHOST_CONFIG", str(file))
    settings = load_settings(env_file=None)
    assert settings.refresh_s == 7
    assert settings.servers[0].name == "A"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("APEHOST_REFRESH", "5", "did you mean APEHOST_REFRESH_S?"),
        ("APEHOST_REFRESH_S", "often", "APEHOST_REFRESH_S"),
        ("APEHOST_PARALLEL_PER_SERVER", "0", "APEHOST_PARALLEL_PER_SERVER"),
        ("APEHOST_DEMO", "maybe", "APEHOST_DEMO=offer"),
        ("LMSTUDIO_SERVERS", "just-a-name", "entry 1 is not of the form Name|url"),
        ("LMSTUDIO_SERVERS", "A|ftp://a.example", "must begin with http:// or https://"),
        ("LMSTUDIO_SERVERS", "A|http://a.example,a|http://b.example", "two servers share the name"),
        ("APEHOST_SERVERS", '[{"name": "A"}]', "url"),
        ("APEHOST_SERVERS", '[{"name": "A", "url": "http://a.example", "port": 1}]', "port"),
    ],
)
def test_wrong_settings_stop_the_start(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    """An unknown name or a wrong value raises an error that names the setting and shows the way."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings(env_file=None)
    assert said in str(caught.value)


def test_unknown_toml_key_stops_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A misspelt key in the TOML file is not ignored."""
    file = tmp_path / "a.toml"
    file.write_text("refresh_seconds = 7\n")
    monkeypatch.setenv("APEHOST_CONFIG", str(file))
    with pytest.raises(ConfigError, match="refresh_seconds"):
        load_settings(env_file=None)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither tokens nor URLs stand in a repr, a dump to JSON or an error."""
    monkeypatch.setenv("APEHOST_SERVERS", f'[{{"name": "A", "url": "http://a.example", "token": "{TOKEN}"}}]')
    settings = load_settings(env_file=None)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert TOKEN not in text
        assert "a.example" not in text
    monkeypatch.setenv("APEHOST_SERVERS", f'[{{"name": "", "url": "http://a.example", "token": "{TOKEN}"}}]')
    with pytest.raises(ConfigError) as caught:
        load_settings(env_file=None)
    assert TOKEN not in str(caught.value)
    assert "a.example" not in str(caught.value)


def test_every_setting_is_described() -> None:
    """Each setting has a description and an example, which its errors quote."""
    lacking = [n for n, f in Settings.model_fields.items() if not f.description or not f.examples]
    assert lacking == []


@pytest.mark.parametrize("pasted", [f'"{TOKEN}"', f"Bearer {TOKEN}", f" 'bearer {TOKEN}' "])
def test_a_token_is_taken_out_of_what_is_pasted(monkeypatch: pytest.MonkeyPatch, pasted: str) -> None:
    """Quotes and the word Bearer around it are no part of it."""
    monkeypatch.setenv("LMSTUDIO_SERVERS", "A|http://a.example")
    monkeypatch.setenv("LM_API_TOKEN", pasted)
    token = load_settings(env_file=None).servers[0].token
    assert TOKEN == (token.get_secret_value() if token else None)


def test_a_masked_token_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no header field can carry is refused by name, not quoted."""
    monkeypatch.setenv("LM_API_TOKEN", "sk-lm-\u2022\u2022\u2022")
    with pytest.raises(ConfigError, match="LM_API_TOKEN") as caught:
        load_settings(env_file=None)
    assert "sk-lm-\u2022" not in str(caught.value)
