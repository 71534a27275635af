"""Train the demonstration model on a CPU in the time that there is.

The schedule runs on the clock: warm-up, a stretch at full rate, linear decay to nothing, so that a
run ends on time however busy the machine is. Checkpoints are safetensors, written by rename.
"""

import json
import math
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import M2M100Config, M2M100ForConditionalGeneration

from recipes.demo_model.common import (
    ENGLISH,
    EOS,
    PAD,
    Settings,
    TrainingSettings,
    load_settings,
    read_pairs,
    source_text,
    target_text,
    token_id,
)

Ids = np.ndarray[Any, np.dtype[np.int32]]
Row = tuple[Ids, Ids]  # source and target as the model reads them, codes and </s> included


def build_model(settings: Settings) -> Any:
    """M2M100 as NLLB uses it, small, with embeddings at fairseq's scale."""
    shape = settings.model
    config = M2M100Config(
        vocab_size=settings.tokenizer.vocabulary,
        d_model=shape.d_model,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_ffn_dim=shape.ffn,
        decoder_ffn_dim=shape.ffn,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        max_position_embeddings=shape.positions,
        dropout=0.0,
        attention_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
        init_std=0.02,
    )
    model = M2M100ForConditionalGeneration(config)
    with torch.no_grad():
        model.model.shared.weight.normal_(std=shape.d_model**-0.5)
        model.model.shared.weight[PAD].zero_()
    return model


class Corpus:
    """Tokenised pairs in memory; an epoch is a list of batches in a new order."""

    def __init__(self, work: Path, settings: Settings) -> None:
        self.options = settings.training
        self.tables: list[tuple[float, int, int, list[Ids], list[Ids], list[Ids], list[Ids]]] = []
        tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
        english = token_id(tokenizer, ENGLISH)
        for language in settings.languages:
            for name in ("tatoeba", "ntrex"):
                flat = load_file(work / f"{name}.{language}.safetensors")
                columns = (
                    np.split(flat[side], flat[f"{side}.ends"][:-1])
                    for side in ("english.source", "other.target", "other.source", "english.target")
                )
                weight = self.options.weights.get(language, 1.0)
                weight *= self.options.ntrex_weight if name == "ntrex" else 1.0
                a, b, c, d = columns
                code = token_id(tokenizer, language)
                self.tables.append((weight, english, code, a, b, c, d))

    def rows(self, rng: random.Random) -> list[Row]:
        """One epoch: every pair out of English, a share of them into English."""
        rows: list[Row] = []
        for weight, english, code, *columns in self.tables:
            for share, source, target, sources, targets in (
                (1.0, english, code, columns[0], columns[1]),
                (self.options.into_english, code, english, columns[2], columns[3]),
            ):
                count = len(sources)
                for number in drawn(rng, count, share * weight):
                    s, t = [sources[number]], [targets[number]]
                    if rng.random() < self.options.glued:
                        other = rng.randrange(count)
                        s.append(sources[other])
                        t.append(targets[other])
                    rows.append((framed(source, *s), framed(target, *t)))
        rng.shuffle(rows)
        return rows

    def batches(self, seed: int) -> list[list[Row]]:
        """Rows of like length together: sorted within a window, then the batches are shuffled."""
        rng = random.Random(seed)
        rows = self.rows(rng)
        batches = []
        for start in range(0, len(rows), self.options.window):
            window = sorted(
                rows[start : start + self.options.window], key=lambda r: (len(r[1]), len(r[0]))
            )
            batches += list(packed(window, self.options.batch_tokens))
        rng.shuffle(batches)
        return batches


def drawn(rng: random.Random, count: int, rate: float) -> list[int]:
    """Row numbers in which each row comes `rate` times, a fraction by lot."""
    whole, part = divmod(rate, 1)
    return [*range(count)] * int(whole) + rng.sample(range(count), int(count * part))


def framed(code: int, *sentences: Ids) -> Ids:
    """NLLB's frame on both sides: `[code] tokens </s>`."""
    return np.concatenate([[code], *sentences, [EOS]]).astype(np.int32)


def packed(rows: list[Row], tokens: int) -> Iterator[list[Row]]:
    """Cut a list of rows into batches of at most `tokens` padded positions, mean of both sides."""
    batch: list[Row] = []
    longest = [0, 0]
    for row in rows:
        widened = [max(old, len(side)) for old, side in zip(longest, row, strict=True)]
        if batch and sum(widened) * (len(batch) + 1) > 2 * tokens:
            yield batch
            batch, widened = [], [len(side) for side in row]
        batch.append(row)
        longest = widened
    if batch:
        yield batch


