"""The map's plane: where each tool is drawn. Near tools lie near; long distances mean little.

For the eye only: every number of the summary comes from the vectors themselves.
"""

from typing import Any

__all__ = ["places"]

_LANDMARKS = 6_000
"""Tools that are laid out by t-SNE, which takes time in proportion; the rest lies among them."""
_NEIGHBOURS = 3
_DIMENSIONS = 50
_ITERATIONS = 500
_PERPLEXITY = 30
_ROWS = 1_000


def places(real: Any, synthetic: Any) -> Any:
    """Return where each tool lies, `[real + synthetic, 2]`, both coordinates in [0, 1].

    The rows are reduced to 50 dimensions (truncated SVD, which does not move the origin), scaled
    to length 1 and laid out by t-SNE from their first two principal components. Of more than
    6,000 tools only so many are, half of them real, drawn with a fixed seed; each other tool lies
    at the mean of its three nearest of these, weighted by the fourth power of their cosine. One
    thread, fixed seed: the same rows give the same places.

    Args:
        real: vectors of the real tools, `[real, words]`.
        synthetic: of the synthetic ones, `[synthetic, words]`.
    """
    import numpy as np
    from scipy import sparse
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        chosen = _chosen(real.shape[0], synthetic.shape[0])
        reduced = _reduced(sparse.vstack([real, synthetic]).tocsr(), chosen)
        if len(chosen) < 2 * _NEIGHBOURS:
            laid = reduced[chosen][:, :2]
        else:
            laid = TSNE(
                2,
                init="pca",
                random_state=0,
                perplexity=min(_PERPLEXITY, (len(chosen) - 1) / _NEIGHBOURS),
                max_iter=_ITERATIONS,
            ).fit_transform(reduced[chosen])
        found = _among(reduced, chosen, laid)
    low, high = found.min(axis=0), found.max(axis=0)
    return (found - low) / np.where(high > low, high - low, 1)


def _reduced(rows: Any, chosen: Any) -> Any:
    """Return all rows in the dimensions that tell the chosen ones apart."""
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    dimensions = min(_DIMENSIONS, len(chosen) - 1, rows.shape[1] - 1)
    if dimensions < 2:
        made = np.zeros((rows.shape[0], 2))
        made[:, : rows.shape[1]] = rows[:, :2].toarray()
    else:
        made = TruncatedSVD(dimensions, random_state=0).fit(rows[chosen]).transform(rows)
    return np.asarray(normalize(made), dtype=np.float32)


def _chosen(real: int, synthetic: int) -> Any:
    """Return the indices of the landmarks: half of them real where there are enough of both."""
    import numpy as np

    of_real = min(real, max(_LANDMARKS // 2, _LANDMARKS - synthetic))
    of_synthetic = min(synthetic, _LANDMARKS - of_real)
    draw = np.random.RandomState(0)
    return np.concatenate(
        [
            np.sort(draw.permutation(real)[:of_real]),
            real + np.sort(draw.permutation(synthetic)[:of_synthetic]),
        ]
    )


def _among(reduced: Any, chosen: Any, laid: Any) -> Any:
    import numpy as np

    found = np.empty((len(reduced), 2))
    found[chosen] = laid
    others = np.setdiff1d(np.arange(len(reduced)), chosen)
    for start in range(0, len(others), _ROWS):
        block = others[start : start + _ROWS]
        cosine = reduced[block] @ reduced[chosen].T
        near = np.argsort(-cosine, axis=1, kind="stable")[:, :_NEIGHBOURS]
        weight = np.clip(np.take_along_axis(cosine, near, axis=1), 1e-3, 1) ** 4
        weight /= weight.sum(axis=1, keepdims=True)
        found[block] = (laid[near] * weight[:, :, None]).sum(axis=1)
    return found
