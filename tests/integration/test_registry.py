"""Servers that are added, tested, changed, switched off, moved and removed while everything runs."""

import gc
import json
import weakref
from concurrent.futures import Future
from pathlib import Path

import pytest
from pydantic import SecretStr

from apehost_core.errors import Fault, InputRefused, ServerError, StoreError
from apehost_core.host import DEFAULT_NAME, open_host
from apehost_core.servers import Form
from apehost_core.settings import ServerEntry, Settings
from apehost_core.store.database import Database
from apehost_core.testing.simulator import Simulator, machines, serve
from tests.app_process import free_port
from tests.integration.network import finished, model, network, servers_asked, text, until

pytestmark = pytest.mark.anyio

TOKEN = "sk-lm-AbCdEfGh:01234567890123456789"
QUICK = model(tokens_per_s=0)


async def test_added_servers_survive_a_restart(tmp_path: Path) -> None:
    """A server that was added answers at once, and is there after a restart, with its token and its place."""
    with serve(Simulator(QUICK, token=TOKEN)) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url, TOKEN))
            await net.host.registry.move("Mini", -1)
            await until(lambda: net.view("Mini").state == "online")
            run = await net.send()
            await finished(run)
            assert ["Mini"] == servers_asked(run)
        settings = Settings(data_dir=tmp_path, servers=(_entry("PC", url),), demo="off")
        async with open_host(settings) as host:
            assert ["Mini", "PC"] == [view.name for view in host.servers]
            await host.look_at_servers()
            mini = host.servers[0]
            assert ("online", "page", True) == (mini.state, mini.origin, mini.has_token)


def _entry(name: str, url: str) -> ServerEntry:
    return ServerEntry(name=name, url=SecretStr(url))


async def test_a_token_works_without_a_restart(tmp_path: Path) -> None:
    """A server that needs a token says so; with the token it answers, and with a wrong one it says that."""
    with serve(Simulator(QUICK, token=TOKEN)) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            registry = net.host.registry
            await registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").state == "needs_token")
            await registry.change("Mini", Form("Mini", token="sk-lm-wrong"))
            await until(lambda: net.view("Mini").state == "token_refused")
            await registry.change("Mini", Form("Mini", token=f' "Bearer {TOKEN}" ', drop_token=True))
            await until(lambda: net.view("Mini").state == "online")
            assert "completed" == (await finished(await net.send(server="Mini"))).outcome
            await registry.change("Mini", Form("Mini", drop_token=True))
            await until(lambda: net.view("Mini").state == "needs_token")


async def test_a_test_says_what_is_there(tmp_path: Path) -> None:
    """A test tells kind, models, what is loaded and whether the token was right, and changes nothing."""
    lm_studio = Simulator(QUICK, model("cold", load_s=1), token=TOKEN)
    with machines(lm_studio, Simulator(QUICK, native=False)) as (lm, other):
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            test = net.host.registry.test
            found = await test(Form("x", lm.url + "/v1/", TOKEN))
            words = " ".join(found.sentences)
            for piece in ("LM Studio answers, in ", "2 models; loaded: Gemma.", "The token was accepted."):
                assert piece in words
            refused = await test(Form("x", lm.url))
            assert ("unauthorized", False) == (refused.fault.kind if refused.fault else None, refused.ok)
            words = " ".join((await test(Form("x", other.url))).sentences)
            assert "OpenAI-compatible server answers" in words
            assert "no LM Studio" in words
            nobody = await test(Form("x", f"http://127.0.0.1:{free_port()}"))
            assert "refused" == (nobody.fault.kind if nobody.fault else None)
            assert ["PC"] == [view.name for view in net.host.servers]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (Form("", "http://198.51.100.7"), "name cannot be taken"),
        (Form("a|b", "http://198.51.100.7"), "name cannot be taken"),
        (Form("Mini", ""), "address is missing"),
        (Form("Mini", "ftp://198.51.100.7"), "address cannot be understood"),
        (Form("Mini", "http://user:secret@198.51.100.7"), "address cannot be understood"),
        (Form("Mini", "http://198.51.100.7:99999"), "address cannot be understood"),
        (Form("Mini", "http://198.51.100.7", "sk-lm-\u2022\u2022\u2022"), "token cannot be taken"),
        (Form("pc", "http://198.51.100.7"), "a server named 'PC' already"),
        (Form("Mini", "http://198.51.100.7", parallel=0), "parallel cannot be taken"),
    ],
)
async def test_wrong_forms_are_refused_in_words(tmp_path: Path, form: Form, words: str) -> None:
    """What cannot be taken is named, no address or password is quoted, and nothing changes."""
    async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
        with pytest.raises(InputRefused, match=words) as caught:
            await net.host.registry.add(form)
        assert "198.51.100.7" not in str(caught.value)
        assert "secret" not in str(caught.value)
        assert ["PC"] == [view.name for view in net.host.servers]


