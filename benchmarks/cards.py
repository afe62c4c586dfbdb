"""Measures what the cards of a release cost: ``python -m benchmarks.cards --samples 10000``.

The tables are made up (:mod:`benchmarks.closing_scale`), five samples a recording; no shard is written, and so the page
``report.html``, which plays samples, is not among the cards.
"""

import argparse
import json
import resource
import time
from importlib.resources import files
from typing import Any

from benchmarks.closing_scale import made_up_tables
from duologue_cards import add_tallies, tally_speakers, tally_tables, write_cards
from duologue_pipeline.release.document import card_sheet

__all__ = ["main"]

_PER_RECORDING = 5


def main() -> None:
    """Prints seconds and memory of counting, of the facts, and of all cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    samples = parser.parse_args().samples
    index, recordings = made_up_tables(recordings=samples // _PER_RECORDING, samples=_PER_RECORDING)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    tally = add_tallies((tally_tables(index, recordings), tally_speakers([recordings])))
    counted = time.perf_counter()
    sheet = card_sheet(_document(index.num_rows, recordings.num_rows, tally["speakers", "train"]), tally, {})
    laid_down = time.perf_counter()
    size = sum(len(data) for _, data in write_cards(sheet))
    written = time.perf_counter()
    after_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{index.num_rows} samples of {recordings.num_rows} recordings, {size / 1000:.0f} kB of cards")
    print(f"counting {counted - began:.2f} s, facts {laid_down - counted:.2f} s, cards {written - laid_down:.2f} s")
    print(f"memory {after_mb:.0f} MB, of which {before_mb:.0f} MB before it began")


def _document(samples: int, recordings: int, speakers: int) -> dict[str, Any]:
    """Makes the example of the schema a document of so many samples."""
    text = files("duologue_schemas").joinpath("examples/release/valid/full.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    seconds = 120.0 * samples
    split = {"shards": 1, "samples": samples, "recordings": recordings, "speakers": speakers, "duration_s": seconds}
    nothing = dict.fromkeys(split, 0)
    document["splits"] = {"train": split, "validation": nothing}
    document["totals"] = {
        "read": recordings,
        "written": recordings,
        "rejected": 0,
        "samples": samples,
        "duration_s": seconds,
        "bytes": 10**6,
    }
    names = ("index", "recordings", "events")
    document["files"] = [{"path": f"{name}.parquet", "sha256": "0" * 64, "bytes": 0} for name in names]
    return document


if __name__ == "__main__":
    main()
