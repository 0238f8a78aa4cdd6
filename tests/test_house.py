"""The rules of the house: imports, docstrings, texts, requirements, and what no file may hold."""

import ast
import inspect
import json
import re
import shutil
import string
import subprocess
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kamlib.cli
from kamlib import glossary, params
from kamlib.book.simulate import DEMO_UNITS, mailing, subscribers

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "kamlib").rglob("*.py"))
TREES = {path: ast.parse(path.read_text("utf-8")) for path in SOURCES}
TEMPLATES = "\n".join(p.read_text("utf-8") for p in sorted((ROOT / "kamlib").rglob("*.j2")))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

# Keys of sentences that are put together from one of these and a name that stands in the code.
DYNAMIC = (
    "rule.", "split.", "split.no_", "herfindahl.", "herfindahl.no_", "action.spread_",
    "report_happened.", "report_advice.", "relation.", "relation.stated_", "contractual.",
)  # fmt: skip
# What looks like the key of a sentence and is a parameter or a file.
NO_SENTENCES = {"book.database", "book.file", "report.html"}
SECTIONS = {
    "Parameters", "Returns", "Yields", "Raises", "Attributes", "Notes", "References", "Examples",
    "Warns", "See Also",
}  # fmt: skip
# Kinds that a translator may exchange for one another: they show the same value.
ALIKE = ({"money", "short"}, {"percent", "level"}, {"count", "days"}, {"date", "month"})

needs_git = pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="not a git checkout"
)


def git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
    )


# Imports and modules


def test_imports_go_one_way(monkeypatch, capsys):
    from importlinter.cli import lint_imports

    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_every_module_has_a_subject():
    names = {path.stem for path in SOURCES}
    assert not names & {"utils", "util", "helpers", "helper", "base", "common", "misc"}


# Docstrings


def _public(node: ast.Module | ast.ClassDef, inside: str = ""):
    """Yield name and node of public functions, classes and methods."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for child in node.body:
        if isinstance(child, kinds) and not child.name.startswith("_"):
            yield f"{inside}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from _public(child, f"{child.name}.")


PUBLIC = [
    pytest.param(node, id=f"{path.relative_to(ROOT).with_suffix('').as_posix()}:{name}")
    for path, tree in TREES.items()
    for name, node in _public(tree)
]


def _sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each underlined section of a docstring."""
    lines = text.splitlines()
    found: dict[str, list[str]] = {}
    name = ""
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if below and set(below) == {"-"}:
            assert len(below) == len(line), f"underline '{line}' in its own length"
            name = line
            found[name] = []
        elif name:
            found[name].append(line)
    return found


@pytest.mark.parametrize("node", PUBLIC)
def test_docstring(node):
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    assert text.partition("\n")[0].endswith("."), "begin with one sentence on one line"
    found = _sections(text)
    assert set(found) <= SECTIONS
    if isinstance(node, ast.ClassDef):
        return
    every = node.args
    known = {a.arg for a in (*every.posonlyargs, *every.args, *every.kwonlyargs)}
    known |= {a.arg for a in (every.vararg, every.kwarg) if a}
    told = [
        name
        for line in found.get("Parameters", ())[1:]
        if line and not line.startswith(" ")
        for name in re.split(r",\s*", line.split(":")[0].strip())
    ]
    assert set(told) <= known, "describe only parameters that there are"


# Texts


def _fields(template: str) -> dict[str, set[str]]:
    """Return the kinds in which each named value of a template is shown."""
    fields: dict[str, set[str]] = {}
    for _, name, kind, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        assert name.isidentifier(), template
        assert conversion is None, template
        kinds = fields.setdefault(name, set())
        if "|" in kind:  # the word for one and the word for many
            assert kind.count("|") == 1, template
        else:
            kinds.add(kind or "text")
    return fields


def _known_kind(kind: str) -> bool:
    value = date(2025, 12, 31) if kind in ("date", "month") else 1
    try:
        return bool(glossary.display(value, kind))
    except glossary.KamError:
        return False


def test_headings_and_columns_speak_both_languages():
    bare = [en for en, zh in glossary.headings().items() if not (en.strip() and zh.strip())]
    assert bare == []
    for term in glossary.columns().values():
        assert term.en.strip(), term.name
        assert term.zh.strip(), term.name
        assert term.meaning.strip(), term.name
        assert not term.unit or term.unit in glossary.headings(), f"unit of {term.name}"


