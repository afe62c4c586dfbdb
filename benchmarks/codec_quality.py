"""Measures what a codec keeps of speech, and what it costs.

    python benchmarks/codec_quality.py --codec embedded --seconds 60 --start 60 FOLDER_OR_FILE...

Per file, on what ``--start`` and ``--seconds`` cut out (default: all of it), after resampling to the codec's rate:

- STOI, short-time objective intelligibility (Taal et al. 2011), 0 to 1; extended STOI (Jensen & Taal 2016), stricter.
- LSD, log-spectral distance in dB: root mean square over 64 mel-like bands of the difference of log powers, averaged
  over the 16 ms steps that are within 40 dB of the loudest. Level differences count.
- level: decoded minus original, dB RMS.
- enc, dec: CPU seconds of one thread per hour of track (BLAS must be held to one thread by OMP_NUM_THREADS=1).

None of these says whether a voice sounds like itself; none replaces listening.
"""

import argparse
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from pystoi import stoi

from duologue_pipeline.audit.compare import BANDS_HZ, log_spectral_distance_db, resampled
from duologue_pipeline.codec.base import Codec
from duologue_pipeline.codec.registry import open_codec

AUDIO: Final = {".wav", ".flac", ".ogg"}

F32 = npt.NDArray[np.float32]


def measure(codec: Codec, path: Path, start_s: float, seconds: float | None) -> list[float]:
    """Measures STOI, extended STOI, LSD in dB, level in dB, encode and decode CPU seconds per hour."""
    pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    first = int(start_s * rate_hz)
    mono = pcm[first : None if seconds is None else first + int(seconds * rate_hz)].mean(1)
    original: F32 = soxr.resample(mono, rate_hz, codec.sample_rate_hz)

    begin = time.process_time()
    encoder = codec.encoder()
    codes = np.concatenate([encoder.push(original), encoder.finish()], axis=1)
    encoded = time.process_time()
    decoded = codec.decode(codes)[: len(original)]
    end = time.process_time()

    bands = [
        resampled(pcm, codec.sample_rate_hz, BANDS_HZ)[: len(original) * BANDS_HZ // codec.sample_rate_hz]
        for pcm in (original, decoded)
    ]
    per_hour = 3600 * codec.sample_rate_hz / len(original)
    return [
        float(stoi(original, decoded, codec.sample_rate_hz)),
        float(stoi(original, decoded, codec.sample_rate_hz, extended=True)),
        log_spectral_distance_db(*bands) or 0.0,
        float(20 * np.log10(decoded.std() / original.std())),
        (encoded - begin) * per_hour,
        (end - encoded) * per_hour,
    ]


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Measures what a codec keeps of speech, and what it costs.")
    parser.add_argument(
        "paths", nargs="+", type=Path, help="measures these audio files, or the .wav, .flac or .ogg in these folders"
    )
    parser.add_argument("--codec", default="embedded", help="measures this codec, as `duologue run --codec`")
    parser.add_argument("--start", type=float, default=0.0, help="skips so many seconds of each file")
    parser.add_argument("--seconds", type=float, help="takes so many seconds of each file")
    options = parser.parse_args()
    codec = open_codec(options.codec)
    files = [f for p in options.paths for f in (sorted(p.iterdir()) if p.is_dir() else [p]) if f.suffix in AUDIO]

    encoder = codec.encoder()  # reads the weights, so that the first file does not pay for it
    encoder.push(np.zeros(codec.samples_per_frame, np.float32))
    print(f"{'file':32}  STOI  ESTOI  LSD dB  level dB  enc s/h  dec s/h")
    form = "{:32} {:5.3f}  {:5.3f}  {:6.2f}  {:8.2f}  {:7.1f}  {:7.1f}"
    rows = []
    for file in files:
        rows.append(measure(codec, file, options.start, options.seconds))
        print(form.format(file.stem[:32], *rows[-1]), flush=True)
    print(form.format("mean", *np.mean(rows, axis=0)))
    print(f"lowest STOI {min(row[0] for row in rows):.3f}")


if __name__ == "__main__":
    main()
