"""Measures the way in: what 500 stereo files cost until their shards are written, in commands, keystrokes and seconds, and what they did before.

    OMP_NUM_THREADS=1 python benchmarks/way_in.py --out /tmp/way-in
    python benchmarks/way_in.py --out /tmp/way-in --recordings 20 --grants 2

The files are cut out of the embedded sample, each from another place and at another level, with two speakers of its own. Two tables are
there as they are in an office: ``who.csv`` of the telephone system (who spoke on which channel) and ``steward.csv`` of the forms that were
signed (a speaker a row). Nobody types these, so they count for nothing on either way.

The way of today is the four commands that are printed; each is a process of its own. The way before is the shortest script that writes a
manifest by hand, and a grant for each speaker; ``--grants`` of them are run, and their mean stands for all. The run itself is the same on
both ways and is measured once. A keystroke is a character that is typed, the key at the end of each line among them.
"""

import argparse
import csv
import os
import resource
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from duologue_pipeline.demo import demo_files

BEFORE_GRANT = "duologue consent grant {speaker} --purpose recording --purpose training_inhouse --at 2026-02-20T09:00:00Z --ledger before.db"
BEFORE_LOOP = "tail -n +2 steward.csv | cut -d, -f1 | while read s; do " + BEFORE_GRANT.format(speaker="$s") + "; done"
BEFORE_SCRIPT = """\
import csv, datetime, json
with open("before.jsonl", "w") as out:
    for row in csv.DictReader(open("who.csv")):
        name = row["recording"]
        at = datetime.datetime.strptime(name, "call-%Y%m%d-%H%M%S")
        tracks = [
            {"speaker_id": row[side], "uri": f"recordings/{name}.wav", "channel": channel}
            for channel, side in enumerate(["agent", "caller"])
        ]
        line = {"recording_id": name, "language": "en-US", "started_at": at.isoformat() + "Z", "tracks": tracks}
        out.write(json.dumps(line) + "\\n")
"""
COMMANDS = {
    "manifest": "duologue manifest from-folder recordings --stereo '*.wav' --left agent --right caller --speakers who.csv "
    "--started-at name:%Y%m%d-%H%M%S --zone UTC --language en-US --out calls",
    "ledger": "duologue consent init consent.db",
    "consent": "duologue consent grant --from steward.csv --ledger consent.db",
    "shards": "duologue run calls/manifest.jsonl --ledger consent.db --out out",
}
"""The commands of today, by what they make."""


@dataclass(frozen=True)
class Took:
    """Holds what a step took: how often, what was typed for it, and seconds."""

    processes: int
    typed: int
    wall_s: float
    cpu_s: float

    def row(self, name: str) -> str:
        """The step as a row of a Markdown table."""
        return f"| {name} | {self.processes:,} | {self.typed} | {self.wall_s:,.1f} | {self.cpu_s:,.1f} |"


