"""Archives and folders from strangers: nothing outside of them is read, and none of them fills memory or disk."""

import io
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import orjson
import pytest

from apehost_core.formats import ImportedConversation, Unreadable, detect, read, size_of, zip_safety
from tests.format_samples import FORMATS_FOLDER, conversations, unreadable

CHAT = orjson.dumps([{"uuid": "a", "chat_messages": [{"uuid": "m", "sender": "human", "text": "Hi"}]}])


def archive(**members: bytes) -> bytes:
    """An archive of these files; two underscores in a name stand for a slash, a last one for ".json"."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name.replace("__", "/") + ".json", data)
    return content.getvalue()


def named(name: str, data: bytes = CHAT) -> bytes:
    """An archive of one file of this name, whatever the name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def from_archive(content: bytes) -> list[ImportedConversation | Unreadable]:
    """Whatever is read of an archive."""
    return list(read(("x.zip", io.BytesIO(content))))


def refusal(content: bytes) -> str:
    """Why an archive is refused as a whole."""
    (found,) = from_archive(content)
    assert isinstance(found, Unreadable)
    assert found.where == "x.zip"
    return found.why


def test_archive() -> None:
    """The files of an archive are read where they lie; folders are the tags of LM Studio's chats."""
    chat = (FORMATS_FOLDER / "lmstudio" / "1735689600000.conversation.json").read_bytes()
    first, second = from_archive(archive(a=CHAT, conversations__Sea__b=chat))
    assert isinstance(first, ImportedConversation)
    assert isinstance(second, ImportedConversation)
    assert (first.format, second.format, second.tags) == ("claude", "lmstudio", ("Sea",))


def test_other_files_are_passed_over() -> None:
    """Files of other things in an archive are no damage, unless nothing else is there or they are named like chats."""
    assert len(from_archive(archive(a=CHAT, users=b'[{"email": "x"}]', broken=b"{"))) == 1
    named_like_chats = from_archive(archive(a=CHAT, **{"conversations-2": b"\0\0"}))
    assert isinstance(named_like_chats[1], Unreadable)
    assert named_like_chats[1].where == "x.zip, conversations-2.json"
    assert refusal(archive(users=b"[]")).startswith("There are no conversations in it that ApeHost knows how to read")


def test_bomb_of_one_file() -> None:
    """A file that grows a thousand times is refused before a byte of it is unpacked."""
    bomb = archive(a=b"0" * 64 * 1024**2)
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        assert refusal(bomb) == "A file in it would grow more than 250 times when unpacked."
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def test_bomb_of_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than any export has are refused, and so are more bytes."""
    content = archive(a=CHAT, b=CHAT, c=CHAT)
    monkeypatch.setattr(zip_safety, "MOST_MEMBERS", 2)
    assert refusal(content) == "It holds more than 2 files."
    monkeypatch.setattr(zip_safety, "MOST_MEMBERS", 3)
    monkeypatch.setattr(zip_safety, "LARGEST_TOTAL", 3 * len(CHAT) - 1)
    assert refusal(content) == "Unpacked it would have more than 0 GB."
    monkeypatch.setattr(zip_safety, "LARGEST_TOTAL", 3 * len(CHAT))
    assert len(from_archive(content)) == 3


def test_files_over_each_other() -> None:
    """Two names for the same bytes, by which small bombs are made without packing much, are refused."""
    data = os.urandom(60_000).hex().encode()
    content = bytearray(named("a.json", data))
    directory = content.rfind(b"PK\x01\x02")
    end = content.rfind(b"PK\x05\x06")
    entry = bytes(content[directory:end])
    doubled = bytes(content[:directory]) + entry * 3
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3, 3, len(entry) * 3, directory, 0)
    assert refusal(doubled + tail) == "Its files lie over each other, as only in archives made to do harm."


@pytest.mark.parametrize(
    "name", ["../a.json", "b/../../a.json", "/etc/a.json", "C:/a.json", "..\\a.json", "C:\\a.json", "\\\\host\\a.json"]
)
def test_names_that_lead_out(name: str) -> None:
    """A name that leads out of the archive has the archive refused, though nothing is ever unpacked to the disk."""
    assert refusal(named(name)) == "A file in it has a name that leads out of the archive."


@pytest.mark.parametrize("name", ["a..json", "b..c/a.json", "Re: a.json", "b//a.json", "./a.json"])
def test_odd_names_that_stay_inside(name: str) -> None:
    """A name that only looks so is read."""
    assert [type(found) for found in from_archive(named(name))] == [ImportedConversation]


def test_archive_in_an_archive() -> None:
    """An archive inside of an archive is named and not opened."""
    first, second = from_archive(named("inner.zip", archive(a=CHAT))) + from_archive(named("a.json"))
    assert first == Unreadable("x.zip, inner.zip", "Archives inside of an archive are not opened; unpack it first.")
    assert isinstance(second, ImportedConversation)


def test_claimed_sizes_are_not_believed() -> None:
    """A file that says it is smaller than it is gives what it says at most, and is reported as damaged."""
    content = bytearray(named("conversations.json"))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.rfind(mark)
        struct.pack_into("<L", content, start + place, 20)
    assert [type(found) for found in from_archive(bytes(content))] == [Unreadable]


def test_wrong_checksum_and_broken_stream() -> None:
    """A file whose bytes do not check out is reported."""
    good = named(
        "conversations.json", orjson.dumps([{"uuid": "u", "chat_messages": []}] * 3 + [os.urandom(40_000).hex()])
    )
    bad = bytearray(good)
    bad[20_000:20_010] = b"\xff" * 10
    found = from_archive(bytes(bad))
    assert Unreadable("x.zip, conversations.json", "It is damaged inside the archive.") in found or found[-1] == (
        Unreadable("x.zip, conversations.json, after number 3", "It is damaged inside the archive.")
    )


def test_password() -> None:
    """A file behind a password is named, with what to do."""
    content = bytearray(named("conversations.json"))
    content[content.rfind(b"PK\x03\x04") + 6] |= 1
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    assert from_archive(bytes(content)) == [
        Unreadable("x.zip, conversations.json", "It is locked with a password; unpack it first.")
    ]


def test_unusual_packing() -> None:
    """A file packed in a way that can cost much memory is named and not opened."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("conversations.json", CHAT)
    assert from_archive(content.getvalue()) == [
        Unreadable("x.zip, conversations.json", "It is packed in an unusual way; unpack it first.")
    ]


