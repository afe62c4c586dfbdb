"""Trains the weights of the learned reparandum model: transcripts of meetings in, one .npz out.

    OMP_NUM_THREADS=1 python scripts/train_repair_model.py QMSUM [--out repairs-en-1.npz] [--seed 2]

QMSUM is a checkout of https://github.com/Yale-LILY/QMSum (MIT), commit 83d7768: of its transcripts those of the AMI and
ICSI meetings are read (CC BY 4.0), nothing else. The same checkout, seed and library versions give the same weights.
About half an hour on one core.

No human label of a disfluency is used. The transcripts mark where speech is broken off, but not what is taken back.

1. Fluent stretches (:func:`fluent`): what is neither before such a mark nor taken back by the rules of repairs.py.
2. Disfluencies are put into them (:class:`Maker`), in the spirit of Wang et al. 2020 (multi-task self-supervised) and
   Passali et al. 2022 (LARD): the words to come are said before, whole or in part, then other words that were said
   elsewhere after the same word: "in the | in a town". Shares after Shriberg 1994: half are single words.
3. Three **teachers** that see the marks of broken-off speech learn from these, label the real transcripts by the mean
   of their log-odds, learn again from both, and label them again. Words of which they are not sure do not count.
4. The **student**, who does not see the marks, learns from the real transcripts with the teachers' labels and from the
   disfluencies put in. Its weights are written.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue_pipeline.records import Word
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.disfluency import DisfluencyRules
from duologue_pipeline.words.disfluency import tag_words
from duologue_pipeline.words.lexicon import load_lexicon, normal_form
from duologue_pipeline.words.repair_model import (
    ALIKE_REACH,
    APART,
    DILATIONS,
    ENDING_BUCKETS,
    FRAGMENT_BUCKETS,
    SAME_REACH,
    word_inputs,
)
from duologue_pipeline.words.track import track_words

MEETINGS: Final = re.compile(r"(Bdb|Bed|Bmr|Bro|Buw|ES|IS|TS)\d+[a-z]?\.json")
VOCABULARY: Final = 3000
EMBEDDING, KIND, WIDTH = 32, 12, 80
CHUNK: Final = 192
TEACHERS: Final = (0, 1, 2)
"""Their seeds; the first is that of the disfluencies put in, too."""
LEXICON: Final = load_lexicon("en")
# Above 1, so that the model is not asked: it must not teach itself.
RULES: Final = replace(load_rules(DisfluencyRules), model_word_probability=2.0)
BROKEN, END = "#", "|"


@dataclass(frozen=True)
class Told:
    """Holds a word that is no edit term, and what is known of it."""

    word: str
    after_edit: bool = False
    sentence: bool = False
    broken: bool = False
    taken_back: bool = False
    sure: bool = True


Turn = list[Told]

# --- transcripts ----------------------------------------------------------------------------------------------------


def read_turns(qmsum: Path) -> list[list[str]]:
    """Reads the turns of all meetings: normal forms, BROKEN where speech is broken off, END after a sentence."""
    paths = sorted(
        (path for path in (qmsum / "data/ALL").glob("*/*.json") if MEETINGS.fullmatch(path.name)), key=lambda p: p.name
    )
    if not paths:
        raise SystemExit(f"{qmsum}: no transcripts under data/ALL; give a checkout of QMSum")
    turns = [
        _tokens(turn["content"]) for path in paths for turn in json.loads(path.read_bytes())["meeting_transcripts"]
    ]
    counts = Counter(word for turn in turns for word in turn)
    return [_with_fragments(turn, counts) for turn in turns]


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    for token in re.findall(r"\{[a-z]+\}|[^\s]+", re.sub(r"\b([A-Z])_(?=[A-Z_]|\s|$)", r"\1 ", text)):
        if token == "{disfmarker}":
            tokens.append(BROKEN)
        elif token in (".", "?", "!"):
            tokens.append(END)
        elif token in ("'m", "'s", "'t", "'d", "'ll", "'re", "'ve") and tokens and tokens[-1] not in (BROKEN, END):
            tokens[-1] = normal_form(tokens[-1] + token)  # ICSI writes I 'm
        elif not token.startswith("{"):
            word = normal_form(token)
            whole = word.endswith("-") or word in ("uh-huh", "mm-hmm", "um-hum")
            tokens += [part for part in ([word] if whole else word.split("-")) if part and part[0].isalnum()]
    return tokens


def _with_fragments(turn: Sequence[str], counts: Counter[str]) -> list[str]:
    """Marks words broken off, which AMI and ICSI leave unmarked: ``wh which``, ``wh # which``."""
    marked = list(turn)
    for i, word in enumerate(turn):
        coming = [token for token in turn[i + 1 : i + 5] if token not in (BROKEN, END)]
        if len(word) > 6 or word in (BROKEN, END, "a", "i", "o", "uh", "um") or not coming:
            continue
        completed = [token for token in coming if token != word and token.startswith(word)]
        next_one = coming[0] in completed and counts[word] < min(400, counts[coming[0]])
        if next_one or (turn[i + 1] == BROKEN and counts[word] < 60 and completed):
            marked[i] = f"{word}-"
    return marked