def padded(rows: list[Ids]) -> torch.Tensor:
    """Rectangular batch, padded on the right."""
    matrix = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    for number, row in enumerate(rows):
        matrix[number, : len(row)] = row
    return torch.from_numpy(matrix)


class SmoothedLoss(torch.autograd.Function):
    """Sum of the label-smoothed cross entropy, in slices, gradients made on the way forward.

    The scores of a batch over the vocabulary take hundreds of megabytes, and plain autograd walks
    over them half a dozen times. A slice stays in the processor's cache.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor, smoothing: float
    ) -> torch.Tensor:
        """Return the sum over all rows of `hidden`."""
        loss = hidden.new_zeros(())
        hidden_grad, weight_grad = torch.empty_like(hidden), torch.zeros_like(weight)
        for start in range(0, len(hidden), 256):
            part = slice(start, start + 256)
            h, y, grad = hidden[part], labels[part], hidden_grad[part]
            scores = h @ weight.T
            norm = scores.logsumexp(1)
            gold = scores.gather(1, y[:, None])[:, 0]
            loss += (norm - (1 - smoothing) * gold - smoothing * scores.mean(1)).sum()
            scores.sub_(norm[:, None]).exp_().sub_(smoothing / len(weight))
            scores[torch.arange(len(y)), y] -= 1 - smoothing
            torch.mm(scores, weight, out=grad)
            weight_grad.addmm_(scores.T, h)
        ctx.save_for_backward(hidden_grad, weight_grad)
        return loss

    @staticmethod
    def backward(ctx: Any, *outer: torch.Tensor) -> tuple[Any, ...]:
        """Scale the gradients that the forward pass left."""
        hidden_grad, weight_grad = ctx.saved_tensors
        return hidden_grad * outer[0], weight_grad * outer[0], None, None


def summed_loss(model: Any, batch: list[Row], smoothing: float) -> tuple[torch.Tensor, int]:
    """Loss summed over the target tokens of a batch, and their number; padding is left out."""
    source, target = padded([row[0] for row in batch]), padded([row[1] for row in batch])
    start = torch.full((len(batch), 1), EOS)
    hidden = model.model(
        input_ids=source,
        attention_mask=(source != PAD).long(),
        decoder_input_ids=torch.cat([start, target[:, :-1]], dim=1),
        use_cache=False,
    ).last_hidden_state
    real = target != PAD
    weight = model.model.shared.weight
    loss: torch.Tensor = SmoothedLoss.apply(  # type: ignore[no-untyped-call]
        hidden[real], weight, target[real], smoothing
    )
    return loss, int(real.sum())


def orthogonalised(matrices: torch.Tensor) -> torch.Tensor:
    """Nearest orthogonal matrices, roughly, by five Newton-Schulz steps; [count, rows, columns]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    orthogonal: torch.Tensor = x.mT if tall else x
    return orthogonal


class Muon:
    """Momentum whose step is orthogonalised, for the hidden matrices; float32, batched by shape.

    `torch.optim.Muon` takes one matrix at a time in bfloat16, which a CPU without such units pays
    dearly for.
    """

    def __init__(self, parameters: list[torch.nn.Parameter], momentum: float, decay: float) -> None:
        self.momentum, self.decay = momentum, decay
        self.parameters = parameters
        self.buffers = [torch.zeros_like(p) for p in parameters]

        by_shape: dict[torch.Size, list[int]] = {}
        for number, parameter in enumerate(parameters):
            by_shape.setdefault(parameter.shape, []).append(number)
        size = 16  # small enough to share out between threads
        self.groups = [g[i : i + size] for g in by_shape.values() for i in range(0, len(g), size)]

    @torch.no_grad()
    def step(self, group: list[int], rate: float) -> None:
        """Update matrices of one shape with Nesterov momentum; tall ones take a longer step."""
        grads: list[Any] = [self.parameters[i].grad for i in group]
        buffers = [self.buffers[i] for i in group]
        torch._foreach_lerp_(buffers, grads, 1 - self.momentum)
        steps = orthogonalised(torch.stack(torch._foreach_lerp(grads, buffers, self.momentum)))
        rows, columns = steps.shape[1:]
        scale = rate * math.sqrt(max(1.0, rows / columns))
        for i, update in zip(group, steps, strict=True):
            self.parameters[i].mul_(1 - rate * self.decay).sub_(update, alpha=scale)


def rate_factor(progress: float, options: TrainingSettings) -> float:
    """Share of the full learning rate at a point of the training between 0 and 1."""
    rising = progress / options.warmup if options.warmup else 1.0
    falling = (1 - progress) / options.decay if options.decay else 1.0
    return max(0.0, min(1.0, rising, falling))


