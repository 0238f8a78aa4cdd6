"""Parameters of a business unit: type, range, unit, meaning and default, each stated once.

A unit's file `params/<unit>.yaml` says only what differs from the defaults below. YAML is read as
plain strings and converted by the declared type, so that `NO`, `007` and `2024-01-05` stay what they
are. All faults of a file are reported at once. Credentials stand in the environment and are named as
`${NAME}`; they are looked up only when a database is opened and are never shown.
"""

from __future__ import annotations

import os
import re
import zoneinfo
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import quote

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from kamlib.errors import ParamError, nearest

TableName = Literal[
    "accounts", "account_history", "transactions", "contracts", "invoices", "payments",
    "service_events", "standards", "tier_decisions", "visits", "contacts", "assignments",
    "survey_frame", "survey_items", "surveys", "programme", "trials", "programme_costs", "points",
    "referrals", "defections", "acquisition_costs",
]  # fmt: skip
Share = Annotated[float, Field(gt=0, lt=1)]
_Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
SCHEMA_FILE = "kam.schema.json"


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class TableSource(_Params):
    """Where one table comes from and how its text is to be read."""

    file: str = Field(
        "", description="CSV, Excel or Parquet file or glob, relative to the parameter file"
    )
    sheet: str = Field("", description="Excel sheet; empty: the first one, *: all of them")
    table: str = Field("", description="table or view in `book.database`; empty: the table's name")
    columns: dict[str, str] = Field(
        default_factory=dict, description="our column name: the heading that stands in your file"
    )
    decimal: Literal[".", ","] = Field(".", description="decimal mark in numbers written as text")
    date_order: Literal["ymd", "dmy", "mdy"] = Field(
        "ymd", description="order of day, month and year in dates written as text"
    )
    encoding: str = Field("", description="text encoding of a CSV file; empty: found out")
    delimiter: str = Field("", description="column separator of a CSV file; empty: found out")


