"""Writes the document of a score as text for people: a column for all conversations and one for each language."""

from collections.abc import Mapping
from typing import Any, Final

from duologue_pipeline.score.figures import FIGURES, Distribution, Ratio

__all__ = ["score_text"]

_WIDTH: Final = 34
_COLUMN: Final = 27
_MOST: Final = 3

_NAMES: Final[Mapping[str, str]] = {
    "take_over": "Take-over",
    "floor": "Floor",
    "interrupted_by_user": "Interrupted by the user",
    "interrupts_user": "Interrupts the user",
    "backchannels": "Backchannels",
    "pauses": "Pauses",
    "speech": "Speech",
}


def score_text(document: Mapping[str, Any]) -> str:
    """Writes the figures as a table, medians and shares with their intervals, and by which rules they were made."""
    languages: dict[str, Any] = document["languages"]
    scopes = {"all": document["all"]} | (languages if 1 < len(languages) <= _MOST else {})
    names = [
        "all" if name == "all" and len(languages) != 1 else next(iter(languages)) if name == "all" else name
        for name in scopes
    ]
    lines = [
        f"Scored {document['scored']}: {_count(document['all'])}",
        f"Figures are sums over all conversations, times medians in seconds; in brackets {document['interval_percent']:g} % of "
        + f"{document['resamples']} bootstrap draws of conversations.",
        "",
        " " * _WIDTH + "".join(name.ljust(_COLUMN) for name in names).rstrip(),
    ]
    for group, figures in FIGURES.items():
        lines.append(_NAMES[group])
        for name, figure in figures.items():
            cells = (_cell(scope[group][name], figure) for scope in scopes.values())
            lines.append(
                f"  {name.replace('_', ' ')}".ljust(_WIDTH) + "".join(cell.ljust(_COLUMN) for cell in cells).rstrip()
            )
    lines += _tasks(document["tasks"])
    lines += ["", "Rules  " + ", ".join(f"{name} {version}" for name, version in document["rules"].items())]
    lines += [f"Warning  {warning}" for warning in _warnings(document)]
    return "\n".join(lines)


def _count(scope: Mapping[str, Any]) -> str:
    told = f"{scope['conversations']} conversation{'' if scope['conversations'] == 1 else 's'}"
    groups = "" if scope["groups"] == scope["conversations"] else f" of {scope['groups']} recordings"
    return f"{told}{groups}, {scope['hours']:.2f} h"


def _cell(value: Mapping[str, Any], figure: Ratio | Distribution) -> str:
    middle = value["value" if isinstance(figure, Ratio) else "median"]
    if middle is None:
        return "-"
    unit = "" if isinstance(figure, Distribution) or figure.scale != 1 else "%"
    scale = 100 if unit else 1
    between = "" if value["low"] is None else f" [{scale * value['low']:.3g}, {scale * value['high']:.3g}]"
    if isinstance(figure, Distribution):
        count = f" n={value['count']}"
    elif figure.whole in ("time", "anybody"):
        count = f" n={value['part']}" if figure.scale != 1 else ""
    else:
        count = f" n={value['whole']}"
    return f"{scale * middle:.3g}{unit}{between}{count}"


def _tasks(tasks: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, task in tasks.items():
        bench, latency = task["full_duplex_bench"], task["latency_s"]["median"]
        told = [f"take-over {_percent(task['take_over']['value'])}"]
        if bench["items"]:
            told.append(
                f"by Full-Duplex-Bench's formula {_percent(bench['take_over'])}, which differs in {bench['differ']} of {bench['items']}"
            )
        if latency is not None:
            told.append(f"latency {latency:.3g} s")
        if task["stop_latency_s"]["median"] is not None:
            told.append(f"stop latency {task['stop_latency_s']['median']:.3g} s")
        if task["jsd"]["mean"] is not None:
            told.append(f"JSD {task['jsd']['mean']:.3g}")
        if task["backchannels_per_second"] is not None:
            told.append(f"{task['backchannels_per_second']:.3g} backchannels a second")
        lines.append(f"  {name}, {task['items']} items: {'; '.join(told)}")
    return ["Tasks", *lines] if lines else []


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _warnings(document: Mapping[str, Any]) -> list[str]:
    found = []
    if failed := document["isolation"].get("fail"):
        found.append(
            f"in {failed} conversations the other voice is heard in a track, so that events may be the other speaker's"
        )
    if document["without_words"]:
        found.append(
            f"{document['without_words']} conversations have no words of who is scored: timing alone tells backchannels and take-over there"
        )
    unknown = [language for language, lexicon in document["lexicons"].items() if lexicon == "none"]
    if unknown:
        found.append(f"no lexicon of {', '.join(unknown)}: timing alone tells backchannels there")
    return found
