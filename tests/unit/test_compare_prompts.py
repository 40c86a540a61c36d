"""Prompts out of templates and files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apehost_core.compare.comparison import Check, Prompt
from apehost_core.compare.prompt_files import MOST_BYTES
from apehost_core.compare.prompts import MOST_PROMPTS, fields_of, from_file, from_template, from_text
from apehost_core.compare.templates import MOST_CHARS
from apehost_core.errors import InputRefused


def texts(prompts: list[Prompt]) -> list[str]:
    """Return what is asked."""
    return [prompt.text for prompt in prompts]


def csv(*lines: str) -> list[Prompt]:
    """Return the prompts of a CSV file of these lines."""
    return from_file("set.csv", "\n".join(lines).encode())


def jsonl(*lines: object) -> list[Prompt]:
    """Return the prompts of a file of these objects."""
    return from_file("set.jsonl", "\n".join(json.dumps(line) for line in lines).encode())


def test_a_grid_is_a_product() -> None:
    """There is a prompt for each combination, the last field fastest, and it knows what it was made of."""
    prompts = from_template("{{n}} {{ animal }}s? {{n}}!", {"n": ["one", "two"], "animal": ["cat", "dog"]})
    assert ["one cats? one!", "one dogs? one!", "two cats? two!", "two dogs? two!"] == texts(prompts)
    assert (("n", "two"), ("animal", "cat")) == prompts[2].variables


def test_a_template_without_fields() -> None:
    """A text without fields is one prompt."""
    assert [Prompt("Why? {x} {{ }}")] == from_template("Why? {x} {{ }}", {})


def test_values_are_not_templates() -> None:
    """What is filled in is not looked through for fields."""
    assert ["{{b}} x"] == texts(from_template("{{a}} {{b}}", {"a": ["{{b}}"], "b": ["x"]}))


def test_fields_are_named_once() -> None:
    """Fields come in the order of their first use."""
    assert ("b", "a", "größe_1") == fields_of("{{b}} {{a}} {{ b }} {{größe_1}} {{no-field}} {{}}")


@pytest.mark.parametrize(
    ("text", "grid", "words"),
    [
        ("{{a}} {{b}}", {"a": ["x"]}, "{{b}}"),
        ("{{a}}", {"a": []}, "{{a}}"),
        ("plain", {"c": ["x"]}, "{{c}}"),
        ("  \n", {}, "empty"),
        ("{{a}}", {"a": [" "]}, "empty"),
        ("x" * (MOST_CHARS + 1), {}, "characters"),
        ("{{a}}{{b}}", {"a": ["1"] * 50, "b": ["2"] * 41}, "2,050"),
        ("{{a}}", {"a": ["x" * 90_000] * 200}, "together"),
    ],
)
def test_refused_templates(text: str, grid: dict[str, list[str]], words: str) -> None:
    """What cannot be filled is refused, by name."""
    with pytest.raises(InputRefused, match=words.replace("{", r"\{")):
        from_template(text, grid)


def test_lines_of_text() -> None:
    """Without rules each line is a prompt; empty ones are none, and what is there twice stays twice."""
    assert ["one", "two", "one"] == texts(from_file("p.TXT", b"\xef\xbb\xbfone\r\n\r\n two \none"))


def test_blocks_of_text() -> None:
    """With rules each block is a prompt, its own empty lines in it."""
    assert ["a\n\nb", "-- c"] == texts(from_text("---\n\na\n\nb\n---\n\n-----  \n-- c\n"))


def test_csv_with_everything() -> None:
    """Columns that are known say what to ask and to check; others fill the fields of their row and stay with it."""
    prompts = csv(
        "Prompt,topic,contains,Regex,equals,json_schema,animal",
        'Name a {{animal}}.,zoo,cat,c.t,,"{""type"": ""object""}",cat',
        '"Line one,\nline ""two""",,,,7,,dog',
        ",,,,,,",
    )
    assert (
        Prompt(
            "Name a cat.",
            topic="zoo",
            variables=(("animal", "cat"),),
            checks=(Check("contains", "cat"), Check("regex", "c.t"), Check("json_schema", '{"type": "object"}')),
        )
        == prompts[0]
    )
    assert ('Line one,\nline "two"', (Check("equals", "7"),)) == (prompts[1].text, prompts[1].checks)
    assert 2 == len(prompts)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_separators(separator: str) -> None:
    """Files of spreadsheets in other languages are read as well."""
    assert ["q, really; yes"] == texts(csv(f"topic{separator}question", f'x{separator}"q, really; yes"'))


def test_short_rows() -> None:
    """Cells that are missing at the end of a row are empty."""
    assert [Prompt("q", variables=(("a", ""),))] == csv("text,a", "q")


def test_fields_without_columns_are_text() -> None:
    """A prompt about braces stays as it is where the file has nothing to fill in."""
    assert ["What is {{x}}?"] == texts(csv("prompt", "What is {{x}}?"))


