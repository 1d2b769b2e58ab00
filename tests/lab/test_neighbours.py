"""Which files stand near a file: imports followed by their paths, then the folders around."""

from lab.eval_parts import workspace
from model.tiny_models import TRAINED

from hirope_ls.lab.eval.neighbours import import_spans, imported_names, nearest, same_workspace
from hirope_ls.lab.eval.sources import sources

MAIN = """\
import os, pkg.deep.one as first
from .near import f, g as h
from ..base import (  # what all share
    Base,
    Other,
)
from . import beside
    from pkg import again
from .nowhere import k
from ...... import far

import pkg.late
"""
FILES = {
    "pkg/sub/main.py": MAIN,
    "pkg/sub/near.py": "",
    "pkg/sub/beside/__init__.py": "",
    "pkg/sub/stranger.py": "",
    "pkg/base.py": "",
    "pkg/again.py": "",
    "pkg/late.py": "",
    "pkg/deep/one.py": "",
    "pkg/deep/far.py": "",
    "other/os.py": "",
}


def found(tmp_path, tokenizer, roots=("pkg", "other")):
    workspace(tmp_path, FILES)
    files = sources([tmp_path / root for root in roots], tokenizer, TRAINED)
    return {source.name: source for source in files}


def test_imports_come_first_the_last_one_nearest(tmp_path, tokenizer):
    files = found(tmp_path, tokenizer)
    names = [other.name for other in nearest(files["pkg/sub/main.py"], list(files.values()))]
    imported = ["deep/one", "sub/near", "base", "sub/beside/__init__", "again", "late"]
    assert names[:6] == [f"pkg/{name}.py" for name in reversed(imported)]
    assert names[6] == "pkg/sub/stranger.py"  # of the same folder
    assert names[7:] == ["pkg/deep/far.py", "other/os.py"]


def test_imports_count_up_to_an_offset(tmp_path, tokenizer):
    files = found(tmp_path, tokenizer)
    end = MAIN.index("from ..base")
    names = [other.name for other in nearest(files["pkg/sub/main.py"], list(files.values()), end)]
    assert names[:2] == ["pkg/sub/near.py", "pkg/deep/one.py"]
    assert names.index("pkg/base.py") > names.index("pkg/sub/stranger.py")


def test_a_workspace_may_be_called_otherwise_than_its_package(tmp_path, tokenizer):
    root = workspace(tmp_path, {"pkg-1.0/a/x.py": "from pkg.b.y import z\n", "pkg-1.0/b/y.py": "z = 1\n"})
    files = {source.name: source for source in sources([root / "pkg-1.0"], tokenizer, TRAINED)}
    assert imported_names(files["pkg-1.0/a/x.py"], list(files.values())) == {"z"}


def test_what_imports_are_called(tmp_path, tokenizer):
    files = found(tmp_path, tokenizer)
    main = files["pkg/sub/main.py"]
    names = imported_names(main, list(files.values()))
    assert names == {"first", "f", "h", "Base", "Other", "beside", "again", "pkg"}
    told = [main.data[start:end].split()[0] for start, end in import_spans(main)]
    assert told == [b"import", *[b"from"] * 6, b"import"]


def test_workspaces_are_kept_apart(tmp_path, tokenizer):
    files = found(tmp_path, tokenizer)
    near = same_workspace(files["pkg/late.py"], list(files.values()))
    assert {source.name for source in near} == set(files) - {"other/os.py"}