def told(turn: Sequence[str]) -> tuple[Turn, bool]:
    """Gives the words of a turn without edit terms, ``taken_back`` by the rules; and whether it ends broken off."""
    words: list[Word] = []
    marks: list[set[str]] = []
    pending, now_ms = {END}, 0
    for token in turn:
        if token in (BROKEN, END):
            pending.add(token)
            now_ms += 400 * (token == END)
        else:
            words.append(Word(token, now_ms, now_ms + 200))
            now_ms += 200
            marks.append(pending)
            pending = set()
    kept: Turn = []
    edit, open_marks = False, set[str]()
    for word, mark, tags in zip(words, marks, tag_words(track_words(words, LEXICON), rules=RULES), strict=True):
        open_marks |= mark
        if "edit_term" in tags:
            edit = True
            continue
        kept.append(Told(word.word, edit, END in open_marks, BROKEN in open_marks, "reparandum" in tags))
        edit, open_marks = False, set()
    return kept, BROKEN in pending


def fluent(turns: Sequence[tuple[Turn, bool]]) -> list[Turn]:
    """Finds stretches in which nothing is taken back as far as we know: six words before each mark are left out."""
    stretches = []
    for turn, ends_broken in turns:
        cuts = [0, *(i for i, each in enumerate(turn) if each.broken and i), len(turn)]
        for start, end in pairwise(cuts):
            broken = end < len(turn) or ends_broken
            stretch = [each for each in turn[start : end - 6 if broken else end] if not each.taken_back]
            if len(stretch) >= 4:
                stretches.append([Told(each.word, each.after_edit, each.sentence) for each in stretch])
    return stretches


# --- disfluencies put in --------------------------------------------------------------------------------------------


