"""The parts of the build that need no componentize-py."""

import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "build"))

import docstrings
import freeze
import immortal
import maths_cases
import tools


def leb(value):
    out = b""
    while True:
        byte, value = value & 127, value >> 7
        if not value:
            return out + bytes([byte])
        out += bytes([byte | 128])


def section(kind, body):
    return bytes([kind]) + leb(len(body)) + body


def component(memory: bytes, base: int) -> bytes:
    """A component of one module whose memory has one data segment."""
    data = leb(1) + b"\0" + b"\x41" + leb(base) + b"\x0b" + leb(len(memory)) + memory
    module = b"\0asm\x01\0\0\0" + section(11, data)
    return b"\0asm\x0d\0\x01\0" + section(1, module)


def image(counts, base=16):
    """Memory with a tuple of objects that have these reference counts, and the note of `memory.list_living`."""
    none, objects = base, [base + 16 + 16 * index for index in range(len(counts))]
    place = base + 16 + 16 * len(counts)
    memory = struct.pack("<4I", 7 << 28, 0, 0, 0)
    memory += b"".join(struct.pack("<4I", count, 1, 2, 3) for count in counts)
    memory += struct.pack("<4I", 1, 0, len(counts), 0) + struct.pack(f"<{len(counts)}I", *objects)
    return memory + f"REWARDEN-ALIVE:{place:08x}:{16:08x}:{len(counts):08x}:{none:08x}:".encode()


def test_objects_that_are_listed_get_the_count_of_immortal_ones_and_nothing_else_changes(tmp_path):
    path = tmp_path / "c.wasm"
    before = component(image([1, 77, 7 << 28]), 16)
    path.write_bytes(before)
    assert immortal.make_immortal(path) == 2
    after = path.read_bytes()
    changed = [index for index in range(len(before)) if before[index] != after[index]]
    start = before.index(struct.pack("<4I", 1, 1, 2, 3))
    assert struct.unpack_from("<I", after, start)[0] == struct.unpack_from("<I", after, start + 16)[0] == 5 << 28
    assert struct.unpack_from("<I", after, start + 32)[0] == 7 << 28
    assert len(changed) <= 12


def test_a_freed_object_in_the_list_ends_the_build_and_leaves_the_file(tmp_path):
    path = tmp_path / "c.wasm"
    path.write_bytes(before := component(image([1, 0]), 16))
    with pytest.raises(tools.BuildError, match="has a reference count of 0"):
        immortal.make_immortal(path)
    assert path.read_bytes() == before


def test_a_component_without_the_list_is_refused(tmp_path):
    path = tmp_path / "c.wasm"
    path.write_bytes(component(b"nothing here", 16))
    with pytest.raises(tools.BuildError, match="expected one list"):
        immortal.make_immortal(path)


def test_docstrings_go_and_lines_keep_their_numbers():
    text = 'def f():\n    """One.\n\n    Two that is longer than a line of forty characters.\n    """\n    return "kept"\n\nraise ValueError(f())\n'
    blanked = docstrings.blanked_text(text)
    assert "Two" not in blanked and "kept" in blanked
    assert blanked.count("\n") == text.count("\n")
    with pytest.raises(ValueError, match="kept") as error:
        exec(compile(blanked, "blanked.py", "exec"), {})
    assert error.traceback[-1].lineno + 1 == 8


def test_text_that_shares_its_lines_with_a_docstring_is_left_alone():
    text = 'class A: """A docstring of more than forty characters, on one line."""\n'
    assert docstrings.blanked_text(text) == text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="LEFT OUT: reading TOML needs Python 3.11")
def test_golden_cases_become_warm_up_with_their_scores(tmp_path):
    path = tmp_path / "cases.toml"
    path.write_text(
        '[[score]]\ntask = { prompt = "?", responses = ["a", "b"] }\nscores = [1, 0.5]\n\n'
        '[[score]]\ntask = { responses = ["c"] }\nrefuses = "unsuitable-task"\n\n[[parse]]\ntext = "x"\n',
        encoding="utf-8",
    )
    first, second = freeze.golden([path])
    assert first == {"prompt": "?", "responses": ["a", "b"], "scores": [1.0, 0.5]}
    assert second == {"responses": ["c"]}
    path.write_text("[[score", encoding="utf-8")
    with pytest.raises(tools.BuildError, match="cases.toml"):
        freeze.golden([path])


def test_requirements_with_hashes_are_their_own_lock(tmp_path):
    path = tmp_path / "requirements.txt"
    path.write_text("inflection==0.5.1 --hash=sha256:00\n", encoding="utf-8")
    assert freeze.locked(path, tmp_path) == path


def test_a_case_whose_scores_are_others_natively_ends_the_build():
    config = {"as": "scorer", "file": "r.py", "source": "def reward(response):\n    return len(response)"}
    cases = [{"config": config, "tasks": [{"responses": ["abc"], "scores": [3.0]}]}]
    sdk = Path(__file__).parent.parent
    assert tools.native_scores(cases, sdk, None) == cases
    cases[0]["tasks"][0]["scores"] = [4.0]
    with pytest.raises(tools.BuildError, match=r"expected \[4.0\], found \[3.0\] natively"):
        tools.native_scores(cases, sdk, None)


def test_the_maths_are_warmed_with_right_and_wrong_answers_of_each_kind():
    (case,) = maths_cases.cases()
    assert len(case["tasks"]) > 300
    assert all(equal and other for _, equal, other in maths_cases.ANSWERS)