def test_huge_table_of_contents() -> None:
    """A table of contents that claims to be larger than that of any export is not loaded."""
    content = bytearray(named("a.json"))
    struct.pack_into("<L", content, content.rfind(b"PK\x05\x06") + 12, 64 * 1024**2)
    assert refusal(bytes(content)) == "Its table of contents is larger than that of any export."


def test_cut_anywhere() -> None:
    """Wherever an archive breaks off, it is reported, and nothing raises."""
    content = (FORMATS_FOLDER / "chatgpt" / "export.zip").read_bytes()
    for end in range(4, len(content) - 22, 97):
        assert all(isinstance(found, Unreadable) for found in from_archive(content[:end]))


def test_any_byte_may_be_wrong() -> None:
    """Whichever byte of an archive is wrong, it is read or reported, and nothing raises."""
    content = (FORMATS_FOLDER / "chatgpt" / "export.zip").read_bytes()
    for place in range(0, len(content), 23):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        assert from_archive(bytes(broken))


def test_folder(tmp_path: Path) -> None:
    """A folder is read with the folders in it, by name; hidden files and other kinds of files are not."""
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("z.json", "b/c/y.json", "b/x.jsonl", ".hidden.json", "notes.txt", "pack.zip"):
        (tmp_path / name).write_bytes(CHAT)
    assert len(conversations(tmp_path)) == 3
    assert unreadable(tmp_path) == {}
    assert size_of(tmp_path) == 3 * len(CHAT)
    assert detect(tmp_path) == "claude"


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What a link in a folder leads to is not read: it may be anything of this machine."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_bytes(CHAT)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "direct.json").symlink_to(outside / "secret.json")
    (folder / "below").symlink_to(outside, target_is_directory=True)
    (folder / "round").symlink_to(folder, target_is_directory=True)
    assert conversations(folder) == []
    assert unreadable(folder) == {"direct.json": "It is a link to another place; import what it leads to instead."}


def test_what_is_no_file(tmp_path: Path) -> None:
    """Devices and pipes are not opened, which could wait for ever; what is missing is said to be."""
    os.mkfifo(tmp_path / "pipe.json")
    assert list(read(tmp_path / "pipe.json")) == [Unreadable("pipe.json", "It is neither a file nor a folder.")]
    assert conversations(tmp_path) == []
    assert unreadable(Path("/dev/zero")) == {"zero": "It is neither a file nor a folder."}
    assert unreadable(tmp_path / "gone") == {"gone": "There is no such file or folder."}
    assert size_of(tmp_path / "gone") == 0


def test_a_file_that_vanishes_meanwhile(tmp_path: Path) -> None:
    """A file that is deleted while its folder is read is reported, and the others are read."""
    for name in ("a.json", "b.json", "c.json"):
        (tmp_path / name).write_bytes(CHAT)
    found = read(tmp_path)
    next(found)
    (tmp_path / "b.json").unlink()
    assert [type(each) for each in found] in ([ImportedConversation], [Unreadable, ImportedConversation])


def test_reader_leaves_the_stream_open() -> None:
    """Bytes that were handed over stay open, and can be read again from any position."""
    stream = io.BytesIO(CHAT)
    stream.seek(5)
    assert list(read(("a.json", stream))) == list(read(("a.json", stream)))
    assert not stream.closed
