"""Trains the weights of the embedded codec: Debian packages in, one .npz out.

    python scripts/train_embedded_codec.py CACHE [--steps 2000] [--seed 0] [--out embedded-1.npz]

Needs ``apt-get`` and ``dpkg-deb``; takes synthetic voices from espeak-ng, flite and festival where they are installed
(and says which). Everything is kept in the folder CACHE, so a second run starts at the training. The same cache, seed,
thread count and library versions give the same weights. About half an hour on one core.

The three parts: recordings (:func:`fetch`, :func:`synthesise_voices`), features (:func:`make_features`), training
(:func:`train`). What is held out (HELD_OUT) is written as WAV to CACHE/held_out for benchmarks/codec_quality.py.
"""

import argparse
import hashlib
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
import torch
from scipy.signal import butter, sosfilt
from torch import Tensor, nn

from duologue_pipeline.codec.embedded_bands import (
    BANDS,
    STEP_SAMPLES,
    STEPS_PER_FRAME,
    band_edges_hz,
    log_bands,
    synthesise,
)

SAMPLE_RATE_HZ: Final = 24_000
FRAME_SAMPLES: Final = STEP_SAMPLES * STEPS_PER_FRAME
CODEBOOKS: Final = 8
ENTRIES: Final = 2048

# Natural speech under free licences; docs/codec.md and weights/SOURCES.md list who holds the rights.
PACKAGES: Final = (
    "asterisk-core-sounds-en-wav",
    "asterisk-core-sounds-es-wav",
    "asterisk-core-sounds-fr-wav",
    "asterisk-core-sounds-it-wav",
    "asterisk-core-sounds-ru-wav",
    "asterisk-prompt-es-co",
    "asterisk-prompt-fr-armelle",
    "asterisk-prompt-it-menardi-wav",
    "fillets-ng-data-cs",
    "fillets-ng-data-nl",
    "klettres-data",
    "ktuberling-data",
    "pocketsphinx-testdata",
    "tuxpaint-stamps-default",
)
# Never trained on: whole voices, told by a part of the path.
HELD_OUT: Final = {
    "armelle": "asterisk-prompt-fr-armelle",
    "catalan": "_desc_ca.ogg",
    "librivox": "pocketsphinx-testdata",
    "synthetic": "flite-awb",
}
PASSES: Final = 2  # over all files, each with other gains, bandwidths and noises

SENTENCES: Final = (
    "Hello, thank you for calling, my name is Robin. How can I help you today?",
    "Yeah, hi, um, I wanted to ask about the bill that came on Thursday.",
    "Could you spell your last name for me, please? Sure: J, O, H, N, S, O, N.",
    "Right, right. Mhm. And what did they say about the engine noise?",
    "It costs one hundred and forty seven dollars and ninety nine cents, plus tax.",
    "No, I don't think so; we usually drive up there on the weekend, if the weather is good.",
    "The quick brown fox jumps over the lazy dog, while vexed zebras quietly munch juicy figs.",
    "Six thick thistle sticks; she sells sea shells by the shore where the choir of youths would measure pleasure.",
)
ESPEAK_VOICES: Final = ("en-us", "en-gb+f2", "de+f3", "fr+m3", "es+f4", "it+m5", "pl+f1", "pt-br+m2", "hi+f5", "tr+m7")
FLITE_VOICES: Final = ("kal16", "awb", "rms", "slt")
FESTIVAL_VOICES: Final = ("ked_diphone", "kal_diphone", "cmu_us_slt_arctic_hts")

F32 = npt.NDArray[np.float32]


# --- recordings -----------------------------------------------------------------------------------------------------


