"""What may run is settled before any kernel starts, with all faults at once."""

import pytest

from kamlib.errors import ParamError
from kamlib.run.plan import find_studies, plan_jobs

UNIT = "book:\n  tables:\n    transactions: sales.csv\n"
DEMO = "book:\n  demo: DEMO\nas_of: 2025-12-31\n"


def units_of(jobs):
    return [job.unit.business_unit for job in jobs]


def test_studies_are_numbered_notebooks_and_00_is_none(project):
    for name in ("00_read_me", "20_churn", "10_value", "draft", "100_odd"):
        (project.root / "notebooks" / f"{name}.ipynb").touch()
    assert list(find_studies()) == ["value", "churn"]


def test_two_notebooks_of_one_name_are_refused(project):
    for name in ("10_value", "20_value"):
        (project.root / "notebooks" / f"{name}.ipynb").touch()
    with pytest.raises(ParamError, match=r"10_value.ipynb and 20_value.ipynb name the same study"):
        find_studies()


def test_units_times_studies_in_order(project):
    project.unit("north"), project.unit("south")
    project.study(20, "churn"), project.study(10, "value")
    jobs, faults = plan_jobs()
    assert [str(job) for job in jobs] == [
        "north value",
        "north churn",
        "south value",
        "south churn",
    ]
    assert not faults


def test_as_of_comes_from_the_command_then_the_file_else_is_open(project):
    project.unit("north", UNIT + "as_of: 2025-06-30\n"), project.unit("south")
    project.study(10, "value")
    assert [job.as_of for job in plan_jobs()[0]] == ["2025-06-30", ""]
    assert [job.as_of for job in plan_jobs(as_of="2025-03-31")[0]] == ["2025-03-31"] * 2


def test_demo_units_run_only_while_there_is_no_real_one(project):
    project.unit("show", DEMO)
    project.study(10, "value")
    assert units_of(plan_jobs()[0]) == ["show"]
    project.unit("north")
    assert units_of(plan_jobs()[0]) == ["north"]
    assert units_of(plan_jobs(demo=True)[0]) == ["show"]
    assert units_of(plan_jobs(["show"])[0]) == ["show"]


def test_demo_without_a_demo_unit(project):
    project.unit("north")
    project.study(10, "value")
    assert plan_jobs(demo=True) == (
        [],
        ["there is no demo unit (a parameter file whose book is `demo`)"],
    )
    assert plan_jobs(["north"], demo=True)[1][0] == "north is not a demo unit"


def test_every_fault_of_every_file_at_once(project, monkeypatch):
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    project.unit("east", UNIT + "langauge: en\ncurrency: euro\n")
    project.unit("north", UNIT + "language: en\nlanguage: zh\n")
    project.unit("south", "book:\n  database: postgresql://u:${NO_SUCH_SECRET}@host/db\n")
    project.unit("west")
    project.study(10, "value")
    jobs, faults = plan_jobs(["east", "north", "south", "west", "a/b"], ["vaule"])
    assert jobs == []
    told = "\n".join(faults)
    assert "params/east.yaml: 'langauge' is not a parameter – did you mean 'language'?" in told
    assert "params/east.yaml: currency" in told
    assert "params/north.yaml: line 5: 'language' stands twice" in told
    assert (
        "params/south.yaml: book.database: the environment variable NO_SUCH_SECRET is not" in told
    )
    assert "'a/b' cannot name a business unit" in told
    assert "there is no study 'vaule' – did you mean 'value'?" in told
    assert "west" not in told


def test_as_of_that_is_no_date(project):
    assert plan_jobs(as_of="2024-13-01") == (
        [],
        ["as_of: '2024-13-01' is not a date; expected YYYY-MM-DD"],
    )


def test_nothing_to_run(project):
    faults = plan_jobs()[1]
    assert len(faults) == 2
    assert faults[0].startswith("there is no parameter file")
    assert faults[1].startswith("there is no study")


LIST = "as_of: 2025-06-30\nbook:\n  adapter: telco\n  file: telco.csv\n"


def test_a_study_runs_for_units_whose_records_it_takes(project):
    project.unit("north"), project.unit("list", LIST)
    project.study(10, "value"), project.study(21, "churn_snapshot")
    jobs, faults = plan_jobs()
    assert [str(job) for job in jobs] == ["list churn_snapshot", "north value"]
    assert not faults
    # a record of one day keeps its day, whatever day is asked of the others
    days = {job.unit.business_unit: job.as_of for job in plan_jobs(as_of="2024-12-31")[0]}
    assert days == {"north": "2024-12-31", "list": "2025-06-30"}


def test_records_that_no_chosen_study_takes_are_named(project):
    project.unit("north"), project.unit("list", LIST)
    project.study(10, "value"), project.study(21, "churn_snapshot")
    assert units_of(plan_jobs(studies=["value"])[0]) == ["north"]
    assert plan_jobs(["list", "north"], ["value"]) == (
        [], ["list gives a record of one day, which value cannot read"]
    )  # fmt: skip
    assert plan_jobs(["north"], ["churn_snapshot"])[1] == [
        "north gives tables with dates, which churn_snapshot cannot read"
    ]
    (project.root / "params" / "list.yaml").unlink()
    assert plan_jobs(studies=["churn_snapshot"]) == (
        [], ["no unit gives the records that churn_snapshot can read"]
    )  # fmt: skip


def test_a_trial_runs_the_study_of_trials_alone(project):
    project.unit("mailed", "as_of: 2025-06-30\nbook:\n  adapter: hillstrom\n  file: mails.csv\n")
    project.unit("list", LIST)
    for number, study in ((10, "value"), (21, "churn_snapshot"), (31, "loyalty_trial")):
        project.study(number, study)
    jobs = plan_jobs(as_of="2024-12-31")[0]
    assert [str(job) for job in jobs] == ["list churn_snapshot", "mailed loyalty_trial"]
    assert {job.as_of for job in jobs} == {"2025-06-30"}
    assert plan_jobs(["mailed"], ["churn_snapshot"]) == (
        [], ["mailed gives a record of one trial, which churn_snapshot cannot read"]
    )  # fmt: skip


def test_the_demo_of_one_day_runs_among_the_demo_units(project):
    project.unit("show", DEMO), project.unit("day", DEMO.replace("DEMO", "mobile_subscribers"))
    project.study(10, "value"), project.study(21, "churn_snapshot")
    assert [str(job) for job in plan_jobs()[0]] == ["day churn_snapshot", "show value"]