@dataclass
class Counters:
    """How far a run has come; travels with its checkpoint."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    tokens: int = 0
    rows: int = 0


class Trainer:
    """Model, optimisers and counters, with their checkpoint.

    A batch is cut into one part per thread, and every thread works alone until the gradients are
    added. Threads inside each operation would wait for one another hundreds of times per update,
    which costs half the speed as soon as another program wants a core.
    """

    def __init__(self, settings: Settings, work: Path, threads: int) -> None:
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
        torch.manual_seed(settings.seed)
        self.settings, self.options = settings, settings.training
        self.corpus = Corpus(work, settings)
        self.model = build_model(settings)
        self.model.train()
        hidden = [
            p
            for name, p in self.model.named_parameters()
            if p.ndim == 2 and "shared" not in name and self.options.optimizer == "muon"
        ]
        chosen = {id(p) for p in hidden}
        rest = [p for p in self.model.parameters() if id(p) not in chosen]
        self.muon = Muon(hidden, self.options.muon_momentum, self.options.weight_decay)
        self.adamw = torch.optim.AdamW(
            rest,
            lr=self.options.adamw_lr,
            betas=self.options.adamw_betas,
            weight_decay=self.options.weight_decay if self.options.optimizer == "adamw" else 0.0,
            fused=True,
        )
        self.counters = Counters()

    def batches(self) -> Iterator[list[Row]]:
        """Batches without end, from where the counters stand; `step` moves them on."""
        while True:
            epoch = self.corpus.batches(self.settings.seed + self.counters.epoch)
            yield from epoch[self.counters.batch :]
            self.counters.epoch += 1
            self.counters.batch = 0

    def step(self, batch: list[Row], factor: float) -> float:
        """One update; the mean loss per target token before it."""
        parts = [part for i in range(self.threads) if (part := batch[i :: self.threads])]
        losses, counts, gradients = zip(*self.pool.map(self.gradients, parts), strict=True)
        count = sum(counts)
        total = gradients[0]
        for more in gradients[1:]:
            torch._foreach_add_(total, more)
        torch._foreach_div_(total, count)
        for parameter, gradient in zip(self.model.parameters(), total, strict=True):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        for group in self.adamw.param_groups:
            group["lr"] = self.options.adamw_lr * factor
        rate = self.options.muon_lr * factor
        work = [self.pool.submit(self.muon.step, group, rate) for group in self.muon.groups]
        self.adamw.step()
        for done in work:
            done.result()
        self.model.zero_grad()
        self.counters.step += 1
        self.counters.batch += 1
        self.counters.tokens += count
        self.counters.rows += len(batch)
        return sum(map(float, losses)) / int(count)

    def gradients(self, part: list[Row]) -> tuple[float, int, list[torch.Tensor]]:
        """Summed loss, number of target tokens and gradients of a part of a batch."""
        loss, count = summed_loss(self.model, part, self.options.label_smoothing)
        return loss.item(), count, list(torch.autograd.grad(loss, list(self.model.parameters())))

    def state(self) -> dict[str, torch.Tensor]:
        """Every tensor that a resumed run needs, under one flat naming."""
        tensors = {f"model.{name}": p.detach() for name, p in self.model.named_parameters()}
        tensors |= {f"muon.{i}": b for i, b in enumerate(self.muon.buffers)}
        for i, p in enumerate(self.adamw.param_groups[0]["params"]):
            tensors |= {f"adamw.{i}.{k}": v for k, v in self.adamw.state.get(p, {}).items()}
        return tensors

    def save(self, path: Path) -> None:
        """Write the checkpoint beside its place, then rename it."""
        aside = path.with_suffix(".part")
        save_file(self.state(), aside, metadata={"counters": json.dumps(asdict(self.counters))})
        aside.replace(path)

    def resume(self, path: Path) -> None:
        """Take up a checkpoint of the same settings."""
        with safe_open(path, framework="pt") as file:
            self.counters = Counters(**json.loads(file.metadata()["counters"]))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                p.copy_(tensors[f"model.{name}"])
            for i, buffer in enumerate(self.muon.buffers):
                buffer.copy_(tensors[f"muon.{i}"])
        for i, p in enumerate(self.adamw.param_groups[0]["params"]):
            fields = ("step", "exp_avg", "exp_avg_sq")
            self.adamw.state[p] = {k: tensors[f"adamw.{i}.{k}"] for k in fields}


def start(trainer: Trainer, work: Path, folder: Path) -> None:
    """Begin from the weights of an exported model, with a new schedule and new optimisers."""
    ours, theirs = (
        Tokenizer.from_file(str(place / "tokenizer.json")).get_vocab() for place in (work, folder)
    )
    if ours != theirs:
        raise click.ClickException(f"expected the tokenizer of {work}, found another in {folder}")
    with safe_open(folder / "model.safetensors", framework="pt") as file, torch.no_grad():
        for name, parameter in trainer.model.named_parameters():
            parameter.copy_(file.get_tensor(name))


def development_sets(work: Path, settings: Settings) -> dict[str, list[Row]]:
    """Development pairs in both directions, 75 each, as framed ids."""
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))

    def ids(code: str, text: str) -> Ids:
        encoded = tokenizer.encode(text, add_special_tokens=False).ids
        return framed(token_id(tokenizer, code), np.array(encoded, np.int32))

    sets = {}
    for language in settings.languages:
        pairs = read_pairs(work / "heldout" / f"development.{language}.tsv")
        sets[f"eng-{language[:3]}"] = [
            (ids(ENGLISH, source_text(e)), ids(language, target_text(o))) for e, o in pairs
        ]
        sets[f"{language[:3]}-eng"] = [
            (ids(language, source_text(o)), ids(ENGLISH, target_text(e))) for e, o in pairs
        ]
    return sets


@torch.no_grad()
def development_losses(model: Any, sets: dict[str, list[Row]]) -> dict[str, float]:
    """Mean cross entropy per target token, without smoothing, per direction."""
    losses = {}
    for name, rows in sets.items():
        loss, count = summed_loss(model, sorted(rows, key=lambda r: len(r[1])), 0.0)
        losses[name] = round(loss.item() / count, 3)
    return losses


@click.command()
@click.option("--work", type=click.Path(path_type=Path, exists=True), required=True)
@click.option(
    "--settings",
    "settings_path",
    type=click.Path(path_type=Path, exists=True),
    default=Path(__file__).with_name("settings.toml"),
)
@click.option("--minutes", type=float, help="Length of the training by the clock.")
@click.option("--steps", type=int, help="Length of the training in updates.")
@click.option("--threads", type=int, default=2, show_default=True)
@click.option("--save-every", type=float, default=10.0, show_default=True, help="Minutes.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in WORK.")
@click.option("--continued", is_flag=True, help="With the settings of a second stretch.")
@click.option(
    "--start",
    "start_folder",
    type=click.Path(path_type=Path, exists=True),
    help="Begin from an exported model, e.g. qa_parallel/demo/hf, to train it further.",
)
def main(
    work: Path,
    settings_path: Path,
    minutes: float | None,
    steps: int | None,
    threads: int,
    save_every: float,
    resume: bool,
    continued: bool,
    start_folder: Path | None,
) -> None:
    """Train on the tokenised pairs in the folder WORK and leave checkpoint.safetensors there."""
    if (minutes is None) == (steps is None):
        raise click.UsageError("expected one of --minutes and --steps")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    settings = load_settings(settings_path)
    if continued:
        training = settings.training.model_copy(update=dict(settings.continued))
        settings = settings.model_copy(update={"training": training})
    trainer = Trainer(settings, work, threads)
    checkpoint = work / "checkpoint.safetensors"
    if resume:
        trainer.resume(checkpoint)
    elif start_folder is not None:
        start(trainer, work, start_folder)
    at = trainer.counters
    development = development_sets(work, settings)

    def report(word: str) -> None:
        losses = development_losses(trainer.model, development)
        average = sum(losses.values()) / len(losses)
        click.echo(f"{word}; development {average:.3f} {json.dumps(losses)}")

    begun = time.monotonic() - at.seconds
    saved = time.monotonic()
    mean = 0.0
    for batch in trainer.batches():
        at.seconds = time.monotonic() - begun
        progress = at.step / steps if steps else at.seconds / 60 / (minutes or 1)
        if progress >= 1:
            break
        loss = trainer.step(batch, rate_factor(progress, settings.training))
        mean = 0.98 * mean + 0.02 * loss if mean else loss
        if at.step % 50 == 0:
            click.echo(
                f"step {at.step} epoch {at.epoch} batch {at.batch} progress {progress:.3f}"
                f" loss {mean:.3f} tokens/s {at.tokens / at.seconds:.0f}"
            )
        if time.monotonic() - saved > 60 * save_every:
            trainer.save(checkpoint)
            report("saved")
            saved = time.monotonic()
    trainer.save(checkpoint)
    report("done")
    click.echo(json.dumps(asdict(at)))


if __name__ == "__main__":
    main()