def fetch(cache: Path) -> None:
    """Downloads and unpacks the packages that are not in the cache yet, without installing them."""
    for package in PACKAGES:
        target = cache / package
        if target.exists():
            continue
        subprocess.run(["apt-get", "download", "-q", package], cwd=cache, check=True)
        archive = next(cache.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", archive, target], check=True)
        archive.unlink()
        print(f"{package}: licence in {next(target.glob('usr/share/doc/*/copyright'))}")


def synthesise_voices(cache: Path) -> None:
    """Lets every installed synthetic voice read SENTENCES, each into a file of its own."""
    commands: dict[str, list[str]] = {}
    if shutil.which("espeak-ng"):
        commands |= {f"espeak-{v}": ["espeak-ng", "-v", v, "-w", "OUT", "TEXT"] for v in ESPEAK_VOICES}
    if shutil.which("flite"):
        commands |= {f"flite-{v}": ["flite", "-voice", v, "-t", "TEXT", "-o", "OUT"] for v in FLITE_VOICES}
    if shutil.which("text2wave"):
        commands |= {f"festival-{v}": ["text2wave", "-eval", f"(voice_{v})", "-o", "OUT"] for v in FESTIVAL_VOICES}
    for voice, command in commands.items():
        folder = cache / voice
        if folder.exists():
            continue
        folder.mkdir()
        for i, text in enumerate(SENTENCES):
            words = [str(folder / f"{i}.wav") if w == "OUT" else text if w == "TEXT" else w for w in command]
            subprocess.run(words, input=text.encode(), check=True, capture_output=True)
    print("synthetic voices:", ", ".join(sorted(commands)) or "none installed")


def recordings(cache: Path) -> Iterator[Path]:
    """Lists every file of speech in the cache, in a fixed order."""
    for folder in sorted(p for p in cache.iterdir() if p.is_dir() and p.name != "held_out"):
        for path in sorted(folder.rglob("*")):
            is_effect = folder.name == "tuxpaint-stamps-default" and "_desc" not in path.name
            if path.suffix in {".wav", ".ogg", ".gsm"} and not is_effect:
                yield path


def read(path: Path) -> tuple[F32, int]:
    """Reads mono float32 [T] in [-1, 1] and its rate in Hz."""
    raw = {"format": "RAW", "subtype": "GSM610", "samplerate": 8000, "channels": 1} if path.suffix == ".gsm" else {}
    pcm, rate_hz = soundfile.read(path, dtype="float32", always_2d=True, **raw)
    return pcm.mean(1), rate_hz


def write_held_out(cache: Path, paths: list[Path]) -> None:
    """Joins up to 60 s of each held-out voice, files in hash order, to CACHE/held_out/NAME.wav."""
    (cache / "held_out").mkdir(exist_ok=True)
    for name, part in HELD_OUT.items():
        chosen = sorted((p for p in paths if part in str(p)), key=lambda p: hashlib.sha256(p.name.encode()).digest())
        pieces = [soxr.resample(*read(p), SAMPLE_RATE_HZ) for p in chosen[:100]]
        if pieces:
            soundfile.write(cache / "held_out" / f"{name}.wav", np.concatenate(pieces)[: 60 * SAMPLE_RATE_HZ], 24_000)


# --- features -------------------------------------------------------------------------------------------------------


def augment(pcm: F32, rate_hz: int, rng: np.random.Generator) -> F32:
    """Changes level, bandwidth, noise and coding as a recording might: float32 [T] in [-1, 1], 24 kHz out."""
    loud = np.abs(pcm) > 0.05 * np.abs(pcm).max()
    x = pcm * (10 ** (rng.uniform(-36, -15) / 20) / np.sqrt(np.mean(pcm[loud] ** 2)))
    if rate_hz >= 16_000 and rng.random() < 0.45:
        x, rate_hz = soxr.resample(x, rate_hz, 8000), 8000
    if rng.random() < 0.3:
        band = [rng.uniform(150, 350), rng.uniform(3000, 3600)]
        x = sosfilt(butter(2, band, "band", fs=rate_hz, output="sos"), x)
    if rng.random() < 0.5:
        noise = rng.standard_normal(len(x))
        if rng.random() < 0.5:  # brown instead of white
            noise = sosfilt(butter(1, 50, "high", fs=rate_hz, output="sos"), np.cumsum(noise))
        x = x + noise / noise.std() * 10 ** (rng.uniform(-80, -40) / 20)
    x = np.clip(x, -1, 1)
    if rate_hz == 8000 and rng.random() < 0.5:
        steps = np.round(np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256) * 127) / 127
        x = np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255
    return np.asarray(soxr.resample(x.astype(np.float32), rate_hz, SAMPLE_RATE_HZ))