class Maker:
    """Puts disfluencies into fluent stretches."""

    WEIGHTS: Final = {"pronoun": 3.0, "determiner": 2.0, "preposition": 1.6, "conjunction": 1.5, "auxiliary": 1.2}
    OPEN_WEIGHT: Final = 0.35

    def __init__(self, stretches: Sequence[Turn], random: Random) -> None:
        self.stretches, self.random = stretches, random
        self.after: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, stretch in enumerate(stretches):
            for i in range(len(stretch)):
                self.after[self._before(stretch, i)].append((number, i))

    def make(self, stretch: Turn) -> Turn:
        """Puts disfluencies at about one word in 25, and edit terms, into a stretch."""
        chance, made = self._chance, Turn()
        count = sum(chance(0.04) for _ in stretch)
        weights = [self.WEIGHTS.get(_kind(each.word), self.OPEN_WEIGHT) for each in stretch]
        places = set(self.random.choices(range(len(stretch)), weights, k=count))
        for i, each in enumerate(stretch):
            after = Told(each.word, each.after_edit or chance(0.05), broken=chance(0.004))
            reparandum = self._reparandum(stretch, i) if i in places else None
            if i and not reparandum and chance(0.02 if each.sentence else 0.005):
                given_up = self.random.choice(["and", "and", "and", "but", "but", "so", "or", "because", "that"])
                made.append(Told(given_up, each.after_edit, taken_back=True))
                after = Told(each.word, chance(0.85), broken=chance(0.3))
            if reparandum:
                cut = chance(0.15)
                if cut:
                    last = reparandum[-1]
                    reparandum[-1] = last[: self.random.randint(1, max(1, len(last) - 1))] + "-"
                for n, word in enumerate(reparandum):
                    first = not n
                    made.append(
                        Told(word, after.after_edit if first else chance(0.03), False, after.broken and first, True)
                    )
                after = Told(each.word, chance(0.3), broken=cut or chance(0.75))
            made.append(after)
        return made

    def _reparandum(self, stretch: Turn, at: int) -> list[str] | None:
        words, before = [each.word for each in stretch], self._before(stretch, at)
        room, kind, way = len(words) - at, _kind(words[at]), self.random.random()
        if way < 0.3:  # repetition
            return words[at : at + min(room, self._length(60, 25, 9, 4, 2))]
        if way < 0.66:  # begun alike, continued otherwise
            same = min(room - 1, self._length(55, 25, 12, 5, 3))
            if not same:
                return None
            wanted = _kind(words[at + same]) if self._chance(0.5) else None
            other = self._elsewhere(words[at + same - 1], self._length(50, 26, 13, 7, 4), words[at + same], wanted)
            return words[at : at + same] + other if other else None
        if way < 0.77:  # one word replaced
            other = self._elsewhere(before, 1, words[at], kind)
            return other + words[at + 1 : at + min(room, self._length(30, 40, 20, 10))] if other else None
        wanted = kind if self._chance(0.6) else None  # begun anew
        return self._elsewhere(before, self._length(40, 30, 15, 8, 5, 2), words[at], wanted)

    def _elsewhere(self, before: str, length: int, unlike: str, kind: str | None) -> list[str] | None:
        """Finds words of one sentence that were said after ``before`` at another place."""
        places = self.after.get(before, [])
        for _ in range(12 if places else 0):
            number, i = self.random.choice(places)
            found = self.stretches[number][i : i + length]
            whole = len(found) == length and not any(each.sentence for each in found[1:])
            if whole and found[0].word != unlike and kind in (None, _kind(found[0].word)):
                return [each.word for each in found]
        return None

    def _before(self, stretch: Turn, at: int) -> str:
        return END if not at or stretch[at].sentence else stretch[at - 1].word

    def _length(self, *weights: int) -> int:
        return self.random.choices(range(1, len(weights) + 1), weights)[0]

    def _chance(self, share: float) -> bool:
        return self.random.random() < share


def _kind(word: str) -> str:
    classes = LEXICON.word_classes
    word = "i" if word in classes["subject"] else word
    return next((name for name in Maker.WEIGHTS if word in classes[name]), "open")


# --- network --------------------------------------------------------------------------------------------------------

Batch = tuple[Tensor, ...]
"""Rows, forms, initials, fragments [B, T]; after edit, begins, broken [B, T, 3]; labels and weights [B, T]."""


