"""What a step minimises, and its gradients: of a batch at once, or piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

# Vectors of a chunk of texts; the same whenever it is called for the same chunk, dropout included.
Encode = Callable[[int], "Tensor"]
Loss = Callable[["Tensor"], "Tensor"]


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


def plain_step(encode: Encode, chunks: int, loss: Loss) -> Tensor:
    """Add the gradients of `loss` of all vectors to the encoder's parameters; returns the loss."""
    import torch

    value = loss(torch.cat([encode(chunk) for chunk in range(chunks)]))
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach()


def cache_step(encode: Encode, chunks: int, loss: Loss) -> Tensor:
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
