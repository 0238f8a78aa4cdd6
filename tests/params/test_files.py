"""Parameter files by name: where they lie, how they are encoded, which there are."""

from pathlib import Path

import pytest

from kamlib import params
from kamlib.errors import ParamError
from kamlib.params import load_unit, unit_from, unit_names

BOOK = "book:\n  tables:\n    transactions: sales.csv\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_in_unicode(load, encoding):
    assert load(f"title: 大客户\n{BOOK}".encode(encoding)).title == "大客户"


def test_text_that_is_not_unicode(refused):
    assert refused(f"title: 大客户\n{BOOK}".encode("gb18030")) == [
        "not UTF-8 text; save it as UTF-8"
    ]


@pytest.mark.parametrize("name", ["a/b", "../x", "a b", "", ".hidden", "a" * 70, "a.", "-a", "a\n"])
def test_names_that_cannot_name_a_folder(root, name):
    with pytest.raises(ParamError, match="cannot name a business unit: use letters, digits"):
        load_unit(name)
    with pytest.raises(ParamError, match="cannot name a business unit"):
        unit_from({"book": {"demo": "d"}}, name=name, folder=Path("."))


def test_a_unit_that_is_not_there(load, root):
    load(BOOK)
    with pytest.raises(ParamError, match=r"no parameter file params/nroth\.yaml – did you mean"):
        load_unit("nroth")
    with pytest.raises(ParamError, match=r"params/xyz\.yaml \(known: north\)"):
        load_unit("xyz")
    assert unit_names() == ["north"]


def test_the_root_is_the_nearest_folder_with_params(tmp_path, monkeypatch):
    (tmp_path / "params").mkdir()
    inner = tmp_path / "notebooks" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.delenv("KAM_HOME", raising=False)
    monkeypatch.chdir(inner)
    assert params.home() == tmp_path.resolve()
    monkeypatch.setenv("KAM_HOME", str(inner))
    assert params.home() == inner.resolve()


def test_no_root(tmp_path, monkeypatch):
    monkeypatch.delenv("KAM_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "is_dir", lambda _: False)
    with pytest.raises(
        ParamError, match=r"no folder params/ in .* or above it: start in the project"
    ):
        params.home()