async def test_the_same_address_is_not_added_twice(tmp_path: Path) -> None:
    """The refusal names the server that has it."""
    async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
        with pytest.raises(InputRefused, match="that of 'PC' already"):
            await net.host.registry.add(Form("Mini", net.machines["PC"].url + "/v1"))


async def test_servers_of_the_environment_are_changed_there(tmp_path: Path) -> None:
    """They can be put in another order, and neither changed, switched off nor removed."""
    async with network(tmp_path, {"PC": Simulator(QUICK), "Mini": Simulator(QUICK)}) as net:
        registry = net.host.registry
        for attempt in (
            registry.change("PC", Form("PC2")),
            registry.enable("PC", enabled=False),
            registry.remove("PC"),
        ):
            with pytest.raises(InputRefused, match="environment"):
                await attempt
        await registry.move("Mini", -5)
        assert ["Mini", "PC"] == [view.name for view in net.host.servers]


async def test_removing_a_server_that_answers(tmp_path: Path) -> None:
    """Its answers go on to their ends, also those that wait; then nobody asks it any more, and history names it."""
    simulator = Simulator(model(parallel=1))
    with serve(simulator) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").traffic.width == 1)
            run = await net.writing(server="Mini")
            waiting = await net.send(server="Mini")
            await net.host.registry.remove("Mini")
            assert ["PC"] == [view.name for view in net.host.servers]
            assert ["completed"] * 2 == [(await finished(r)).outcome for r in (run, waiting)]
            seen = len(simulator.requests)
            with pytest.raises(ServerError, match="no server named 'Mini'"):
                await net.host.look_at("Mini")
            assert "no_server" == getattr((await finished(await net.send(server="Mini"))).fault, "kind", None)
            assert seen == len(simulator.requests)
            assert "Mini" in {row.server for row in net.host.recent_generations(10)}


async def test_a_server_that_is_off_is_left_alone(tmp_path: Path) -> None:
    """It is neither looked at nor asked; switched on it is back."""
    simulator = Simulator(QUICK)
    with serve(simulator) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}, refresh_s=0.1) as net:
            await net.host.registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").state == "online")
            await net.host.registry.enable("Mini", enabled=False)
            assert "disabled" == net.view("Mini").state
            seen = len(simulator.requests)
            await net.kill("PC")
            ended = await finished(await net.send())
            assert "failed" == ended.outcome
            assert seen == len(simulator.requests)
            await net.host.registry.enable("Mini", enabled=True)
            await until(lambda: net.view("Mini").state == "online")


async def test_a_renamed_server_keeps_its_place_and_its_queue(tmp_path: Path) -> None:
    """Name and settings change in place; what it answers goes on, and the lane still counts it."""
    with serve(Simulator(model())) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url))
            await net.host.registry.move("Mini", -1)
            await until(lambda: net.view("Mini").state == "online")
            run = await net.writing(server="Mini")
            await net.host.registry.change("Mini", Form("Box", swaps=True, parallel=1))
            assert ["Box", "PC"] == [view.name for view in net.host.servers]
            traffic = net.view("Box").traffic
            await until(lambda: net.view("Box").traffic.width == 1)
            assert 1 == traffic.in_flight
            net.host.hub.cancel(run.spec.run_id)
            await until(lambda: net.view("Box").traffic.in_flight == 0)
            assert text(run)