def make_office(folder: Path, recordings: int, seconds: float) -> None:
    """Writes the recordings and the two tables."""
    (folder / "recordings").mkdir(parents=True)
    sources = [soundfile.read(path) for path in sorted((demo_files().manifest.parent / "audio").glob("*.flac"))]
    stereo = [(pcm, rate) for pcm, rate in sources if pcm.ndim == 2]
    people: list[tuple[str, str, str]] = []
    for number in range(recordings):
        pcm, rate = stereo[number % len(stereo)]
        length = round(seconds * rate)
        start = (number // len(stereo)) * (len(pcm) - length) * len(stereo) // recordings
        day, minute = divmod(number, 480)
        name = f"call-202603{day + 2:02d}-{8 + minute // 60:02d}{minute % 60:02d}00"
        level = 1 - 0.3 * number / recordings
        soundfile.write(folder / "recordings" / f"{name}.wav", np.asarray(pcm[start : start + length] * level), rate)
        people.append((name, f"a-{number:04d}", f"c-{number:04d}"))
    with (folder / "who.csv").open("w", newline="") as out:
        csv.writer(out).writerows([("recording", "agent", "caller"), *people])
    with (folder / "steward.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["speaker", "purpose", "at", "form"])
        forms = "audio;transcript;tokens;annotations"
        for _, agent, caller in people:
            for speaker in (agent, caller):
                writer.writerow([speaker, "recording;training_inhouse", "2026-02-20T09:00:00Z", forms])


def measured(command: list[str], folder: Path) -> tuple[float, float, str]:
    """Runs a command; wall seconds, CPU seconds of it and its children, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=dict(os.environ))
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def duologue(line: str) -> list[str]:
    """The command of this line, run by the Python that runs this."""
    return [sys.executable, "-m", "duologue_pipeline", *shlex.split(line)[1:]]


def way_of_today(folder: Path) -> dict[str, Took]:
    """Types the four commands."""
    steps = {}
    for name, line in COMMANDS.items():
        wall_s, cpu_s, said = measured(duologue(line), folder)
        steps[name] = Took(1, len(line) + 1, wall_s, cpu_s)
        told = [text for text in said.splitlines() if text.strip()]
        print(f"{name}: {told[0]}", flush=True)
    return steps


def way_before(folder: Path, speakers: list[str], grants: int) -> dict[str, Took]:
    """Writes the script, runs it, and grants for the first speakers one by one."""
    (folder / "before.py").write_text(BEFORE_SCRIPT)
    run_it = "python before.py"
    wall_s, cpu_s, _ = measured([sys.executable, "before.py"], folder)
    steps = {"manifest": Took(1, len(BEFORE_SCRIPT) + len(run_it) + 1, wall_s, cpu_s)}
    line = "duologue consent init before.db"
    wall_s, cpu_s, _ = measured(duologue(line), folder)
    steps["ledger"] = Took(1, len(line) + 1, wall_s, cpu_s)
    walls, cpus = [], []
    for speaker in speakers[:grants]:
        wall_s, cpu_s, _ = measured(duologue(BEFORE_GRANT.format(speaker=speaker)), folder)
        walls.append(wall_s)
        cpus.append(cpu_s)
    scale = len(speakers) / len(walls)
    steps["consent"] = Took(len(speakers), len(BEFORE_LOOP) + 1, sum(walls) * scale, sum(cpus) * scale)
    return steps


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="work in this folder, which must not be there")
    parser.add_argument("--recordings", type=int, default=500, help="make so many stereo files")
    parser.add_argument("--seconds", type=float, default=10.0, help="make each so long, at most 30")
    parser.add_argument("--grants", type=int, default=20, help="run so many grants of the way before")
    options = parser.parse_args()
    make_office(options.out, options.recordings, options.seconds)
    with (options.out / "steward.csv").open(newline="") as table:
        speakers = [row["speaker"] for row in csv.DictReader(table)]
    before = way_before(options.out, speakers, options.grants)
    today = way_of_today(options.out)
    run = today["shards"]
    before["shards"] = Took(1, len("duologue run before.jsonl --ledger before.db --out out") + 1, run.wall_s, run.cpu_s)
    print(f"\n{options.recordings} stereo files of {options.seconds:g} s, {len(speakers)} speakers")
    print("\n| step | commands run | keystrokes | wall s | CPU s |\n| --- | ---: | ---: | ---: | ---: |")
    for way, steps in (("before", before), ("today", today)):
        for name, took in steps.items():
            print(took.row(f"{way}: {name}"))
        until = [took for name, took in steps.items() if name != "shards"]
        total = Took(
            sum(it.processes for it in until),
            sum(it.typed for it in steps.values()),
            sum(it.wall_s for it in until),
            sum(it.cpu_s for it in until),
        )
        print(total.row(f"**{way}: until the run begins** (keystrokes with it)"))


if __name__ == "__main__":
    main()
