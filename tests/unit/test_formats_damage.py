"""Files that are damaged, hostile or something else: always a conversation or a reason, never an exception."""

import gc
import io
import tracemalloc

import pytest

from apehost_core.formats import FORMATS, ImportedConversation, Unreadable, detect, read, size_of
from apehost_core.formats.characters import WholeCharacters
from apehost_core.formats.streaming import DEEPEST, Damaged, Metered, lines_of, values_of
from tests.format_samples import FORMATS_FOLDER, conversations, from_bytes, from_value, one

SAMPLES = {
    path.relative_to(FORMATS_FOLDER).as_posix(): path
    for path in sorted(FORMATS_FOLDER.rglob("*.json*"))
    if conversations(path)
}
CHAT = {"uuid": "x", "chat_messages": [{"uuid": "m", "sender": "human", "text": "Hi"}]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "It ends in the middle"),
        (b"   \n\n ", "It ends in the middle"),
        (b"\xef\xbb\xbf", "It ends in the middle"),
        (b"\0" * 70_000, "It consists of zero bytes"),
        (b"\xff\xfe[\0]\0", "It is written in UTF-16"),
        (b"\x89PNG\r\n\x1a\n\0\0", "It is not"),
        (b"<html></html>", "It is not valid JSON"),
        (b"17", "It is not in a format that ApeHost knows"),
        (b'"text"', "It is not in a format that ApeHost knows"),
        (b"[]", "It is not in a format that ApeHost knows"),
        (b"{}", "It is not in a format that ApeHost knows"),
        (b'[{"some": "thing"}]', "It is not in a format that ApeHost knows"),
        (b'["\xc3\x28"]', "It is not"),
        (b"[" * 200_000, "It is nested deeper"),
        (b'{"a":' * 200_000, "It is nested deeper"),
        (b"[1e999999]", "A number in it is larger"),
        (b"[NaN]", "It is not valid JSON"),
    ],
)
def test_no_conversations_file(content: bytes, why: str) -> None:
    """A file of something else is reported once, with the reason."""
    (found,) = from_bytes(content)
    assert isinstance(found, Unreadable)
    assert found.where == "file.json"
    assert found.why.startswith(why)
    assert detect(("file.json", io.BytesIO(content))) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_cut_anywhere(name: str) -> None:
    """Wherever a file breaks off, it is read or reported, and no message is made up."""
    content = SAMPLES[name].read_bytes()
    whole = {message.message for found in conversations(SAMPLES[name]) for message in found.messages}
    for end in range(0, len(content), max(1, len(content) // 40)):
        found = from_bytes(content[:end], SAMPLES[name].name)
        assert found
        for conversation in found:
            if isinstance(conversation, ImportedConversation):
                assert {message.message for message in conversation.messages} <= whole


@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_reads_every_file(name: str) -> None:
    """A file that is read as what it is not gives reasons or conversations, and does not break."""
    for format_name in FORMATS:
        found = list(read(SAMPLES[name], format_name))
        assert found
        assert all(isinstance(each, ImportedConversation | Unreadable) for each in found)


@pytest.mark.parametrize("name", SAMPLES)
def test_same_each_time(name: str) -> None:
    """A file that is read twice gives the same conversations, digests included."""
    assert list(read(SAMPLES[name])) == list(read(SAMPLES[name]))


@pytest.mark.parametrize("name", SAMPLES)
def test_trees_are_sound(name: str) -> None:
    """Parents stand before their children, ids are used once, and the selected message is a leaf."""
    for found in conversations(SAMPLES[name]):
        seen: set[str | None] = {None}
        for message in found.messages:
            assert message.parent_source_id in seen
            assert message.source_id not in seen
            seen.add(message.source_id)
        assert found.selected in seen
        assert found.selected not in {message.parent_source_id for message in found.messages}
        assert found.format in FORMATS


def test_progress_is_told_of_every_byte() -> None:
    """What is told while reading adds up to the size that was said before."""
    for path in SAMPLES.values():
        told: list[int] = []
        list(read(path, progress=told.append))
        assert size_of(path) == sum(told) == path.stat().st_size


def test_unknown_format_name() -> None:
    """A format that is not known is refused by name."""
    (found,) = read(next(iter(SAMPLES.values())), "wordstar")
    assert isinstance(found, Unreadable)
    assert found.why.startswith("There is no format named 'wordstar'. Known are lmstudio, chatgpt,")


def test_text_that_no_database_likes() -> None:
    """NULs and halves of surrogate pairs are replaced, everywhere."""
    content = rb'[{"uuid": "a\u0000b", "name": "t\ud800", "chat_messages": [{"uuid": "m\u0000",'
    content += rb' "sender": "human", "text": "a\u0000b\udfffc"}]}]'
    found = one(from_bytes(content))
    for words in (found.source_id, found.title, found.messages[0].source_id, found.messages[0].message.text):
        assert "\0" not in words.encode().decode()


def test_deep_or_huge_values_inside() -> None:
    """Arguments with a number of 90 digits are kept; those nested too deeply cost their conversation only."""
    call = '{"uuid": "%s", "chat_messages": [{"uuid": "m", "sender": "assistant", "content": [%s]}]}'
    use = '{"type": "tool_use", "id": "t", "name": "n", "input": {"a": %s}}'
    huge = call % ("huge", use % ("9" * 90))
    deep = call % ("deep", use % ("[" * 1_900 + "]" * 1_900))
    first, second, third = from_bytes(f"[{huge}, {deep}, {huge}]".encode())
    assert isinstance(first, ImportedConversation)
    assert first.messages[0].tool_calls[0].arguments == '{"a":' + "9" * 90 + "}"
    assert isinstance(second, Unreadable)
    assert second.why == "A value in it is nested too deeply, or too large a number."
    assert third == first


@pytest.mark.parametrize("number", [b"9" * 5_000, b"-" + b"9" * 5_000, b"1e999"])
def test_number_that_python_refuses(number: bytes) -> None:
    """A number that cannot be taken in ends the file there; what was read before it stands. In lines it costs one."""
    chat = b'{"uuid": "x", "chat_messages": [{"uuid": "m", "sender": "human", "text": "%s"}]}' % (b"Hi" * 40_000)
    first, *_, last = from_bytes(b'[%s, %s, {"n": %s}, %s]' % (chat, chat, number, chat))
    assert isinstance(first, ImportedConversation)
    assert isinstance(last, Unreadable)
    assert last.why == "A number in it is larger than any that can be read."
    lines = lines_of(io.BytesIO(b'%s\n{"n": %s}\n%s' % (chat, number, chat)))
    assert [isinstance(value, Damaged) for _, value in lines] == [False, True, False]


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-" + b"9" * 90, b"1e-99999999999999999999999"])
def test_number_beyond_64_bits(number: bytes) -> None:
    """A number that only Python can hold costs nothing, and no byte is counted twice."""
    chat = b'{"uuid": "%d", "chat_messages": [{"uuid": "m", "sender": "human", "text": "%s"}]}'
    other = b'{"uuid": "3", "n": %s, "chat_messages": [{"sender": "human", "text": "Hi"}]}' % number
    for content in (
        b"[%s, %s, %s]" % (chat % (1, b"x" * 90_000), other, chat % (2, b"y")),
        b"%s\n%s\n%s\n" % (chat % (1, b"x"), other, chat % (2, b"y")),
    ):
        told: list[int] = []
        found = list(read(("file.json", io.BytesIO(content)), progress=told.append))
        assert [each.source_id for each in found if isinstance(each, ImportedConversation)] == ["1", "3", "2"]
        assert sum(told) == len(content)


@pytest.mark.parametrize("end", [b"", b"]", b', "\xff"]', b", [" + b"[" * 3_000, b", x]", b', "open'])
def test_slow_parser_is_left_quietly(end: bytes) -> None:
    """Wherever the slow parser stops, what came before stands, and nothing is raised behind the reader's back."""
    content = b'[{"uuid": "x", "n": %s, "chat_messages": [{"sender": "human", "text": "Hi"}]}' % (b"9" * 90)
    assert isinstance(from_bytes(content + end)[0], ImportedConversation)
    gc.collect()


@pytest.mark.parametrize(
    "wrong",
    [
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80",
        b"\xff",
        b"\x80",
        b"\xc3",
    ],
)
def test_bytes_that_are_no_text(wrong: bytes) -> None:
    """Bytes that are no UTF-8, also those that the parser would pass, end the file there; before them it is read."""
    chat = b'{"uuid": "x", "chat_messages": [{"uuid": "m", "sender": "human", "text": "%s"}]}'
    first, second = from_bytes(b"[%s, %s]" % (chat % "Grüße 😀".encode(), chat % wrong))
    assert isinstance(first, ImportedConversation)
    assert second == Unreadable("file.json, after number 1", "It is not written in UTF-8.")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_characters_in_pieces(size: int) -> None:
    """Characters of several bytes may be cut anywhere; the end of a file in the middle of one is no character."""
    written = "Grüße, 灯台 😀".encode()
    characters = WholeCharacters()
    pieces = [characters.feed(written[start : start + size]) for start in range(0, len(written), size)]
    assert b"".join(pieces) == written
    assert not characters.broken
    assert characters.feed("😀".encode()[:3]) + characters.rest() == b""


def test_many_calls_of_one_id() -> None:
    """Thousands of calls without an id in one answer are told apart, and each result finds its own in its order."""
    use = [{"type": "tool_use", "name": "n", "input": {"at": place}} for place in range(3_000)]
    given = [{"type": "tool_result", "content": str(place)} for place in range(3_000)]
    answer = {"uuid": "m", "sender": "assistant", "content": [*use, *given]}
    found = one(from_value([{"uuid": "x", "chat_messages": [answer]}]))
    calls = found.messages[0].tool_calls
    assert len({call.call_id for call in calls}) == 3_000
    assert [call.result for call in calls] == [str(place) for place in range(3_000)]
    assert max(len(call.call_id) for call in calls) < 12


def test_repeated_and_missing_ids() -> None:
    """Of messages with one id the first is kept, and that is noted."""
    doubled = {"uuid": "d", "chat_messages": [*CHAT["chat_messages"], *CHAT["chat_messages"], {"sender": "human"}]}
    found = one(from_value([doubled]))
    assert len(found.messages) == 1
    assert found.notes == ("1 message that has the id of another one was left out.",)


def test_impossible_times() -> None:
    """Times before 1970, after 2200 and of wrong kinds are unknown."""
    for wrong in (
        "yesterday",
        "0001-01-01T00:00:00Z",
        -5,
        0,
        1e300,
        "9999-12-31T23:59:59-23:00",
        True,
        [],
        "2026-13-01",
    ):
        assert one(from_value([CHAT | {"created_at": wrong}])).created_at is None


def test_largest_item() -> None:
    """An item over the limit ends the file there; what came before it stands."""
    stream = Metered(io.BytesIO(b'[{"a": 1}, {"b": "' + b"x" * 1_000_000 + b'"}]'), limit=300_000)
    values = values_of(stream)
    assert next(values) == {"a": 1}
    with pytest.raises(Damaged, match="An item in it is larger than"):
        next(values)
    assert stream.taken < 500_000


def test_deepest_value_is_read() -> None:
    """Nesting up to the limit is read."""
    (value,) = values_of(Metered(io.BytesIO(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))))
    assert isinstance(value, list)


def test_lines_are_read_one_by_one() -> None:
    """A broken line is reported in its place, and reading goes on behind it."""
    found = list(lines_of(io.BytesIO(b'{"a": 1}\n\n{"b":\n[1, 2]\n')))
    assert [(number, isinstance(value, Damaged)) for number, value in found] == [(1, False), (3, True), (4, False)]
    assert (found[0][1], found[2][1]) == ({"a": 1}, [1, 2])


def test_nesting_does_not_cost_memory() -> None:
    """Brackets without end are given up before they fill the memory."""
    tracemalloc.start()
    try:
        from_bytes(b'[{"chat_messages": ' + b"[" * 3_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40_000_000


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_halves_of_characters(size: int) -> None:
    """Half a surrogate pair becomes one replacement, wherever the text is cut; pairs and backslashes stay."""
    written = rb'"a\ude00b\ud83dc\ud83d\ude00d\\ude00\\\ude00\ud83d\n\ud83d\ud83d\ude00\uD83D\uDE00\u00e9 \" \\"'
    characters = WholeCharacters()
    pieces = [written[start : start + size] for start in range(0, len(written), size)]
    (value,) = values_of(Metered(io.BytesIO(b"".join([*map(characters.feed, pieces), characters.rest()]))))
    assert value == 'a\ufffdb\ufffdc😀d\\ude00\\\ufffd\ufffd\n\ufffd😀😀é " \\'
