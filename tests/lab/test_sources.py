"""Sources: the same names in the same order anywhere, texts read late, and the pipeline's own positions."""

import numpy as np
import pytest
from lab.eval_parts import workspace
from model.tiny_models import TRAINED

from hirope_ls.engine.limits import Limits
from hirope_ls.engine.snapshots import Pipeline
from hirope_ls.lab.eval.sources import Source, sources, text_source
from hirope_ls.lab.methods import Units
from hirope_ls.problems import InputError
from hirope_ls.text import Buffer

FILES = {f"{folder}/{name}.py": f"x = {name!r}\n" for folder in "abc" for name in ("one", "two", "three", "four")}


def test_the_order_depends_on_names_alone_and_mixes_folders(tmp_path, tokenizer):
    first = workspace(tmp_path / "here" / "shop", FILES)
    backwards = dict(reversed(FILES.items()))
    second = workspace(tmp_path / "there" / "shop", {name: text * 3 for name, text in backwards.items()})
    names = [source.name for source in sources([first], tokenizer, TRAINED)]
    assert sorted(names) == sorted(f"shop/{name}" for name in FILES)
    assert names == [source.name for source in sources([second], tokenizer, TRAINED)]
    folders = [name.split("/")[1] for name in names]
    assert folders != sorted(folders) and folders != sorted(folders, reverse=True)


def test_tests_hidden_and_foreign_files_are_left_out(tmp_path, tokenizer):
    root = workspace(tmp_path / "w", {"a.py": "", "tests/b.py": "", "x/tests/c.py": "", ".venv/d.py": "", "e.c": ""})
    assert [source.name for source in sources([root], tokenizer, TRAINED)] == ["w/a.py"]
    (root / "a.py").unlink()
    assert {source.name for source in sources([root], tokenizer, TRAINED)} == {"w/tests/b.py", "w/x/tests/c.py"}
    with pytest.raises(InputError, match="known language"):
        sources([workspace(tmp_path / "empty", {"read.me": ""})], tokenizer, TRAINED)
    with pytest.raises(InputError, match="no folder"):
        sources([tmp_path / "nowhere"], tokenizer, TRAINED)


def test_a_folder_above_called_tests_does_not_count(tmp_path, tokenizer):
    root = workspace(tmp_path / "tests" / "w", {"a.py": "", "tests/b.py": ""})
    assert [source.name for source in sources([root], tokenizer, TRAINED)] == ["w/a.py"]


def test_over_large_files_are_left_out(tmp_path, tokenizer):
    root = workspace(tmp_path / "w", {"a.py": ""})
    with (root / "large.py").open("wb") as file:
        file.truncate(5_000_001)
    assert [source.name for source in sources([root], tokenizer, TRAINED)] == ["w/a.py"]


def test_workspaces_of_one_name_are_told_apart_and_no_file_comes_twice(tmp_path, tokenizer):
    one, two = (workspace(tmp_path / name / "src", {"a.py": ""}) for name in ("one", "two"))
    names = {source.name for source in sources([one, two, one], tokenizer, TRAINED)}
    assert len(names) == 2
    assert {source.name for source in sources([one, two], tokenizer, TRAINED)} == {"one/src/a.py", "two/src/a.py"}
    assert [source.name for source in sources([one], tokenizer, TRAINED)] == ["src/a.py"]


def test_a_file_is_read_when_it_is_needed_and_once(tokenizer):
    read = []
    source = Source("a.py", lambda: read.append(1) or b"x = 1\n", tokenizer, TRAINED)
    assert not read
    assert source.data == b"x = 1\n" and len(source) == len(source.tokens) and source.positions(Units()).size
    assert read == [1]


def test_a_file_that_has_gone_is_one_line(tmp_path, tokenizer):
    root = workspace(tmp_path / "w", {"a.py": ""})
    found = sources([root], tokenizer, TRAINED)
    (root / "a.py").unlink()
    with pytest.raises(InputError, match=r"a\.py cannot be read"):
        _ = found[0].data


def test_bytes_that_are_no_text_are_replaced(tokenizer):
    source = Source("a.py", lambda: b"x = '\xff'\n", tokenizer, TRAINED)
    assert source.data.decode() == "x = '�'\n" and len(source) > 0


@pytest.mark.parametrize("units", [Units(), Units(longest=10), Units(longest=60, count=75)])
def test_positions_are_the_pipelines(texts, tokenizer, units):
    for source in texts:
        pipeline = Pipeline(tokenizer, TRAINED, units.limits(TRAINED))
        wanted = pipeline.open("", 0, Buffer.of(source.data), "python", None).positions
        assert np.array_equal(source.positions(units), wanted)
        assert source.positions(units) is source.positions(units)
    default = Limits.of(TRAINED)
    assert (units.limits(TRAINED) == default) == np.array_equal(texts[0].positions(units), texts[0].positions(Units()))


def test_the_suffix_tells_the_language(tokenizer):
    text = "def f():\n    pass\n\n\ndef g():\n    pass\n"
    assert [unit.name for unit in text_source("a.py", text, tokenizer, TRAINED).parse.units] == ["f", "g"]
    assert text_source("a.txt", text, tokenizer, TRAINED).parse.flat


def test_token_at(texts):
    source = texts[0]
    begins = [0, *source.tokens.ends[:-1].tolist()]
    for offset in range(400):
        wanted = next(token for token, begin in enumerate(begins) if begin >= offset)
        assert source.token_at(offset) == wanted
    assert source.token_at(len(source.data)) == len(source)