class Network(nn.Module):
    """Computes what repair_model.py computes, for training; it also takes the marks of broken-off speech."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        rows = 1 + vocabulary + ENDING_BUCKETS + FRAGMENT_BUCKETS
        self.embedding = nn.Embedding(rows, EMBEDDING, padding_idx=0)
        self.kind = nn.Embedding(rows, KIND, padding_idx=0)
        for table in (self.embedding, self.kind):
            nn.init.normal_(table.weight, std=0.3)
        width = EMBEDDING + 2 * SAME_REACH + 2 * ALIKE_REACH + 3
        self.layers = nn.ModuleList(
            nn.Conv1d(WIDTH if i else width, WIDTH, 5 if i else 3, padding=(2 if i else 1) * step, dilation=step)
            for i, step in enumerate(DILATIONS)
        )
        self.output = nn.Linear(WIDTH, 1)
        self.drop = nn.Dropout(0.15)

    def forward(self, rows: Tensor, forms: Tensor, initials: Tensor, fragments: Tensor, flags: Tensor) -> Tensor:
        there, kind, near = (rows > 0), self.kind(rows), []
        for step in range(1, SAME_REACH + 1):
            completed = fragments[:, :-step] & (initials[:, :-step] == initials[:, step:])
            same = ((forms[:, :-step] == forms[:, step:]) | completed) & there[:, :-step] & there[:, step:]
            near += [functional.pad(same.float(), (0, step)), functional.pad(same.float(), (step, 0))]
        for step in range(1, ALIKE_REACH + 1):
            alike = (kind[:, :-step] * kind[:, step:]).sum(-1)
            near += [functional.pad(alike, (0, step)), functional.pad(alike, (step, 0))]
        x = torch.cat([self.embedding(rows), torch.stack(near, -1), flags], -1).transpose(1, 2)
        for i, layer in enumerate(self.layers):
            y = functional.relu(layer(self.drop(x))) * there[:, None]
            x = x + y if i else y
        return self.output(x.transpose(1, 2))[..., 0]


def stream(turns: Sequence[Turn], vocabulary: dict[str, int], *, marks: bool, joined: float) -> Batch:
    """Joins all turns one after the other [T]; APART zeros lie between two, none at the share ``joined`` of them."""
    random, parts, begins = Random(5), [], True
    for turn in turns:
        inputs = word_inputs([each.word for each in turn], vocabulary, LEXICON.full_forms)
        flags = np.array([(each.after_edit, 0, each.broken and marks) for each in turn], np.float32)
        flags[0, 1] = begins
        begins = random.random() >= joined
        columns = (inputs.rows, inputs.forms, inputs.initials, inputs.fragments, flags)
        labels = [np.array([getattr(each, name) for each in turn], np.float32) for name in ("taken_back", "sure")]
        space = APART if begins else 0
        parts.append([np.concatenate([c, np.zeros((space, *c.shape[1:]), c.dtype)]) for c in (*columns, *labels)])
    return tuple(torch.from_numpy(np.concatenate(column)) for column in zip(*parts, strict=True))


def train(turns: Sequence[Turn], vocabulary: dict[str, int], *, marks: bool, epochs: int, seed: int) -> Network:
    """Trains a network on the turns for ``epochs`` rounds."""
    torch.manual_seed(seed)
    network = Network(len(vocabulary)).train()
    whole = stream(turns, vocabulary, marks=marks, joined=0.3)
    count = len(whole[0]) // CHUNK
    chunks = [column[: count * CHUNK].reshape(count, CHUNK, *column.shape[1:]) for column in whole]
    steps = count // 64
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=epochs * steps)
    for epoch in range(epochs):
        order, total = torch.randperm(count), 0.0
        for step in range(steps):
            *inputs, labels, weights = (column[order[step * 64 : (step + 1) * 64]] for column in chunks)
            losses = functional.binary_cross_entropy_with_logits(network(*inputs), labels, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.4f}", flush=True)
    return network.eval()


def log_odds(network: Network, turns: Sequence[Turn], vocabulary: dict[str, int]) -> Tensor:
    """Gives the log-odds that each word is taken back, as a teacher reads it [N]."""
    whole = stream(turns, vocabulary, marks=True, joined=0.0)
    pieces, size = [], 20_000
    with torch.no_grad():
        for start in range(0, len(whole[0]), size):
            first = max(0, start - 50)
            inputs = [column[None, first : start + size + 50] for column in whole[:5]]
            pieces.append(network(*inputs)[0][start - first :][:size])
    return torch.cat(pieces)[whole[0] > 0]


def labelled(teachers: Sequence[Network], turns: Sequence[Turn], vocabulary: dict[str, int]) -> Iterator[Turn]:
    """Labels the turns as the teachers read them; a word before one that is taken back is so the sooner."""
    together = torch.stack([log_odds(teacher, turns, vocabulary) for teacher in teachers]).mean(0)
    likely = iter(together.sigmoid().tolist())
    for turn in turns:
        values = [next(likely) for _ in turn]
        read: Turn = []
        for each, value in zip(reversed(turn), reversed(values), strict=True):
            hinted = each.taken_back or (bool(read) and read[-1].taken_back)
            yes = value > (0.3 if hinted else 0.5)
            read.append(Told(each.word, each.after_edit, each.sentence, each.broken, yes, yes or value < 0.25))
        yield read[::-1]


def mixed(turns: Sequence[Turn], made: Sequence[Turn], *, share: float, seed: int) -> list[Turn]:
    """Shuffles all turns and a share of the made ones."""
    random = Random(seed + 1)
    chosen = [*turns, *(turn for turn in made if random.random() < share)]
    random.shuffle(chosen)
    return chosen


def write(network: Network, vocabulary: dict[str, int], path: Path) -> None:
    """Writes the weights as float16; the inputs of the marks are left out."""
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    arrays = {"embedding": state["embedding.weight"], "kind": state["kind.weight"]}
    for i in range(len(DILATIONS)):
        kernel = state[f"layers.{i}.weight"].transpose(2, 1, 0)
        arrays[f"kernel_{i}"] = kernel if i else kernel[:, :-1]
        arrays[f"bias_{i}"] = state[f"layers.{i}.bias"]
    arrays |= {"output": state["output.weight"][0], "output_bias": state["output.bias"]}
    words = np.frombuffer("\n".join(vocabulary).encode(), np.uint8)
    np.savez_compressed(path, vocabulary=words, **{name: each.astype(np.float16) for name, each in arrays.items()})


def main() -> None:
    """Trains the model and writes its weights."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("qmsum", type=Path)
    parser.add_argument("--out", type=Path, default=Path("repairs-en-1.npz"))
    parser.add_argument("--seed", type=int, default=2, help="trains the student from this seed")
    parser.add_argument("--rounds", type=int, default=2, help="uses each fluent stretch so many times")
    parser.add_argument(
        "--epochs", type=int, nargs=2, default=(3, 6), help="trains each teacher and the student for so many rounds"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    both = [told(turn) for turn in read_turns(args.qmsum)]
    real, stretches = [turn for turn, _ in both if len(turn) > 1], fluent(both)
    counts = Counter(each.word for turn in stretches for each in turn if not each.word.endswith("-"))
    vocabulary = {word: i for i, (word, _) in enumerate(counts.most_common(VOCABULARY))}
    maker = Maker(stretches, Random(TEACHERS[0]))
    made = [maker.make(stretch) for _ in range(args.rounds) for stretch in stretches]
    print(f"{len(real)} turns, {len(stretches)} fluent stretches, {len(made)} with disfluencies put in", flush=True)

    def learn(turns: Sequence[Turn], *, seed: int, teacher: bool) -> Network:
        return train(turns, vocabulary, marks=teacher, epochs=args.epochs[0 if teacher else 1], seed=seed)

    teachers = [learn(made, seed=seed, teacher=True) for seed in TEACHERS]
    read = list(labelled(teachers, real, vocabulary))
    teachers = [learn(mixed(read, made, share=0.25, seed=seed), seed=seed, teacher=True) for seed in TEACHERS]
    read = list(labelled(teachers, real, vocabulary))
    student = learn(mixed(read, made, share=0.15, seed=args.seed), seed=args.seed, teacher=False)
    write(student, vocabulary, args.out)
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
