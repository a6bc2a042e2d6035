"""The attacks of a synthetic record."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """An attack of the synthetic record: how far apart, in standard deviations, it sees members of a leaky target."""

    name: str
    summary: str
    paper: str
    access: str
    knowledge: tuple[str, ...]
    strength: float
    levels: int = 0  # 0: continuous scores; 2: a yes or a no


SKETCHES: tuple[Sketch, ...] = (
    Sketch(name="correctness", summary="Calls an example a member when the target classifies it correctly.",
           paper="Yeom et al., CSF 2018, arXiv:1709.01604v5", access="labels", knowledge=(), strength=0.35, levels=2),
    Sketch(name="loss", summary="Calls an example a member when the target's loss on it is small.",
           paper="Yeom et al., CSF 2018, arXiv:1709.01604v5", access="probabilities", knowledge=("data distribution",), strength=0.6),
    Sketch(name="modified-entropy", summary="Thresholds an entropy that takes the true label into account.",
           paper="Song and Mittal, USENIX Security 2021, arXiv:2003.10595v2", access="probabilities",
           knowledge=("data distribution",), strength=0.65),
    Sketch(name="shadow-svm", summary="A class-wise SVM learns member from non-member on the shadow models' outputs.",
           paper="Shokri et al., S&P 2017, arXiv:1610.05820v2", access="probabilities",
           knowledge=("data distribution", "recipe"), strength=0.8),
    Sketch(name="lira-online", summary="Weighs 'trained on x' against 'not trained on x', one Gaussian each.",
           paper="Carlini et al., S&P 2022, arXiv:2112.03570v2", access="logits",
           knowledge=("data distribution", "recipe"), strength=1.1),
)  # fmt: skip