def make_features(cache: Path, paths: list[Path]) -> npt.NDArray[np.float16]:
    """Computes log band powers of all recordings, PASSES times over, one after another: float16 [S, BANDS]."""
    stored = cache / "features.npy"
    if not stored.exists():
        pieces = []
        for turn in range(PASSES):
            for i in np.random.default_rng(turn).permutation(len(paths)):
                pcm, rate_hz = read(paths[i])
                if len(pcm) < rate_hz // 5 or np.abs(pcm).max() < 1e-3:
                    continue
                x = augment(pcm, rate_hz, np.random.default_rng([turn, zlib.crc32(paths[i].name.encode())]))
                padded = np.pad(x, (STEP_SAMPLES, -len(x) % FRAME_SAMPLES))
                pieces.append(log_bands(padded).astype(np.float16))
        np.save(stored, np.concatenate(pieces))
    features: npt.NDArray[np.float16] = np.load(stored)
    print(f"features: {len(features) * STEP_SAMPLES / SAMPLE_RATE_HZ / 3600:.1f} h in {PASSES} passes")
    return features


# --- the model ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """Sets the sizes and lengths of the training."""

    latent: int = 64
    hidden: int = 512
    steps: int = 2000
    segments: int = 192  # a step
    segment_frames: int = 9  # of which the inner ones count: the outer ones are context
    seed: int = 0


class Model(nn.Module):
    """Computes the codec with gradients; a latent value v here is GRID * v on the runtime's grid of integers."""

    GRID: Final = 4.0

    def __init__(self, settings: Settings, frames: Tensor, band_weight: Tensor) -> None:
        """Starts from the principal components of ``frames`` [n, 5, BANDS] with ``band_weight`` [BANDS] applied."""
        super().__init__()
        size = STEPS_PER_FRAME * BANDS
        weight = band_weight.sqrt().repeat(STEPS_PER_FRAME)
        mean = frames.mean((0, 1)).repeat(STEPS_PER_FRAME)
        x = (frames.reshape(-1, size) - mean) * weight
        x = x - x.mean(0)
        values, vectors = torch.linalg.eigh(x.T @ x / len(x))
        vectors = vectors.flip(1)[:, : settings.latent]
        vectors = vectors * torch.sign(vectors.sum(0))  # eigenvectors come with either sign
        scale = 50 / values[-1].sqrt()
        self.mean, self.weight = mean, weight
        self.encoder = nn.Parameter(vectors * scale)
        self.books = nn.Parameter(torch.zeros(CODEBOOKS, ENTRIES, settings.latent))
        self.decoder_linear = nn.Parameter((vectors / scale).T / weight)
        self.decoder_bias = nn.Parameter(mean.clone())
        self.decoder_1 = nn.Linear(3 * settings.latent, settings.hidden)
        self.decoder_2 = nn.Linear(settings.hidden, settings.hidden)
        self.decoder_out = nn.Linear(settings.hidden, size)
        nn.init.zeros_(self.decoder_out.weight)  # the network begins as a correction of nothing
        nn.init.zeros_(self.decoder_out.bias)

    def encode(self, frames: Tensor) -> Tensor:
        """Encodes [n, 5, BANDS] to [n, D]."""
        return (frames.flatten(1) - self.mean) * self.weight @ self.encoder

    @torch.no_grad()
    def quantise(self, latents: Tensor) -> Tensor:
        """Chooses entries greedily, stage by stage: [n, D] to indices [8, n]."""
        rest, chosen = latents, []
        for book in self.books:
            chosen.append(nearest(rest, book))
            rest = rest - book[chosen[-1]]
        return torch.stack(chosen)

    def decode(self, latents: Tensor) -> Tensor:
        """Decodes [n, F, D] to log band powers [n, 5 F, BANDS]."""
        padded = torch.cat([latents[:, :1], latents, latents[:, -1:]], 1)
        x = torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], 2) / 25
        hidden = torch.relu(self.decoder_2(torch.relu(self.decoder_1(x))))
        out = latents @ self.decoder_linear + self.decoder_bias + self.decoder_out(hidden)
        return out.reshape(len(latents), -1, BANDS)

    def arrays(self, level: float) -> dict[str, npt.NDArray[Any]]:
        """Gives the weights as the runtime reads them: scales folded in, ``level`` (nepers of power) on the output."""
        grid, unit = self.GRID, 0.01 * self.GRID
        encoder = grid * self.weight[:, None] * self.encoder
        layers = {
            "encoder": (encoder, -self.mean @ encoder),
            "decoder_linear": (self.decoder_linear / unit, self.decoder_bias + level),
            "decoder_1": (self.decoder_1.weight.T / (25 * unit), self.decoder_1.bias),
            "decoder_2": (self.decoder_2.weight.T, self.decoder_2.bias),
            "decoder_3": (self.decoder_out.weight.T, self.decoder_out.bias),
        }
        out: dict[str, npt.NDArray[Any]] = {}
        for name, (weight, bias) in layers.items():
            out[f"{name}_weight"] = weight.detach().numpy().astype(np.float16)
            out[f"{name}_bias"] = bias.detach().numpy().astype(np.float32)
        books = grid * self.books.detach().numpy()
        log2 = np.ceil(np.log2(np.abs(books).max((1, 2)) / 127)).clip(min=0)
        out["codebooks"] = np.rint(books / np.exp2(log2)[:, None, None]).astype(np.int8)
        out["codebook_log2"] = log2.astype(np.int8)
        return out


