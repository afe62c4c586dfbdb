"""Draws an isolation report: the level of both tracks, and the bleed of both directions over time."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.isolation.report import DIRECTIONS
from duologue_pipeline.records import BleedReport, FaultReport, IsolationReport
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.isolation import IsolationRules
from duologue_schemas.tables import FAULT_MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LevelMeter", "check_plot", "plot_isolation"]

_FRAME_S: Final = 0.25
_LOWEST_DB: Final = -90.0
_SUFFIXES: Final = (".png", ".svg")
_COLOURS: Final = {"a": "#0072b2", "b": "#d55e00"}  # Okabe & Ito: apart for colour-blind eyes too
_LIMITS: Final = {"warn": "#8a6100", "fail": "#b3261e"}
_TITLES: Final = {"a_from_b": "b's voice in a's track", "b_from_a": "a's voice in b's track"}

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


class LevelMeter:
    """Measures the level of both tracks in frames of a quarter of a second, while blocks pass through it."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0
        self._frame = round(_FRAME_S * rate_hz)
        self._rest: F32 = np.zeros((2, 0), np.float32)
        self._levels: list[F64] = []

    @property
    def duration_ms(self) -> int:
        """Gives how many milliseconds have passed."""
        return self._samples * 1000 // self._rate_hz

    def tap(self, blocks: Iterable[tuple[F32, F32]]) -> Iterator[tuple[F32, F32]]:
        """Measures blocks and hands them on: pairs (a, b) of float32 [T] in [-1, 1], of equal T within a pair."""
        for a, b in blocks:
            self._measure(a, b)
            yield a, b

    def _measure(self, a: F32, b: F32) -> None:
        self._samples += len(a)
        held = np.concatenate([self._rest, np.stack([a, b])], axis=1)
        whole = held.shape[1] // self._frame * self._frame
        self._rest = held[:, whole:]
        power = np.mean(np.square(held[:, :whole].reshape(2, -1, self._frame), dtype=np.float64), axis=2)
        self._levels.append(10 * np.log10(power + 10 ** (_LOWEST_DB / 10)))

    def levels_dbfs(self) -> F64:
        """Gives the levels: float64 [2, frames] in dBFS from -90 on; it leaves out a last frame that is not whole."""
        return np.concatenate([np.zeros((2, 0)), *self._levels], axis=1)