def test_json_lines() -> None:
    """Objects say the same as columns; checks may be several, a schema an object, values of any kind."""
    (prompt,) = jsonl(
        {
            "text": "Is {{n}} {{what}}?",
            "Topic": " numbers ",
            "contains": ["yes", "7"],
            "equals": 7,
            "json_schema": {"type": "object"},
            "n": 7,
            "what": "odd",
            "none": None,
        }
    )
    assert prompt == Prompt(
        "Is 7 odd?",
        topic="numbers",
        variables=(("n", "7"), ("what", "odd"), ("none", "")),
        checks=(
            Check("contains", "yes"),
            Check("contains", "7"),
            Check("equals", "7"),
            Check("json_schema", '{"type": "object"}'),
        ),
    )


def test_messages_of_openai() -> None:
    """Of a conversation the user's last message is asked, also where it is in parts."""
    prompts = jsonl(
        {
            "messages": [
                {"role": "user", "content": "first"},
                {"role": "user", "content": "last"},
                {"role": "assistant"},
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]}
            ]
        },
    )
    assert ["last", "in parts"] == texts(prompts)


def test_line_separators_in_json() -> None:
    """Only line feeds divide JSON lines; other separators of Unicode may stand in a text."""
    assert ["a\u2028b"] == texts(from_file("x.ndjson", '{"prompt": "a\u2028b"}\n\n'.encode()))


def test_what_cannot_be_sent_is_replaced() -> None:
    """Halves of surrogate pairs and NUL reach no request and no database."""
    assert ["a�b?"] == texts(from_file("x.jsonl", b'{"prompt": "a\\u0000b\\ud800"}'))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("p.pdf", b"x", ["p.pdf", ".jsonl"]),
        ("p.txt", b"\n \n", ["p.txt", "no prompts"]),
        ("p.txt", b"one\ntwo \xff", ["p.txt, line 2", "UTF-8", "Byte 9 "]),
        ("p.txt", "x".encode("utf-16"), ["p.txt, line 1", "Byte 1 "]),
        ("p.txt", b"one\n" + b"x" * (MOST_CHARS + 1), ["p.txt, line 2", "characters"]),
        ("p.txt", b"x\n" * (MOST_PROMPTS + 1), ["p.txt", "2,000"]),
        ("p.txt", b"x" * (MOST_BYTES + 1), ["p.txt", "bytes"]),
        ("p.csv", b"", ["p.csv, line 1", "prompt"]),
        ("p.csv", b"frage,thema\na,b", ["p.csv, line 1", "prompt"]),
        ("p.csv", b"prompt,a,A\n", ["p.csv, line 1", "twice"]),
        ("p.csv", b"prompt\n", ["p.csv", "no prompts"]),
        ("p.csv", b'prompt,a\n"x\ny",b\nq,b,c', ["p.csv, line 4", "3 cells"]),
        ("p.csv", b'prompt,a\nx,y\n"q,b\n', ["p.csv, line 3", "no CSV"]),
        ("p.csv", b"prompt,a\nx,y\n ,z\n", ["p.csv, line 3", "empty"]),
        ("p.csv", b"prompt,a\nx {{b}},y\n", ["p.csv, line 2", "{{b}}"]),
        ("p.csv", b"prompt,regex\nx,(\n", ["p.csv, line 2", "regular expression"]),
        ("p.csv", b"prompt,json_schema\nx,nonsense\n", ["p.csv, line 2", "schema"]),
        ("p.jsonl", b'{"prompt": "x"}\n\n{"prompt": }', ["p.jsonl, line 3", "no JSON"]),
        ("p.jsonl", b"[1]", ["p.jsonl, line 1", "object"]),
        ("p.jsonl", b"[" * 100_000, ["p.jsonl, line 1", "deep"]),
        ("p.jsonl", b'{"a": ' + b"9" * 5_000 + b"}", ["p.jsonl, line 1", "number"]),
        ("p.jsonl", b'{"topic": "x"}', ["p.jsonl, line 1", "no prompt"]),
        ("p.jsonl", b'{"prompt": ["x"]}', ["p.jsonl, line 1", "no text"]),
        ("p.jsonl", b'{"messages": [{"role": "system", "content": "x"}]}', ["p.jsonl, line 1", "no prompt"]),
        ("p.jsonl", b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}', ["line 1", "text"]),
        ("p\n\x1b[31m.csv", b"x", ["p [31m.csv, line 1"]),
    ],
)
def test_refused_files(name: str, content: bytes, words: list[str]) -> None:
    """What cannot be read is refused by file and line, in words."""
    with pytest.raises(InputRefused) as caught:
        from_file(name, content)
    said = str(caught.value)
    assert [word for word in words if word not in said] == []
    assert said.isprintable()


@given(st.binary(max_size=200), st.sampled_from(["a.txt", "a.csv", "a.tsv", "a.jsonl"]))
def test_any_bytes(content: bytes, name: str) -> None:
    """Whatever a file holds, there are prompts or a refusal; nothing else happens."""
    head = {"a.csv": b"prompt,a\n", "a.tsv": b"a\tprompt\n"}.get(name, b"")
    try:
        prompts = from_file(name, head + content)
    except InputRefused:
        return
    assert all(prompt.text.strip() for prompt in prompts)