def nearest(rows: Tensor, book: Tensor) -> Tensor:
    """Finds for each row [n, D] the index of the nearest entry of ``book`` [m, D]."""
    half_squares = (book * book).sum(1) / 2
    return torch.cat([torch.addmm(-half_squares, part, book.T).argmax(1) for part in torch.split(rows, 8192)])


def k_means(rows: Tensor, iterations: int = 6) -> Tensor:
    """Finds a codebook [ENTRIES, D] of the rows; an entry that nothing is near to moves to a row."""
    book = rows[torch.randperm(len(rows))[:ENTRIES]].clone()
    for _ in range(iterations):
        found = nearest(rows, book)
        count = torch.bincount(found, minlength=ENTRIES)
        book = torch.zeros_like(book).index_add_(0, found, rows) / count.clamp(min=1)[:, None]
        unused = count < 2
        book[unused] = rows[torch.randint(len(rows), (int(unused.sum()),))]
    return book


# --- training -------------------------------------------------------------------------------------------------------


def third_octaves() -> Tensor:
    """Gives the Hz of each band in each of STOI's 15 third-octave bands from 150 Hz (Taal et al. 2011): [BANDS, 15]."""
    edges = band_edges_hz(BANDS)
    low, high = (edges[:-2] + edges[1:-1]) / 2, (edges[1:-1] + edges[2:]) / 2
    centres = 150 * 2 ** (np.arange(15) / 3)
    overlap = np.minimum(centres * 2 ** (1 / 6), high[:, None]) - np.maximum(centres * 2 ** (-1 / 6), low[:, None])
    return torch.from_numpy(np.maximum(overlap, 0).astype(np.float32))


def losses(found: Tensor, wanted: Tensor, band_weight: Tensor, octaves: Tensor) -> tuple[Tensor, Tensor]:
    """Measures how far log band powers [n, S, BANDS] are from those wanted.

    Returns:
        The mean absolute difference, with less weight on what is soft in its segment; and one minus the mean
        correlation of third-octave envelopes over 384 ms, what STOI measures, where there is sound.
    """
    loudest = wanted.amax((1, 2), keepdim=True)
    weight = torch.clamp(1 + (wanted - loudest) / 14, min=0.1) * band_weight
    difference = (weight * (found - wanted).abs()).mean()
    a = torch.sqrt(torch.exp(wanted) @ octaves + 1e-9)
    b = torch.sqrt(torch.exp(found.clamp(max=6)) @ octaves + 1e-9)
    total, count = torch.zeros(()), torch.zeros(())
    for start in range(0, wanted.shape[1] - 23, STEPS_PER_FRAME):
        p, q = a[:, start : start + 24], b[:, start : start + 24]
        sounds = (p.square().sum((1, 2)) > 1e-4).float()
        p, q = p - p.mean(1, keepdim=True), q - q.mean(1, keepdim=True)
        correlation = (p * q).sum(1) / torch.sqrt(p.square().sum(1) * q.square().sum(1) + 1e-12)
        total, count = total + (correlation.mean(1) * sounds).sum(), count + sounds.sum()
    return difference, 1 - total / count.clamp(min=1)


