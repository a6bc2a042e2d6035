"""The GPU benchmark's own path, run where there is no GPU: two models, a small problem, convolutions grouped as a GPU's are."""

from typing import Any

import pytest
import torch

from benchmarks.gpu import measure
from benchmarks.setting import setting
from mia_audit.audit.request.options import Options, describe
from mia_audit.models.layers import convolve_grouped
from mia_audit.training import plan


def test_the_gpu_benchmark_measures_whatever_device_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """It trains both sides, and says models, cohorts and shares; all models' convolutions are one grouped call."""
    calls: list[torch.Size] = []

    def grouped(x: torch.Tensor, *given: Any) -> torch.Tensor:
        calls.append(x.shape)
        return convolve_grouped(x, *given)

    monkeypatch.setattr("mia_audit.models.layers.convolve", grouped)
    monkeypatch.setattr("benchmarks.limit.SIZES", (32,))  # bf16 takes minutes where the processor does not multiply it
    chosen = setting("snn-q4", "digits", 2, data__pool=200, training__epochs=3, training__precision="fp32", model__time_steps=2)
    training, *shares = measure(chosen, torch.device("cpu"), warm_up=1, gauge=None, turn=0.2)
    assert training.what == "training snn-q4 on digits, 2 models in cohorts of 2 (1 of them), the CPU"
    assert "3 epochs" in training.how
    assert float(training.ratio.removesuffix(" x")) > 0
    assert all(float(share.ratio.removesuffix(" %")) > 0 for share in shares)
    assert {shape[0] for shape in calls} == {2}


def test_a_population_of_the_gpu_benchmark_is_four_cohorts() -> None:
    """256 models of snn-q4 on Fashion-MNIST, as its text says."""
    assert plan.cohort_size(describe("snn-q4", Options(dataset="fashion-mnist")), "cuda") == 256 // 4
