"""Figures of churn: each takes a tidy frame, draws, and returns its axes."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from kamlib.churn.incidence import UNKNOWN
from kamlib.glossary import Style, display, heading, label
from kamlib.show.figures import axes, format_ticks
from kamlib.show.theme import GRID, INK, MUTED, PALETTE, TIER_COLOURS

MAIN, SECOND = PALETTE[0], PALETTE[1]
_GROUPS = len(PALETTE)
_LINE = 15.0  # points between two lines of counts
_REACH = 2.5  # how far above the largest ratio the axis goes; intervals may go further


def plot_survival(
    frame: pd.DataFrame,
    counts: pd.DataFrame | None = None,
    *,
    ax: Axes | None = None,
    style: Style = Style(),
) -> Axes:
    """Draw the share that is still there, its interval, and under the axis how many are at risk.

    Parameters
    ----------
    frame
        Frame of `curves.survival`: `time`, `estimate`, `conf_low`, `conf_high`, `conf_level`,
        `n_event`, `n_censor`.
    counts
        Frame of `curves.at_risk`: `time`, `n_risk`; None: no counts.
    """
    ax = axes(ax)
    _curve(ax, frame, MAIN, "", style)
    _share_axes(ax, frame, _n(frame), style)
    if counts is not None:
        _counts(ax, counts.assign(group=""), {"": INK}, style)
    return ax


def plot_groups(
    frame: pd.DataFrame,
    counts: pd.DataFrame | None = None,
    *,
    ax: Axes | None = None,
    style: Style = Style(),
) -> Axes:
    """Draw the share of each group that is still there, and under the axis how many are at risk.

    Parameters
    ----------
    frame
        Frame of `curves.survival_by`: `group` and the columns of `plot_survival`. A tier has its
        colour; of more groups than there are colours the first are drawn.
    counts
        Frame of `curves.at_risk` by `group`.
    """
    ax = axes(ax, 8.0, 4.6)
    groups = [str(group) for group in frame["group"].unique()][:_GROUPS]
    free = iter(PALETTE)
    colours = {group: TIER_COLOURS.get(group) or next(free) for group in groups}
    for group, colour in colours.items():
        _curve(ax, frame[frame["group"] == group], colour, display(group, "term", style), style)
    ax.legend(loc="best")
    _share_axes(ax, frame, None, style)
    if counts is not None:
        _counts(ax, counts, colours, style)
    return ax


def plot_incidence(
    frame: pd.DataFrame, *, stacked: bool = True, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw the share that each kind of end, or reason, has taken by each time.

    Parameters
    ----------
    frame
        Frame of `incidence.incidence`: `time`, `event_type`, `estimate`, `conf_low`, `conf_high`,
        `conf_level`, `n_event`, `n_censor`.
    stacked
        One upon the other, so that their top is the share that left; else lines with intervals.
    """
    ax = axes(ax)
    kinds = [str(kind) for kind in frame["event_type"].unique()]
    parts = [frame[frame["event_type"] == kind] for kind in kinds]
    free = iter((*PALETTE, *PALETTE))
    colours = [GRID if kind == UNKNOWN else next(free) for kind in kinds]
    # the second round of colours is hatched
    hatches = ["//" if place >= _GROUPS else "" for place in range(len(kinds))]
    if stacked:
        areas = ax.stackplot(
            parts[0]["time"], *(part["estimate"] for part in parts), colors=colours,
            labels=[display(kind, "term", style) for kind in kinds], step="post", linewidth=0,
        )  # fmt: skip
        for area, hatch in zip(areas, hatches, strict=True):
            area.set_hatch(hatch)
    else:
        for part, kind, colour in zip(parts, kinds, colours, strict=True):
            _curve(ax, part, colour, display(kind, "term", style), style, counted=False)
    n = int(frame["n_event"].sum() + parts[0]["n_censor"].sum())
    _share_axes(ax, parts[0], n, style, interval=not stacked)
    # in the order of the picture, and beside it, since areas fill it
    handles, names = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], names[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5))
    top = sum(float(part["estimate"].max()) for part in parts)
    highest = top if stacked else float(frame["conf_high"].fillna(frame["estimate"]).max())
    ax.set_ylim(0, min(1.0, 1.1 * max(highest, 1e-9)))
    ax.set_ylabel(label("share_gone", Style(style.language)))
    return ax


