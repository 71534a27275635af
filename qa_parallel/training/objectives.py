"""What a step minimises, and its gradients: of a batch at once, or piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from qa_parallel.training.texts import Texts

if TYPE_CHECKING:
    from torch import Tensor

# Vectors of a chunk of texts; the same whenever it is called for the same chunk, dropout included.
EncodeChunk = Callable[[int], "Tensor"]
Loss = Callable[["Tensor"], "Tensor"]


class Objective(Protocol):
    """What the steps of a training minimise.

    It may depend on the encoder through the vectors alone, and sees all of a step at once; so it
    need not know whether gradients are cached.

    Examples
    --------
    Mean squared distance to the positive, which any encoder that says the same of all texts has
    at zero:

    >>> class Distance:
    ...     def loss(self, vectors, texts):
    ...         questions, positives = vectors[: 2 * texts.rows].chunk(2)
    ...         return (questions - positives).square().sum(dim=1).mean()
    >>> import torch
    >>> texts = Texts(rows=2, negatives=1, chunks=[], places=[])
    >>> vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.5, 0.5]])
    >>> Distance().loss(vectors, texts)
    tensor(1.)
    """

    def loss(self, vectors: Tensor, texts: Texts) -> Tensor:
        """The loss of a step, a scalar with a graph to `vectors`.

        Parameters
        ----------
        vectors:
            Of length 1, of shape (texts, dimensions): the questions, their positives in the same
            order, then the negatives.
        texts:
            What they are vectors of: how many rows and negatives, and their tokens.
        """


@dataclass(frozen=True)
class InfoNCE:
    """Each question is to find its positive among all that is not a question.

    Attributes
    ----------
    temperature:
        What cosines are divided by.
    both:
        Also each positive its question; the mean of both.
    """

    temperature: float = 0.05
    both: bool = False

    def loss(self, vectors: Tensor, texts: Texts) -> Tensor:
        """As `info_nce`."""
        return info_nce(vectors, texts.rows, self.temperature, self.both)


def info_nce(vectors: Tensor, rows: int, temperature: float, both: bool = False) -> Tensor:
    """The mean cross-entropy of each question finding its positive (InfoNCE, arXiv 1807.03748).

    Parameters
    ----------
    vectors:
        Of length 1, of shape (texts, dimensions): `rows` questions, their positives in the same
        order, then negatives. All that is not a question's positive is wrong for it.
    temperature:
        What cosines are divided by.
    both:
        Also of each positive finding its question; the mean of both.
    """
    import torch

    questions, candidates = vectors[:rows], vectors[rows:]
    scores = questions @ candidates.T / temperature
    own = torch.arange(rows, device=scores.device)
    loss = torch.nn.functional.cross_entropy(scores, own)
    if both:
        back = torch.nn.functional.cross_entropy(scores[:, :rows].T, own)
        loss = (loss + back) / 2
    return loss


def plain_step(encode: EncodeChunk, chunks: int, loss: Loss) -> Tensor:
    """Add the gradients of `loss` of all vectors to the encoder's parameters; returns the loss."""
    import torch

    value = loss(torch.cat([encode(chunk) for chunk in range(chunks)]))
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach()


def cache_step(encode: EncodeChunk, chunks: int, loss: Loss) -> Tensor:
    """The same as `plain_step`, in the memory of one chunk (GradCache, arXiv 2101.06983).

    The loss depends on the encoder through the vectors alone. So their gradients are taken first,
    with nothing of the encoder in memory, and then carried into it one chunk at a time.
    """
    import torch

    with torch.no_grad():  # 1. all vectors, without a graph
        vectors = [encode(chunk) for chunk in range(chunks)]
    whole = torch.cat(vectors).requires_grad_()
    value = loss(whole)  # 2. the loss, and its gradients with respect to the vectors: the cache
    value.backward()  # type: ignore[no-untyped-call]
    cache: Sequence[Tensor] = whole.grad.split([len(one) for one in vectors])  # type: ignore
    for chunk, gradients in enumerate(cache):  # 3. each chunk again, now with a graph
        encode(chunk).backward(gradients)  # type: ignore[no-untyped-call]
    return value.detach()