class BookSource(_Params):
    """Where the records of the unit come from: a demo, a public record, a database, or files."""

    demo: str = Field("", description="name of a simulated demo unit")
    adapter: str = Field("", description="reader for a public record, e.g. online-retail-ii")
    file: str = Field("", description="file that the adapter reads, relative to this file")
    countries: tuple[str, ...] = Field(
        (), description="countries that make up the unit (adapter online-retail-ii); empty: all"
    )
    database: str = Field(
        "", description="DuckDB or SQLite file, or a database URL; credentials as ${NAME}"
    )
    tables: dict[TableName, TableSource] = Field(
        default_factory=dict, description="one entry per table that the unit has"
    )
    max_amount: float = Field(
        1e12, gt=0, description="largest money amount of one row taken for real, in currency units"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> BookSource:
        origins = [name for name in ("demo", "adapter", "database") if getattr(self, name)]
        if len(origins) > 1:
            raise ValueError(f"give only one of demo, adapter, database (found {origins})")
        if self.adapter and not self.file:
            raise ValueError("an adapter needs the `file` that it reads")
        if self.file and not self.adapter:
            raise ValueError("`file` belongs to an adapter; give your own files under `tables`")
        if not origins and not self.tables:
            raise ValueError("say where the records are: tables, database, adapter or demo")
        if self.tables and (self.demo or self.adapter):
            raise ValueError(
                "`tables` goes with files or a database, not with a demo or an adapter"
            )
        if self.tables and "transactions" not in self.tables:
            raise ValueError("tables.transactions is required")
        given = {name: source.file for name, source in self.tables.items()}
        astray = [name for name, file in given.items() if bool(file) == bool(self.database)]
        if astray and self.database:
            raise ValueError(f"{', '.join(astray)}: with a database give `table`, not `file`")
        if astray:
            raise ValueError(f"no `file` given for {', '.join(astray)}")
        return self


class LedgerParams(_Params):
    """How revenue becomes contribution."""

    grain: Literal["account", "parent_group"] = Field(
        "account", description="count every account by itself, or together with its parent group"
    )
    financing_rate: float = Field(
        0.08, ge=0, le=1, description="cost of money tied up in receivables, share per year"
    )
    service_rate_per_hour: float | None = Field(
        None, ge=0, description="money per service hour where an event has minutes but no cost"
    )
    visit_rate_per_hour: float | None = Field(
        None, ge=0, description="money per visit hour where a visit has minutes but no cost"
    )
    min_cost_coverage: float = Field(
        0.95, gt=0, le=1,
        description="share of revenue whose cost must be known before a margin is stated",
    )  # fmt: skip


class CriterionWeights(_Params):
    """Weight of each criterion of the evaluation standard; only their proportions count."""

    contract_volume: float = Field(0.25, ge=0, description="yearly value of the contracts in force")
    price_realisation: float = Field(
        0.15, ge=0, description="net price ÷ list price over twelve months"
    )
    revenue: float = Field(0.30, ge=0, description="revenue of twelve months")
    collection_rate: float = Field(
        0.15, ge=0, description="paid ÷ fell due over twelve months, as known then"
    )
    credit: float = Field(0.15, ge=0, description="credit and commercial reputation, 0–100")

    @model_validator(mode="after")
    def _some_weight(self) -> CriterionWeights:
        if not any(self.model_dump().values()):
            raise ValueError("give at least one criterion a weight above 0")
        return self


TierName = Literal["platinum", "gold", "iron", "lead"]
_Score = Annotated[float, Field(gt=0, lt=100)]


class EvaluationStandardParams(_Params):
    """The evaluation standard: which accounts are key, which move, which could become key."""

    weights: CriterionWeights = Field(default_factory=CriterionWeights)
    reference_date: date | None = Field(
        None,
        description="day whose accounts every later score is held against; it becomes the next "
        "evaluation date; empty: the first one",
    )
    tier_basis: Literal["score", "contribution"] = Field(
        "score", description="tiers by score, or by cumulative share of contribution"
    )
    score_bounds: tuple[_Score, _Score, _Score] = Field(
        (70.0, 55.0, 35.0), description="lowest score of platinum, gold and iron"
    )
    score_margin: float = Field(
        3.0, ge=0, le=20,
        description="points by which a score must pass a bound before the account changes its tier",
    )  # fmt: skip
    share_bounds: tuple[Share, Share, Share] = Field(
        (0.50, 0.80, 0.95),
        description="share of contribution that platinum, gold and iron together make, tier by tier",
    )
    share_margin: float = Field(
        0.02, ge=0, le=0.2,
        description="share by which an account must pass a bound before it changes its tier",
    )  # fmt: skip
    key_tiers: tuple[TierName, ...] = Field(
        ("platinum", "gold"), description="tiers whose accounts are key accounts, best first"
    )
    concentration: float = Field(
        50.0, gt=0,
        description="how close other weights stay to these (Dirichlet): a weight w varies by "
        "√(w(1 − w) ÷ (concentration + 1))",
    )  # fmt: skip
    draws: int = Field(1000, ge=100, le=20000, description="other sets of weights tried")
    min_risers: int = Field(
        10, ge=5, description="accounts that must have risen in the past before a chance is stated"
    )

    @model_validator(mode="after")
    def _in_order(self) -> EvaluationStandardParams:
        best, middle, low = self.score_bounds
        first, second, third = self.share_bounds
        if not best > middle > low:
            raise ValueError("score_bounds must fall from platinum to iron")
        if best + self.score_margin > 100 or low - self.score_margin < 0:
            raise ValueError("score_bounds with score_margin must stay between 0 and 100")
        if not first < second < third:
            raise ValueError("share_bounds must rise from platinum to iron")
        if first - self.share_margin <= 0 or third + self.share_margin >= 1:
            raise ValueError("share_bounds with share_margin must stay between 0 and 1")
        best_first = ("platinum", "gold", "iron")[: len(self.key_tiers)]
        if not self.key_tiers or self.key_tiers != best_first:
            raise ValueError("key_tiers must be the best tiers without a gap, and not all four")
        return self


class ProfitParams(_Params):
    """Profit, collection and the people on whom accounts depend."""

    concession: Share = Field(
        0.03, description="fall of an account's prices at constant mix that counts as a concession"
    )
    expected_life_years: Annotated[float, Field(ge=0.5, le=50)] | None = Field(
        None,
        description="years over which winning an account is paid off; empty: 1 ÷ the share of last "
        "year's buyers that bought nothing this year",
    )
    decider_days: int = Field(
        90, ge=7, le=730, description="days within which one who decides should have been met"
    )


class LifetimeParams(_Params):
    """What each account will bring: kind of relation, horizon, discount, how it is checked."""

    relation: Literal["auto", "contracts", "purchases"] = Field(
        "auto",
        description="whether accounts are bound by contracts or simply buy; auto: contracts where "
        "accounts with one bring most of the revenue",
    )
    model: Literal["auto", "BG/NBD", "MBG/CNBD-k", "Pareto/NBD"] = Field(
        "auto", description="purchase model of accounts without contracts; auto: the likeliest"
    )
    horizon_years: float = Field(3.0, ge=0.25, le=10, description="years looked ahead")
    discount_rate: float = Field(
        0.10, ge=0, le=0.5, description="what money loses in a year, 0.1 for 10 %"
    )
    holdout_months: int = Field(
        12, ge=3, le=36,
        description="months at the end of the records held back to check the forecast; at the most "
        "a quarter of the records",
    )  # fmt: skip
    holdout_from: date | None = Field(
        None, description="first day held back, instead of a number of months"
    )
    draws: int = Field(1000, ge=200, le=20000, description="futures drawn behind an interval")
    comparable: str = Field(
        "", description="group of comparable units that learn from each other; empty: all units"
    )


class CustomerValueParams(_Params):
    """Study 10: customer value."""

    top_share: Share = Field(
        0.20, description="share of accounts, largest first, whose part of revenue is stated"
    )
    bulk_share: Share = Field(
        0.80, description="part of revenue for which the smallest set of accounts is sought"
    )
    conf_level: Annotated[float, Field(ge=0.5, le=0.999)] = Field(
        0.95, description="level of all intervals"
    )
    draws: int = Field(1000, ge=200, le=20000, description="bootstrap draws behind an interval")
    seed: int = Field(20260101, ge=0, description="seed of all random draws")
    list_length: int = Field(15, ge=5, le=200, description="accounts listed in a table")
    standard: EvaluationStandardParams = Field(default_factory=EvaluationStandardParams)
    profit: ProfitParams = Field(default_factory=ProfitParams)
    lifetime: LifetimeParams = Field(default_factory=LifetimeParams)


class Unit(_Params):
    """One business unit."""

    business_unit: str = Field("", description="name of the unit; empty: the file's name")
    title: str = Field("", description="name that readers see; empty: the unit's name")
    title_zh: str = Field("", description="name that readers of a Chinese report see")
    language: Literal["en", "zh"] = Field("en", description="language of labels and headings")
    as_of: date | None = Field(
        None, description="last day that is known; empty: the date of the last transaction"
    )
    currency: str = Field(
        "", pattern=r"^([A-Z]{3})?$", description="currency of all figures, e.g. CNY, EUR"
    )
    rates: dict[_Currency, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="value of one unit of another currency in `currency`"
    )
    time_zone: str = Field("UTC", description="time zone whose calendar days count")
    book: BookSource = Field(description="where the records are")
    ledger: LedgerParams = Field(default_factory=LedgerParams)
    customer_value: CustomerValueParams = Field(default_factory=CustomerValueParams)
    folder: Path = Field(Path("."), exclude=True, description="folder of the parameter file")

    @model_validator(mode="after")
    def _safe_name(self) -> Unit:
        check_unit_name(self.business_unit)
        return self

    @model_validator(mode="after")
    def _rates_of_other_currencies(self) -> Unit:
        if self.rates and not self.currency:
            raise ValueError(
                "`rates` says what other currencies are worth in `currency`; state that"
            )
        if self.rates.get(self.currency, 1.0) != 1.0:
            raise ValueError(f"rates.{self.currency}: is the unit's own currency; leave it out")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            hint = nearest(name, zoneinfo.available_timezones())
            raise ValueError(
                f"is not a time zone; use a name such as Asia/Shanghai or Europe/Berlin{hint}"
            ) from None
        return name

    @property
    def shown_title(self) -> str:
        """Name of the unit for its readers, in its language."""
        chosen = self.title_zh if self.language == "zh" else ""
        return chosen or self.title or self.business_unit.replace("_", " ")


def check_unit_name(name: str) -> None:
    """Raise ValueError unless `name` can name a folder and a file on every system."""
    if not re.fullmatch(r"[^\W_][\w.-]{0,63}", name) or name.endswith("."):
        raise ValueError(
            f"'{name}' cannot name a business unit: use letters, digits, _ . - and begin with a "
            "letter or digit (no slash, no space), since outputs lie in a folder of that name"
        )


def home() -> Path:
    """Return the project's root: `KAM_HOME`, else the nearest parent that holds `params/`."""
    named = os.environ.get("KAM_HOME")
    if named:
        return Path(named).resolve()
    here = Path.cwd().resolve()
    for folder in (here, *here.parents):
        if (folder / "params").is_dir():
            return folder
    raise ParamError(
        f"no folder params/ in {here.name or here} or above it: "
        "start in the project's folder or set KAM_HOME to it"
    )


class _Loader(yaml.SafeLoader):
    """Reads every scalar as text and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise ParamError(f"line {line}: expected `name: value`, found a list or a block")
            if key.value in seen:
                raise ParamError(
                    f"line {line}: '{key.value}' stands twice in the same block; keep one of them"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {}


def _read_yaml(text: str, where: str) -> dict[str, Any]:
    try:
        loaded = yaml.load(text, Loader=_Loader)  # noqa: S506 – a SafeLoader that yields text only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "cannot be read"
        raise ParamError(f"{where}: {line}not valid YAML – {problem}") from None
    except ParamError as error:
        raise ParamError(*(f"{where}: {fault}" for fault in error.faults)) from None
    if loaded in (None, ""):
        return {}
    if not isinstance(loaded, dict):
        raise ParamError(f"{where}: expected `name: value` lines, found {type(loaded).__name__}")
    return loaded


def _without_blanks(value: Any) -> Any:
    """Drop keys left empty, so that `as_of:` means the default."""
    if isinstance(value, dict):
        return {k: _without_blanks(v) for k, v in value.items() if v not in ("", None)}
    return value


def _merge(base: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in extra.items():
        if "." in key:
            head, rest = key.split(".", 1)
            key, value = head, {rest: value}
        if isinstance(value, Mapping):
            inside = merged.get(key, {})
            merged[key] = _merge(inside if isinstance(inside, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _known_names(path: tuple[Any, ...]) -> list[str]:
    """Return the parameters that the block at `path` may hold."""
    model: Any = Unit
    for step in path:
        if get_origin(model) is dict:
            model = get_args(model)[1]
        elif isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(step)
            model = field.annotation if field else None
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [name for name in model.model_fields if name != "folder"]
    return []


# What pydantic says in terms of programming, said in terms of a parameter file
_PLAINLY = {
    "missing": "is missing",
    "date": "must be a date written YYYY-MM-DD",
    "float": "must be a number",
    "int": "must be a whole number",
    "string_pattern_mismatch": "must be three capital letters, e.g. CNY or EUR",
    "string": "must be text",
    "dict": "must be a block of `name: value` lines",
    "model": "must be a block of `name: value` lines",
    "tuple": "must be a list, e.g. [a, b]",
}


def _faults(error: ValidationError, where: str, overrides: Mapping[str, Any]) -> list[str]:
    lines = []
    for fault in error.errors():
        path = tuple(step for step in fault["loc"] if step != "[key]")
        name = ".".join(str(step) for step in path)
        place = where
        if any(name == key or name.startswith(f"{key}.") for key in _dotted(overrides)):
            place = "given for this run"
        kind = fault["type"]
        if kind == "extra_forbidden":
            known = _known_names(path[:-1])
            hint = nearest(str(path[-1]), known) or f" (known: {', '.join(known)})"
            lines.append(f"{place}: '{name}' is not a parameter{hint}")
            continue
        if kind == "literal_error" and "[key]" in fault["loc"]:
            known = list(get_args(TableName))
            hint = nearest(str(path[-1]), known) or f" (known: {', '.join(known)})"
            lines.append(f"{place}: '{name}' is not a table{hint}")
            continue
        message = str(fault["msg"]).removeprefix("Value error, ").replace("Input should", "must")
        message = _PLAINLY.get(kind) or _PLAINLY.get(kind.split("_")[0]) or message
        found = fault["input"]
        shown = f" (found {found!r})" if isinstance(found, str | int | float) else ""
        lines.append(f"{place}: {name + ': ' if name else ''}{message}{shown}")
    return lines


def _dotted(values: Mapping[str, Any], head: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{head}{key}.")
        else:
            yield f"{head}{key}"


def unit_from(
    raw: Mapping[str, Any], *, name: str, folder: Path, overrides: Mapping[str, Any] | None = None
) -> Unit:
    """Return the checked parameters of one unit.

    Parameters
    ----------
    raw
        What the unit's file says, all scalars as text.
    name
        The file's stem; `business_unit` in the file must agree with it.
    folder
        Folder against which relative file names count.
    overrides
        Further values, nested or dotted ("customer_value.top_share").

    Raises
    ------
    ParamError
        With every fault at once.
    """
    where = f"params/{name}.yaml"
    merged = _without_blanks(_merge(dict(raw), overrides or {}))
    stated = merged.setdefault("business_unit", name)
    if stated != name:
        raise ParamError(f"{where}: business_unit is '{stated}', but the file is named '{name}'")
    if "folder" in merged:
        raise ParamError(f"{where}: 'folder' is not a parameter")
    tables = merged.get("book", {}).get("tables") if isinstance(merged.get("book"), dict) else None
    if isinstance(tables, dict):
        # `transactions: sales.csv` is the short form of `transactions: {file: sales.csv}`
        short = "table" if merged["book"].get("database") else "file"
        tables |= {k: {short: v} for k, v in tables.items() if isinstance(v, str)}
    try:
        return Unit.model_validate(merged | {"folder": folder})
    except ValidationError as error:
        raise ParamError(*_faults(error, where, overrides or {})) from None


def load_unit(
    business_unit: str, *, as_of: str | date | None = None, overrides: Any = None
) -> Unit:
    """Return the parameters of one unit by name, from `params/<business_unit>.yaml`.

    Parameters
    ----------
    business_unit
        Name of the unit.
    as_of
        Last day that is known; empty: the file's.
    overrides
        Mapping, or the same as YAML text (as plain papermill passes it).

    Raises
    ------
    ParamError
        Unknown unit (with the nearest name), or any fault in the file.

    Examples
    --------
    >>> load_unit("telecom_lines").book.demo
    'telecom_lines'
    """
    try:
        check_unit_name(str(business_unit))
    except ValueError as error:
        raise ParamError(str(error)) from None
    root = home()
    path = root / "params" / f"{business_unit}.yaml"
    if not path.is_file():
        known = unit_names()
        hint = nearest(business_unit, known) or f" (known: {', '.join(known) or 'none'})"
        raise ParamError(f"no parameter file params/{business_unit}.yaml{hint}")
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise ParamError(f"params/{path.name}: not UTF-8 text; save it as UTF-8") from None
    if isinstance(overrides, str):
        overrides = _read_yaml(overrides, "overrides")
    extra: dict[str, Any] = dict(overrides or {})
    if as_of:
        extra["as_of"] = str(as_of)
    raw = _read_yaml(text, f"params/{path.name}")
    return unit_from(raw, name=str(business_unit), folder=path.parent, overrides=extra)


def unit_names() -> list[str]:
    """Return the names of all units that have a parameter file, sorted."""
    return sorted(path.stem for path in (home() / "params").glob("*.yaml"))


_SECRET = re.compile(r"\$\{(\w+)\}")


def resolve_secrets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return `text` with every `${NAME}` taken from the environment, and the values taken.

    A value that stands as the password of a URL is written as a URL needs it.

    Raises
    ------
    ParamError
        Naming every variable that is not set.
    """
    names = _SECRET.findall(text)
    missing = [name for name in dict.fromkeys(names) if name not in os.environ]
    if missing:
        raise ParamError(
            *(
                f"book.database: the environment variable {name} is not set; set it where the run "
                f"is started, e.g. export {name}=…"
                for name in missing
            )
        )

    def value(found: re.Match[str]) -> str:
        plain = os.environ[found[1]]
        is_password = (
            re.search(r"://[^/@]*:$", text[: found.start()]) and text[found.end() :][:1] == "@"
        )
        return quote(plain, safe="") if is_password else plain

    return _SECRET.sub(value, text), tuple(os.environ[name] for name in names)


def annotated_yaml(unit: Unit | None = None) -> str:
    """Return every parameter with its meaning and range as commented YAML.

    With a `unit`, its own values are shown, and those that differ from the default are marked.
    """
    lines: list[str] = []
    _annotate(Unit, unit, lines, 0)
    return "\n".join(lines) + "\n"


def _annotate(model: type[BaseModel], values: Any, lines: list[str], depth: int) -> None:
    pad = "  " * depth
    for name, spec in model.model_fields.items():
        if spec.exclude:
            continue
        value = getattr(values, name) if values is not None else None
        inner = spec.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            lines.append(f"{pad}{name}:  # {(inner.__doc__ or '').splitlines()[0]}")
            _annotate(inner, value, lines, depth + 1)
            continue
        default = None if spec.is_required() else spec.get_default(call_default_factory=True)
        shown = default if values is None else value
        limits = ", ".join(_limits(spec.metadata))
        remark = f"{spec.description}{f' [{limits}]' if limits else ''}"
        if values is not None and value != default:
            remark += f" – default: {_scalar(default)}"
        if isinstance(shown, dict) and shown:
            lines.append(f"{pad}{name}:  # {remark}")
            for key, entry in shown.items():
                if isinstance(entry, BaseModel):
                    entry = entry.model_dump(mode="json", exclude_defaults=True)
                lines.append(f"{pad}  {key}: {_scalar(entry)}")
        else:
            lines.append(f"{pad}{name}: {_scalar(shown)}  # {remark}")


def _limits(metadata: list[Any]) -> list[str]:
    marks = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    return [
        f"{mark} {getattr(rule, key)}"
        for rule in metadata
        for key, mark in marks.items()
        if getattr(rule, key, None) is not None
    ]


def _scalar(value: Any) -> str:
    if value in (None, "", (), {}):
        return "{}" if value == {} else "[]" if value == () else ""
    if isinstance(value, date):
        return value.isoformat()
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.replace("\n...", "").strip()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema by which editors complete and check a parameter file."""
    schema = Unit.model_json_schema()
    schema["title"] = "kamlib parameters of one business unit"
    for model in (schema, *schema["$defs"].values()):
        model.get("properties", {}).pop("folder", None)
    tables = schema["$defs"]["BookSource"]["properties"]["tables"]
    entry = tables["additionalProperties"]
    tables["additionalProperties"] = {"anyOf": [entry, {"type": "string"}]}
    return schema