def plot_event_study(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw how many times as often accounts left, month by month around a change of manager.

    Parameters
    ----------
    frame
        Frame of `scenes.manager_event_study`: `rel_period`, `rate_ratio`, `ratio_low`, `ratio_high`,
        `conf_level`, `n_event`. Months in which nobody left are drawn hollow, at zero.
    """
    ax = axes(ax)
    rows = frame[frame["rate_ratio"].notna()]
    period, ratio = rows["rel_period"].to_numpy(), rows["rate_ratio"].to_numpy()
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.vlines(period, rows["ratio_low"], rows["ratio_high"], color=MAIN, linewidth=1.2,
              label=f"{heading('interval', style)} {level}")  # fmt: skip
    some = ratio > 0
    ax.plot(period[some], ratio[some], "o", color=MAIN, label=label("rate_ratio", style))
    ax.plot(period[~some], ratio[~some], "o", color=MAIN, markerfacecolor="white")
    ax.axhline(1, color=INK, linewidth=0.8)
    ax.axvline(0, color=MUTED, linewidth=0.8, linestyle="--")
    ax.set_ylim(0, _REACH * max(1.0, float(ratio.max(initial=1.0))))
    ax.legend(loc="upper left")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    format_ticks(ax.xaxis, "count", style)
    format_ticks(ax.yaxis, "score", style)
    events = display(frame["n_event"].sum(), "count", style)
    ax.set_xlabel(f"{label('rel_period', style)} ({label('n_event', style)}: n = {events})")
    ax.set_ylabel(label("rate_ratio", style))
    return ax


def plot_winback(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the share of lost, or silent, accounts that have come back by each time.

    Parameters
    ----------
    frame
        Frame of `winback.winback` or, with `group`, of `scenes.silent_accounts`: `time`, `estimate`,
        `conf_low`, `conf_high`, `conf_level`, `n_event`, `n_censor`.
    """
    ax = axes(ax)
    if "group" in frame:
        for group, colour in zip(frame["group"].unique(), PALETTE, strict=False):
            part = frame[frame["group"] == group]
            _curve(ax, part, colour, display(group, "term", style), style)
        ax.legend(loc="best")
        _share_axes(ax, frame, None, style)
    else:
        _curve(ax, frame, MAIN, "", style)
        _share_axes(ax, frame, _n(frame), style)
    top = float(frame["conf_high"].fillna(frame["estimate"]).max())
    ax.set_ylim(0, min(1.0, 1.1 * max(top, 1e-9)))
    ax.set_ylabel(label("share_back", Style(style.language)))
    return ax


def plot_sensitivity(
    frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()
) -> Axes:
    """Draw churn rate and false alarms by how long a silence must be to count as a loss.

    Parameters
    ----------
    frame
        Frame of `sensitivity.rhythm_sensitivity`: `k`, `churn_rate`, `rate_low`, `rate_high`,
        `false_alarm_share`, `share_low`, `share_high`, `conf_level`, `n_event`.
    """
    ax = axes(ax)
    bare = Style(style.language)
    for name, low, high, colour, marker in (
        ("churn_rate", "rate_low", "rate_high", MAIN, "o"),
        ("false_alarm_share", "share_low", "share_high", SECOND, "s"),
    ):
        known = frame[frame[name].notna()]
        ax.vlines(known["k"], known[low], known[high], color=colour, linewidth=1.2)
        ax.plot(known["k"], known[name], color=colour, marker=marker, label=label(name, bare))
    ax.legend(loc="best")
    ax.set_xticks(frame["k"])
    format_ticks(ax.xaxis, "score", style)
    format_ticks(ax.yaxis, "percent", style)
    ax.set_ylim(bottom=0)
    level = display(frame["conf_level"].iloc[0], "level", style)
    least, most = (
        display(v, "count", style) for v in (frame["n_event"].min(), frame["n_event"].max())
    )
    ax.set_xlabel(
        f"{label('k', style)}, {heading('interval', style)} {level} "
        f"({label('n_event', style)}: n = {least}–{most})"
    )
    return ax


def plot_yearly(frame: pd.DataFrame, *, ax: Axes | None = None, style: Style = Style()) -> Axes:
    """Draw the churn rate of each year with its interval, and how many were lost.

    Parameters
    ----------
    frame
        Frame of `yearly.yearly`: `year`, `n_event`, `churn_rate`, `rate_low`, `rate_high`, `conf_level`.
    """
    ax = axes(ax)
    frame = frame[frame["churn_rate"].notna()]
    years = frame["year"].astype(int)
    ax.vlines(years, frame["rate_low"], frame["rate_high"], color=MAIN, linewidth=1.6)
    ax.plot(years, frame["churn_rate"], color=MAIN, marker="o")
    for year, high, n in zip(years, frame["rate_high"], frame["n_event"], strict=True):
        ax.annotate(f"n = {display(n, 'count', style)}", (year, high), (0, 4), ha="center",
                    textcoords="offset points", color=MUTED, fontsize="small")  # fmt: skip
    ax.set_xticks(years, [str(year) for year in years])
    ax.set_xlim(years.min() - 0.5, years.max() + 0.5)
    ax.set_ylim(0, 1.15 * frame["rate_high"].max())
    format_ticks(ax.yaxis, "percent", style)
    ax.set_ylabel(label("churn_rate", Style(style.language)))
    level = display(frame["conf_level"].iloc[0], "level", style)
    ax.set_xlabel(f"{label('year', style)}, {heading('interval', style)} {level}")
    return ax


def _n(curve: pd.DataFrame) -> int:
    """Return how many were followed: each ends once, with the event or without."""
    return int(curve["n_event"].sum() + curve["n_censor"].sum())


def _curve(
    ax: Axes, frame: pd.DataFrame, colour: str, name: str, style: Style, *, counted: bool = True
) -> None:
    """Draw one curve and its band; both keep their height until the next step."""
    ax.fill_between(
        frame["time"], frame["conf_low"], frame["conf_high"], step="post", color=colour,
        alpha=0.18, linewidth=0,
    )  # fmt: skip
    if name and counted:
        name = f"{name} (n = {display(_n(frame), 'count', style)})"
    ax.step(frame["time"], frame["estimate"], where="post", color=colour, label=name or None)


def _share_axes(
    ax: Axes, frame: pd.DataFrame, n: int | None, style: Style, *, interval: bool = True
) -> None:
    words = [heading("Months", style)]
    if interval:
        level = display(frame["conf_level"].iloc[0], "level", style)
        words.append(f"{heading('interval', style)} {level}")
    counted = "" if n is None else f" (n = {display(n, 'count', style)})"
    ax.set_xlabel(", ".join(words) + counted)
    ax.set_ylabel(label("remaining", Style(style.language)))
    ax.set_ylim(0, 1)
    ax.set_xlim(float(frame["time"].min()), float(frame["time"].max()))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 1.2, 2.4, 3, 6, 10], integer=True))
    format_ticks(ax.xaxis, "count", style)
    format_ticks(ax.yaxis, "percent", style)


def _counts(ax: Axes, counts: pd.DataFrame, colours: dict[str, str], style: Style) -> None:
    """Write how many are at risk under the axis: one line per group, at the months of the frame."""
    times = sorted(counts["time"].unique())
    ax.set_xticks(times)
    ax.set_xlim(min(ax.get_xlim()[0], times[0]), max(ax.get_xlim()[1], times[-1]))
    title = label("n_risk", style)
    ax.annotate(title, (0, 0), xycoords="axes fraction", xytext=(0, -46), ha="left", va="top",
                textcoords="offset points", color=MUTED, annotation_clip=False)  # fmt: skip
    for line, (group, colour) in enumerate(colours.items(), 1):
        for _, row in counts[counts["group"] == group].iterrows():
            ax.annotate(
                display(row["n_risk"], "count", style), (row["time"], 0),
                xycoords=("data", "axes fraction"), xytext=(0, -46 - _LINE * line),
                textcoords="offset points", ha="center", va="top", color=colour,
                annotation_clip=False,
            )  # fmt: skip