def test_no_heading_stands_twice_with_another_translation():
    groups = tomllib.loads((ROOT / "kamlib" / "text" / "headings.toml").read_text("utf-8"))
    told: dict[str, set[str]] = {}
    for group in groups.values():
        for en, zh in group.items():
            told.setdefault(en, set()).add(zh)
    assert {en: zh for en, zh in told.items() if len(zh) > 1} == {}


def test_columns_are_shown_in_a_known_way():
    # an estimate is shown as the figure that its row's term names, see show.tables
    kinds = {term.display for term in glossary.columns().values()} - {"by_term"}
    assert [kind for kind in kinds if not _known_kind(kind)] == []


@pytest.mark.parametrize("key", glossary.sentences())
def test_sentence(key):
    """Both languages show the same values, in kinds that show the same."""
    texts = glossary.sentences()[key]
    assert set(texts) == set(glossary.LANGUAGES)
    en, zh = (_fields(texts[language]) for language in glossary.LANGUAGES)
    assert set(en) == set(zh)
    for name in en:
        both = en[name] | zh[name]
        assert all(_known_kind(kind) for kind in both), both
        assert len(both) == 1 or any(both <= group for group in ALIKE), f"{name}: {both}"


def _texts_in_code() -> tuple[set[str], set[str]]:
    """Return all texts in the code, and the beginnings of those that are put together."""
    whole, begun = set(), set()
    for tree in TREES.values():
        parts = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                (begun if id(node) in parts else whole).add(node.value)
    return whole, begun


def test_every_sentence_named_in_the_code_exists():
    groups = "|".join({key.split(".")[0] for key in glossary.sentences()})
    whole, begun = _texts_in_code()
    whole |= set(re.findall(r"\bsay\('([^']+)'", TEMPLATES))
    named = {text for text in whole if re.fullmatch(rf"(?:{groups})\.\w+", text)}
    assert len(named) > 50
    assert sorted(named - set(glossary.sentences()) - NO_SENTENCES) == []
    made = {text for text in begun if re.fullmatch(rf"(?:{groups})\.(?:\w+_)?", text)}
    assert sorted(made - set(DYNAMIC)) == []


def test_every_key_given_to_a_sentence_is_one():
    """A key of a group that does not exist would slip through the test above."""
    wrong = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            place = {"Sentence": 0, "refusal": 1}.get(node.func.id)
            if place is None or len(node.args) <= place:
                continue
            key = node.args[place]
            choices = [key.body, key.orelse] if isinstance(key, ast.IfExp) else [key]
            wrong += [
                f"{path.name}:{node.lineno} {choice.value}"
                for choice in choices
                if isinstance(choice, ast.Constant) and choice.value not in glossary.sentences()
            ]
    assert wrong == []


def test_every_sentence_is_used():
    whole, _ = _texts_in_code()
    whole |= set(re.findall(r"\bsay\('([^']+)'", TEMPLATES))
    # a rule may stand behind the column that it is of: "order_id:on_two_sheets"
    names = {part.replace("-", "_") for text in whole for part in text.split(":")}
    names |= set(glossary.columns())

    def used(key: str) -> bool:
        return key in whole or any(
            key.startswith(start) and key.removeprefix(start) in names for start in DYNAMIC
        )

    assert [key for key in glossary.sentences() if not used(key)] == []


def test_every_heading_in_the_code_has_a_chinese_one():
    named = set(re.findall(r"\bh\('([^']+)'\)", TEMPLATES))
    for tree in TREES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "heading":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    named.add(first.value)
    assert len(named) > 20
    assert sorted(named - set(glossary.headings())) == []


# Requirements


def _requirements(lines: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in parsed}


def _blocks(lock: str) -> dict[str, str]:
    """Return package -> its lines in a lock: the version, hashes, and who asks for it."""
    text = (ROOT / lock).read_text("utf-8")
    blocks = re.split(r"^(?=[A-Za-z\d])", text, flags=re.MULTILINE)[1:]
    return {canonicalize_name(re.match(r"[\w.-]+", block)[0]): block for block in blocks}


def _locked(lock: str) -> dict[str, str]:
    pin = re.compile(r"==([^\s;\\]+)")
    return {package: pin.search(block)[1] for package, block in _blocks(lock).items()}


def _wanted(*extras: str) -> dict[str, Requirement]:
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return _requirements(lines)