def check_plot(path: Path) -> None:
    """Checks before the work whether a picture can be written.

    Raises:
        UsageError: the suffix is another, there is no such folder, or matplotlib is not installed.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"--plot {path}: expected a name that ends in {' or '.join(_SUFFIXES)}")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"--plot {path}: its folder does not exist; make it first")


def plot_isolation(report: IsolationReport, levels_dbfs: F64, *, title: str, path: Path) -> None:
    """Draws an isolation report into a file.

    Args:
        report: what was measured.
        levels_dbfs: float64 [2, frames] in dBFS, from :class:`LevelMeter`.
        title: of the conversation.
        path: a PNG or SVG file, by its suffix.

    Raises:
        UsageError: the file cannot be written.
    """
    import matplotlib

    # The figure is made without pyplot: no window system is touched, and no state is shared.
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "duologue"  # the same report gives the same bytes
    figure = Figure(figsize=(11, 7.5), dpi=120)
    figure.subplots_adjust(
        left=0.06, right=0.985, top=0.88, bottom=0.07, hspace=0.25
    )  # a solver's differ by a rounding
    axes: Any = figure.subplots(3, 1, sharex=True, height_ratios=(2, 3, 3))
    found = [_told(name, fault) for name, fault in report.faults.items() if fault.found]
    figure.suptitle(
        f"{title}\n{report.verdict.upper()}: {', '.join(found) or 'no fault found'} (rules {report.rules})",
        fontsize=11,
        parse_math=False,  # a dollar in a file's name is no formula
    )
    end_s = max(levels_dbfs.shape[1] * _FRAME_S, _FRAME_S)
    _draw_levels(axes[0], levels_dbfs)
    lowest_db = min(_lowest_db(getattr(report, direction)) for direction in DIRECTIONS)
    for axis, direction in zip(axes[1:], DIRECTIONS, strict=True):
        _draw_bleed(axis, getattr(report, direction), direction)
        _draw_limits(axis, end_s)
        axis.set_ylim(lowest_db, 5)  # the same for both: a glance tells which bleeds more
    swap = report.faults.get("swap")
    if swap is not None and swap.found and swap.value is not None:
        for axis in axes:
            axis.axvline(swap.value, color="black", linestyle=":", linewidth=1.5)
        axes[0].annotate("swap", (swap.value, 0), fontsize=8, ha="right", va="top")
    axes[2].set_xlim(0, end_s)
    axes[2].set_xlabel("time in the conversation, s")
    kind = path.suffix.lower().removeprefix(".")
    try:
        figure.savefig(path, format=kind, metadata={"Date": None} if kind == "svg" else None)
    except OSError as error:
        raise UsageError(f"--plot {path}: cannot be written ({error.strerror or error}); choose another file") from None


def _draw_levels(axis: "Axes", levels_dbfs: F64) -> None:
    times_s = (np.arange(levels_dbfs.shape[1]) + 0.5) * _FRAME_S
    for side, levels in zip("ab", levels_dbfs, strict=True):
        axis.plot(times_s, levels, color=_COLOURS[side], linewidth=0.8, alpha=0.8, label=f"track {side}")
    axis.set_ylabel("level, dBFS")
    axis.set_ylim(_LOWEST_DB, 0)
    axis.grid(alpha=0.3)
    _legend(axis)


def _draw_bleed(axis: "Axes", bleed: BleedReport, direction: str) -> None:
    source, own = direction[-1], direction[0]
    colour = _COLOURS[source]
    for place, span in enumerate(bleed.spans):
        label = f"evidence: {source} speaks alone, {bleed.solo_s:.0f} s" if place == 0 else None
        axis.axvspan(span.start_ms / 1000, span.end_ms / 1000, color=colour, alpha=0.15, linewidth=0, label=label)
    labels = {"bleed": f"{source} in {own}'s track", "floor": "floor"}
    for point in bleed.over_time:
        start_s, end_s = point.start_ms / 1000, point.end_ms / 1000
        if point.floor_db is not None:
            axis.hlines(
                point.floor_db,
                start_s,
                end_s,
                color="0.35",
                linestyle="--",
                linewidth=1.2,
                label=labels.pop("floor", ""),
            )
        if point.bleed_db is not None:
            axis.hlines(point.bleed_db, start_s, end_s, color=colour, linewidth=3, label=labels.pop("bleed", ""))
    if bleed.bleed_db is not None:
        axis.axhline(bleed.bleed_db, color=colour, linewidth=0.8, label="median")
        summary = f"{bleed.bleed_db:.1f} dB, {bleed.lag_ms or 0:.0f} ms late"
    elif bleed.floor_db is not None:
        summary = f"none seen above {bleed.floor_db:.1f} dB"
    else:
        summary = f"cannot be judged: {bleed.solo_s:.1f} s of evidence"
    axis.set_title(f"{_TITLES[direction]}: {summary}", loc="left", fontsize=10)
    axis.set_ylabel("bleed, dB")
    axis.grid(alpha=0.3)
    if axis.get_legend_handles_labels()[0]:
        _legend(axis)


def _draw_limits(axis: "Axes", end_s: float) -> None:
    """Draws above which level the verdict is warn and fail, and writes it at the right."""
    rules = load_rules(IsolationRules)
    for limit_db, name, place in ((rules.warn_above_db, "warn", "top"), (rules.fail_above_db, "fail", "bottom")):
        axis.axhline(limit_db, color=_LIMITS[name], linestyle=":", linewidth=1.2)
        axis.annotate(f"{name} {limit_db:g} ", (end_s, limit_db), fontsize=7, color=_LIMITS[name], ha="right", va=place)


def _lowest_db(bleed: BleedReport) -> float:
    lows = [value for point in bleed.over_time for value in (point.bleed_db, point.floor_db) if value is not None]
    return min([-60.0, *(max(low, -130.0) - 5 for low in lows)])


def _told(name: str, fault: FaultReport) -> str:
    """Names a fault that was found, with what was measured of it."""
    unit = FAULT_MEASURES[name].rpartition("_")[2]
    value = f" {fault.value:g} {unit}" if fault.value is not None and unit in ("s", "db", "ppm") else ""
    return name.replace("_", " ") + value.replace(" db", " dB")


def _legend(axis: "Axes") -> None:
    """Puts the legend beside the title, where it covers no data."""
    axis.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, ncols=4, fontsize=8, frameon=False)
