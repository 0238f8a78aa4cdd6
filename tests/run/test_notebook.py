"""What the runner reads in a notebook, and what it refuses."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from kamlib.run import notebook

GOOD = '# the three\nbusiness_unit = "x"\nas_of: str = ""\noverrides = {}\n'


def with_parameters(source, tags=("parameters",)):
    return new_notebook(cells=[new_code_cell(source, metadata={"tags": list(tags)})])


def faults_of(nb):
    return [str(fault) for fault in notebook.parameter_faults(nb)]


def test_the_three_names_in_any_form_are_taken():
    assert faults_of(with_parameters(GOOD)) == []
    assert faults_of(with_parameters('"""A remark."""\n' + GOOD)) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('business_unit = "x"\nas_of = ""', "it holds business_unit, as_of."),
        (GOOD + "region = 1", "it holds business_unit, as_of, overrides, region."),
        (GOOD + 'as_of = "2024-01-01"', "it holds business_unit, as_of, overrides, as_of."),
        (GOOD + "import os", "overrides, import os."),
        ("", "it holds –."),
        ("business_unit =", "not valid Python: line 1"),
    ],
)
def test_other_parameters_are_refused(source, told):
    (fault,) = faults_of(with_parameters(source))
    assert told in fault


@pytest.mark.parametrize("count", [0, 2])
def test_not_exactly_one_tagged_cell(count):
    tagged = [with_parameters(GOOD).cells[0] for _ in range(count)]
    nb = new_notebook(cells=[new_code_cell(GOOD), *tagged])
    assert f"({count} found)" in faults_of(nb)[0]


def test_a_tagged_markdown_cell_is_none():
    nb = new_notebook(cells=[new_markdown_cell(GOOD, metadata={"tags": ["parameters"]})])
    assert "exactly one code cell" in faults_of(nb)[0]


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"cells": 1, "nbformat": 4}'])
def test_what_is_no_notebook_is_told_as_such(text):
    with pytest.raises(notebook.NotANotebook):
        notebook.parse(text)


def test_an_older_notebook_gets_cell_ids():
    nb = new_notebook(cells=[new_code_cell("1")])
    del nb.cells[0]["id"]
    nb.nbformat_minor = 4
    assert notebook.parse(nbformat.writes(nb).encode()).cells[0].id


def test_a_run_starts_with_nothing_of_an_earlier_one():
    nb = with_parameters(GOOD)
    nb.cells.append(new_code_cell("x = 1", metadata={"tags": ["injected-parameters"]}))
    nb.cells[0].outputs = [new_output("stream", text="old")]
    nb.metadata["papermill"] = {"input_path": "/somewhere"}
    prepared = notebook.prepare(nb)
    assert [cell.source for cell in prepared.cells] == [GOOD]
    assert prepared.cells[0].outputs == []
    assert "papermill" not in prepared.metadata


def test_the_nearest_heading_above_a_cell():
    cell = new_code_cell("1")
    text = "# Title\n\n## The *part* of `x` ##\n\n```\n# no heading\n```\n#no heading"
    nb = new_notebook(cells=[new_markdown_cell(text), cell, new_markdown_cell("## Later")])
    assert notebook.heading_above(nb, cell.id) == "The part of x"
    assert notebook.heading_above(new_notebook(cells=[cell]), cell.id) == ""


def test_the_facts_displayed_last_count():
    cells = [
        new_code_cell("", outputs=[new_output("display_data", {notebook.FACTS: {"n": n}})])
        for n in (1, 2)
    ]
    assert notebook.header_facts(new_notebook(cells=cells)) == {"n": 2}
    assert notebook.header_facts(new_notebook()) is None


def test_prints_that_follow_each_other_become_one():
    texts = [
        ("stdout", "10 %\r20"),
        ("stdout", " %\rdone\r\nnext\n"),
        ("stderr", "a"),
        ("stdout", "b"),
    ]
    outputs = [new_output("stream", name=name, text=text) for name, text in texts]
    nb = new_notebook(cells=[new_code_cell("", outputs=outputs), new_markdown_cell("")])
    notebook.join_streams(nb)
    kept = [(output.name, output.text) for output in nb.cells[0].outputs]
    assert kept == [("stdout", "done\nnext\n"), ("stderr", "a"), ("stdout", "b")]


def test_long_errors_are_cut():
    error = new_output("error", ename="E", evalue="v" * 30_000, traceback=["t" * 30_000] * 60)
    nb = new_notebook(cells=[new_code_cell("", outputs=[error])])
    notebook.cut_errors(nb)
    assert len(error.evalue) == notebook.ERROR_LIMIT
    assert [len(line) for line in error.traceback] == [notebook.ERROR_LIMIT] * 50