def test_environment_repeats_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    *conda, last = environment["dependencies"]
    assert conda == [f"python{PROJECT['requires-python']}", "pip"]
    lines = last["pip"]
    assert lines[-1] == "-e ."
    told = _requirements(lines[:-1])
    assert len(told) == len(lines) - 1
    assert told == _wanted("build", "dev")


@pytest.mark.parametrize(
    ("name", "extras"),
    [("requirements.lock", ("build",)), ("requirements-dev.lock", ("build", "dev"))],
)
def test_locks_keep_the_bounds(name, extras):
    locked = _locked(name)
    wanted = _wanted(*extras)
    assert sorted(set(wanted) - set(locked)) == []
    outside = {n: locked[n] for n, r in wanted.items() if not r.specifier.contains(locked[n])}
    assert outside == {}
    asked = {n for n, block in _blocks(name).items() if "kamlib (pyproject.toml)" in block}
    assert asked == set(wanted), "pyproject.toml has changed since; run `make lock`"


def test_locks_agree_and_are_hashed():
    few, many = _locked("requirements.lock"), _locked("requirements-dev.lock")
    assert {name: many.get(name) for name in few} == few
    for name in ("requirements.lock", "requirements-dev.lock"):
        assert [n for n, b in _blocks(name).items() if "--hash=sha256:" not in b] == []


# Parameters


def test_the_schema_is_that_of_the_code():
    path = ROOT / "params" / params.SCHEMA_FILE
    assert path.is_file(), "run `make schema`"
    assert json.loads(path.read_text("utf-8")) == params.json_schema(), "run `make schema`"


def test_parameter_files_load(monkeypatch):
    monkeypatch.setenv("KAM_HOME", str(ROOT))
    units = [params.load_unit(name) for name in params.unit_names()]
    demos = {unit.book.demo for unit in units} - {""}
    assert demos == {*DEMO_UNITS, subscribers.UNIT, mailing.UNIT}
    assert all(unit.as_of for unit in units if unit.book.demo), "demo units pin their last day"


# What no file may hold, and what the repository leaves out


def _files() -> list[Path]:
    listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"(^|/)(\.[^/]+|outputs|__pycache__)(/|$)")
        paths = [p for p in ROOT.rglob("*") if not hidden.search(p.relative_to(ROOT).as_posix())]
    return [path for path in paths if path.is_file()]


def _texts():
    for path in _files():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
        except UnicodeDecodeError:
            continue


# brackets, so that the patterns do not find themselves
FORBIDDEN = {
    "registry": re.compile(
        r"\bpypi[.]|python[h]osted|anaconda[.](?:org|com)|(?<!no-emit-)\bindex[-]url"
        r"|trusted[-]host|find[-]links"
    ),
    "machine": re.compile(
        r"(?<![\w.])/(?:home|Users|root|work|workspace)/\w|\b[A-Z]:\\{1,2}(?:Users|Documents)|"
        + re.escape(str(ROOT)) + r"(?![\w-])"
    ),
    "address": re.compile(r"\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b"),
}  # fmt: skip


def test_no_file_names_a_registry_a_machine_or_a_person():
    found = []
    for name, text in _texts():
        # a database URL holds an @ and names no person
        without_urls = re.sub(r"\w+://\S+", "", text)
        for kind, pattern in FORBIDDEN.items():
            hit = pattern.search(without_urls if kind == "address" else text)
            if hit:
                found.append(f"{name}: {hit[0]} ({kind})")
    assert found == []


@needs_git
def test_outputs_stay_out_of_the_repository():
    assert git("check-ignore", "-q", "outputs/unit/2025-12-31/study/report.html").returncode == 0
    assert git("check-ignore", "-q", "outputs/_demo/unit/accounts.parquet").returncode == 0
    assert git("check-ignore", "-q", "outputs/README.md").returncode == 1
    assert set(git("ls-files", "outputs").stdout.split()) <= {"outputs/README.md"}


def test_the_readme_names_commands_that_exist():
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    asked = set(re.findall(r"(?:^\s*|`|\$ )make ([a-z][\w-]*)", readme, re.MULTILINE))
    assert {"reports", "test"} <= asked
    assert sorted(asked - targets) == []
    helped = set(re.findall(r'@echo "make ([\w-]+)', makefile))
    assert sorted(helped - targets) == []
    commands = {
        command.name or command.callback.__name__ for command in kamlib.cli.app.registered_commands
    }
    told = set(re.findall(r"(?:^\s*|`|\$ |bin/)kam ([a-z][\w-]*)", readme, re.MULTILINE))
    assert sorted(told - commands) == []
