"""Makes and judges command lines for :mod:`benchmarks.fuzz`."""

import io
import json
import os
import random
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Final

from benchmarks.fuzz_audio import audio_file
from benchmarks.fuzz_documents import LINE
from benchmarks.fuzz_proofs import ledger_base, release_base

ODD: Final = (
    "",
    " ",
    "-",
    "--",
    "-1",
    "0",
    "nan",
    "inf",
    "1e400",
    "9" * 400,
    "é\u202e",
    "\udcff",
    "a\nb",
    "/",
    "/dev/null",
    "/dev/zero",
    "/proc/self/mem",
    "nosuch",
    "nosuch/deep/er",
    "s3://",
    "s3://no/such",
    "gs://x",
    "http://127.0.0.1:9/x",
    "ftp://x/y",
    "abfs://x@y/z",
    "file:///nosuch",
    "postgresql://",
    "postgresql://u:p@127.0.0.1:1/x",
    "sqlite://",
    "~nobody/x",
    "x" * 5000,
    "2026-13-01",
    "2999-01-01T00:00:00Z",
    "@",
    "a@b",
    "mimi:/nosuch",
    "DE-??",
)

COMMANDS: Final = (
    "run {manifest} --out {new} --ledger {ledger} --segment-s 10 --name x --purpose training_inhouse --words none",
    "run {manifest} --out {new} --ledger {ledger} --shard-hours 1 --validation-share 0 -- --direct_num_workers=1",
    "run {manifest} --out {new} --ledger {ledger} --codec embedded --isolation-policy keep --include-audio",
    "run {manifest} --out {new} --ledger {ledger} --against {witness} --against {release} --wait-s 0.2",
    "run {manifest} --out {release} --ledger {ledger} --against {witness} --same-audio mark --wait-s 0.2",
    "run {manifest} --out {new} --ledger {ledger} --same-audio refuse-all --allow-private-addresses",
    "validate {manifest}",
    "isolation {audio} --format json --plot {new}.png --offset-a 0",
    "annotate {audio} --format json --offset-a 0 --channel-a 0 --language en",
    "simulate {new} --conversations 1 --minutes 0.5 --seed 1 --voices noise --fault bleed",
    "shards verify {release}",
    "consent init {new}",
    "consent grant spk-9 --purpose recording --form audio --at 2026-01-01T00:00:00Z --jurisdiction DE --ledger {ledger}",
    "consent grant spk-9 --purpose recording --expires 2027-01-01T00:00:00Z --age-years 30 --retention 9 --ledger {ledger}",
    "consent refuse spk-9 --purpose likeness --ledger {ledger}",
    "consent withdraw spk-1 --purpose recording --at 2026-03-01T00:00:00Z --ledger {ledger}",
    "consent revoke spk-1 --by controller --ledger {ledger}",
    "consent status spk-1 --ledger {ledger}",
    "consent receipt spk-1 --ledger {ledger}",
    "consent explain call-1 --manifest {manifest} --purpose recording --at 2026-06-01T00:00:00Z --ledger {ledger}",
    "consent log {ledger} --start 0",
    "consent check {ledger}",
    "consent check {ledger} --against {witness}",
    "consent check {its-ledger} --against {release} --against {witness}",
    "consent grant SPK-1 --purpose recording --new-person --ledger {ledger}",
    "consent grant SPK-1 --purpose recording --ledger {ledger}",
    "consent check-log {release}",
    "consent checkpoint {ledger} --out {new}",
    "consent rotate-key {ledger}",
    "consent propagate {release} --ledger {its-ledger} --wait-s 1 --format json",
    "consent lineage add model --dataset {release} --ledger {its-ledger} --contact x",
    "consent lineage notices --ledger {its-ledger} --out {new}",
    "consent settle --ledger {its-ledger} --out {new}",
    "consent forget spk-1 --yes --ledger {ledger}",
)


def judge_options(name: str, folder: Path) -> str:
    """Makes and judges a command line."""
    rng = random.Random(f"options {name}")
    shutil.copytree(ledger_base(), folder / "ledger")
    shutil.copytree(release_base(), folder / "release")
    line = json.loads(json.dumps(LINE))
    del line["tracks"][1]["words_uri"]
    (folder / "manifest.jsonl").write_text(json.dumps({**line, "started_at": "2026-01-15T00:00:00Z"}) + "\n")
    (folder / "call.wav").write_bytes(audio_file("WAV", "PCM_16"))
    (folder / "witness").write_bytes((folder / "release" / "out" / "checkpoint").read_bytes())
    places = {
        "manifest": str(folder / "manifest.jsonl"),
        "new": str(folder / "new"),
        "ledger": str(folder / "ledger" / "consent.db"),
        "audio": str(folder / "call.wav"),
        "release": str(folder / "release" / "out"),
        "witness": str(folder / "witness"),
        "its-ledger": str(folder / "release" / "consent.db"),
    }
    words = [word.format(**places) for word in rng.choice(COMMANDS).split()]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        values = [place for place, word in enumerate(words) if place > 1 and not word.startswith("--")]
        at = rng.choice(values) if values and rng.random() < 0.8 else rng.randrange(1, len(words))
        match rng.choice(("odd", "odd", "odd", "drop", "twice", "unknown")):
            case "odd":
                words[at] = rng.choice(ODD)
            case "drop":
                del words[at]
            case "twice":
                words.insert(at, words[at])
            case _:
                words.insert(at, "--nosuch")
        if len(words) < 2:
            break
    os.chdir(folder)  # a relative name must not come to lie elsewhere
    return run_command(words)


def run_command(words: list[str]) -> str:
    """Runs a command in this process; a traceback is raised."""
    from duologue_pipeline.cli.app import main

    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape")
    sys.argv = ["duologue", *words]
    code = 0
    with redirect_stdout(output), redirect_stderr(output):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    if code not in (0, 1, 2, 3):
        return f"wrong: exit status {code} of {words}"
    return "refused" if code else "accepted"


def prepare_options() -> None:
    """Makes what the commands name, and loads the libraries that they need."""
    import duologue_pipeline.cli.summary
    import duologue_pipeline.conversation
    import duologue_pipeline.run.launch
    import duologue_pipeline.run.watched  # noqa: F401

    ledger_base()
    release_base()