def train(features: npt.NDArray[np.float16], settings: Settings) -> dict[str, npt.NDArray[Any]]:
    """Trains by principal components, k-means for each stage, then gradients; gives the runtime's arrays."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    length = settings.segment_frames * STEPS_PER_FRAME

    def segments(count: int) -> Tensor:  # [count, length, BANDS]; frames begin at any step, not at the file's frames
        starts = rng.integers(0, len(features) - length, count)
        return torch.from_numpy(features[starts[:, None] + np.arange(length)].astype(np.float32))

    # Above 4.5 kHz little is needed to understand speech, and telephone speech has nothing there.
    band_weight = torch.from_numpy(np.where(band_edges_hz(BANDS)[1:-1] < 4500, 1.0, 0.35).astype(np.float32))
    octaves = third_octaves()
    frames = segments(13_000).reshape(-1, STEPS_PER_FRAME, BANDS)
    model = Model(settings, frames, band_weight)
    with torch.no_grad():
        rest = model.encode(frames)
        for stage in range(CODEBOOKS):
            model.books[stage] = k_means(rest)
            rest = rest - model.books[stage][nearest(rest, model.books[stage])]
            print(f"k-means {stage}: mean square {float(rest.square().mean()):.3f}", flush=True)

    rates = {"encoder": 5e-4, "books": 0.04, "decoder_linear": 2e-4}
    groups = [{"params": [p], "lr": rates.get(name, 1e-3)} for name, p in model.named_parameters()]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda s: min(1, s / 50) * (0.02 + 0.49 * (1 + np.cos(np.pi * s / settings.steps)))
    )
    recent: list[tuple[float, float]] = []
    for step in range(settings.steps):
        wanted = segments(settings.segments)
        latents = model.encode(wanted.reshape(-1, STEPS_PER_FRAME, BANDS))
        chosen = model.quantise(latents.detach())
        entries = torch.stack([book[i] for book, i in zip(model.books, chosen, strict=True)]).sum(0)
        through = entries + (
            latents - latents.detach()
        )  # gradients reach the entries and, straight through, the encoder
        found = model.decode(through.reshape(settings.segments, -1, settings.latent))
        inner = slice(STEPS_PER_FRAME, -STEPS_PER_FRAME)
        difference, decorrelation = losses(found[:, inner], wanted[:, inner], band_weight, octaves)
        apart = 3 * (latents - entries.detach()).square().mean() + (latents.detach() - entries).square().mean()
        loss = difference + 3 * decorrelation + apart / 100
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        recent.append((difference.item(), 1 - decorrelation.item()))
        if step % 100 == 99:
            print(f"step {step + 1}: difference, correlation {np.mean(recent[-100:], axis=0).round(4)}", flush=True)

    # A mean of logarithms is below the logarithm of the mean, and synthesis loses a little: give the power back.
    wanted = segments(500)
    with torch.no_grad():
        latents = model.encode(wanted.reshape(-1, STEPS_PER_FRAME, BANDS))
        entries = torch.stack([book[i] for book, i in zip(model.books, model.quantise(latents), strict=True)]).sum(0)
        found = model.decode(entries.reshape(len(wanted), -1, settings.latent))
    sound = synthesise(found.reshape(-1, BANDS).numpy())
    level = float(np.log(wanted.exp().mean() / np.exp(log_bands(np.pad(sound, (STEP_SAMPLES, 0)))).mean()))
    print(f"level given back: {level * 10 / np.log(10):.2f} dB")
    return model.arrays(level)


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description="Trains the weights of the embedded codec.")
    parser.add_argument("cache", type=Path, help="keeps packages, features and held-out audio in this folder (2 GB)")
    parser.add_argument("--out", type=Path, default=Path("embedded-1.npz"))
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    fetch(options.cache)
    synthesise_voices(options.cache)
    paths = list(recordings(options.cache))
    write_held_out(options.cache, paths)
    trained_on = [p for p in paths if not any(part in str(p) for part in HELD_OUT.values())]
    arrays = train(make_features(options.cache, trained_on), Settings(steps=options.steps, seed=options.seed))
    np.savez(options.out, allow_pickle=False, **arrays)
    data = options.out.read_bytes()
    print(f"{options.out}: {len(data)} bytes; WEIGHTS_SHA256 of embedded.py: {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