async def test_the_usual_address_gives_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that is tried unasked goes once a server is added, unless somebody answers there: then it is kept."""
    with machines(Simulator(QUICK), Simulator(QUICK)) as (here, there):
        monkeypatch.setattr("apehost_core.host._DEFAULT_URL", f"http://127.0.0.1:{free_port()}")
        async with open_host(Settings(data_dir=tmp_path / "a", demo="off")) as host:
            await host.look_at_servers()
            await host.registry.add(Form("Mini", there.url))
            assert ["Mini"] == [view.name for view in host.servers]
        monkeypatch.setattr("apehost_core.host._DEFAULT_URL", here.url)
        async with open_host(Settings(data_dir=tmp_path / "b", demo="off")) as host:
            await host.look_at_servers()
            await host.registry.add(Form("Mini", there.url))
            assert [(DEFAULT_NAME, "page"), ("Mini", "page")] == [(view.name, view.origin) for view in host.servers]


async def test_changes_are_on_record_without_secrets(tmp_path: Path) -> None:
    """Each change leaves a row; neither it nor anything else in the database holds an address or a token."""
    with serve(Simulator(QUICK, token=TOKEN)) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url, TOKEN))
            await net.host.registry.change("Mini", Form("Mini", drop_token=True))
            await net.host.registry.remove("Mini")
    database = Database.open(tmp_path / "apehost.duckdb")
    with database.read() as cursor:
        rows = cursor.execute("SELECT setting, old_value, new_value FROM settings_audit ORDER BY changed_at").fetchall()
    database.close()
    assert [
        ("server Mini", None, "Mini: on, with a token"),
        ("server Mini", "Mini: on, with a token", "Mini: on, without a token, token changed"),
        ("server Mini", "Mini: on, without a token", None),
    ] == rows
    stored = (tmp_path / "apehost.duckdb").read_bytes()
    assert TOKEN.encode() not in stored
    assert url.encode() not in stored
    assert [] == json.loads((tmp_path / "servers.json").read_text())["servers"]


async def test_an_edit_does_not_disturb_a_load(tmp_path: Path) -> None:
    """A server that is renamed while it loads goes on loading, once, under its new name, with its log and models."""
    simulator = Simulator(model(load_s=0.5, tokens_per_s=0), load_races=True)
    with serve(simulator) as url:
        async with network(tmp_path, {"PC": Simulator(model("other"))}) as net:
            await net.host.registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").state == "online")
            first = await net.send(server="Mini")
            await until(lambda: net.view("Mini").state == "loading")
            await net.host.registry.change("Mini", Form("Box", swaps=True))
            assert ("loading", 1) == (net.view("Box").state, len(net.view("Box").loads))
            second = await net.send(server="Box")
            assert ["completed"] * 2 == [(await finished(run)).outcome for run in (first, second)]
            assert (1, ["gemma"]) == (len(simulator.loads), list(simulator.instances))
            assert "load" in {record.kind for record in net.host.requests_to("Box")}


async def test_a_token_goes_to_no_other_address(tmp_path: Path) -> None:
    """Neither a test nor a change sends a kept token to an address that it was not given for."""
    thief = Simulator(QUICK)
    with machines(Simulator(QUICK, token=TOKEN), thief) as (mini, other):
        async with network(tmp_path, {"PC": Simulator(model("other"))}) as net:
            registry = net.host.registry
            await registry.add(Form("Mini", mini.url, TOKEN))
            moved = Form("Mini", other.url)
            for attempt in (registry.test(moved, "Mini"), registry.change("Mini", moved)):
                with pytest.raises(InputRefused, match="Give the token again"):
                    await attempt
            assert [] == thief.requests
            await registry.change("Mini", Form("Mini", other.url, drop_token=True))
            await until(lambda: net.view("Mini").state == "online")


async def test_a_server_that_is_off_is_not_asked_by_name_either(tmp_path: Path) -> None:
    """Who still has it picked hears that it is switched off."""
    with serve(simulator := Simulator(QUICK)) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").state == "online")
            await net.host.registry.enable("Mini", enabled=False)
            seen = len(simulator.requests)
            ended = await finished(await net.send(server="Mini"))
            assert "Mini is switched off" == (ended.fault.title if ended.fault else None)
            for attempt in (net.host.look_at("Mini"), net.host.load_model("Mini", "gemma")):
                with pytest.raises(ServerError, match="switched off"):
                    await attempt
            assert seen == len(simulator.requests)


async def test_what_the_environment_hides_is_kept(tmp_path: Path) -> None:
    """A server of the page whose name the environment takes is not shown, and is there again when it does no more."""
    with machines(Simulator(QUICK), Simulator(QUICK)) as (mini, pc):
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", mini.url))
        named = Settings(data_dir=tmp_path, servers=(_entry("Mini", pc.url), _entry("PC", pc.url)), demo="off")
        async with open_host(named) as host:
            await host.registry.move("PC", -1)
            assert [("PC", "environment"), ("Mini", "environment")] == [(v.name, v.origin) for v in host.servers]
        async with open_host(Settings(data_dir=tmp_path, demo="off")) as host:
            assert [("Mini", "page")] == [(view.name, view.origin) for view in host.servers]
            with pytest.raises(InputRefused, match="is taken"):
                await host.registry.add(Form("Demo engine", pc.url))


async def test_a_change_stands_though_it_is_not_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database takes nothing, a server can still be added: it is not kept there."""
    with serve(Simulator(QUICK)) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            full = Database.submit

            def refuses(database: Database, work: object) -> object:
                refused: Future[None] = Future()
                refused.set_exception(StoreError(Fault(kind="store", title="The disk is full")))
                return refused

            monkeypatch.setattr(Database, "submit", refuses)
            await net.host.registry.add(Form("Mini", url))
            assert ["PC", "Mini"] == [view.name for view in net.host.servers]
            monkeypatch.setattr(Database, "submit", full)


async def test_a_removed_server_is_let_go(tmp_path: Path) -> None:
    """Nothing of a server that was removed is asked or kept once its last answer has ended."""
    simulator = Simulator(QUICK, model("big", downloaded=False), download_s=60)
    with serve(simulator) as url:
        async with network(tmp_path, {"PC": Simulator(QUICK)}) as net:
            await net.host.registry.add(Form("Mini", url))
            await until(lambda: net.view("Mini").state == "online")
            await net.host.download_model("Mini", "big")
            await until(lambda: any("status" in path for _, path in simulator.requests))
            server = weakref.ref(net.host.pool.get("Mini"))
            await net.host.registry.remove("Mini")
            await until(lambda: gc.collect() >= 0 and server() is None)
