"""What kind of processor trains: the same program gives other sums on another one.

torch, oneDNN and the compiler of our own kernels each choose their code by the processor's kind and its instructions, and environment
variables may forbid them some. With AVX2 in place of AVX-512 an AUC moved by .013. So both are part of the key of a trained cohort, of
a record's facts, and of what is promised about running the same command twice. Threads are no part of it: a worker has one.
"""

import os
import platform
from collections.abc import Mapping

LIMITS = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_ENABLE_INSTRUCTIONS",
    "NUMBA_CPU_FEATURES",
    "NUMBA_CPU_NAME",
    "NUMBA_DISABLE_JIT",
    "NUMBA_OPT",
    "NVIDIA_TF32_OVERRIDE",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Environment variables that make torch, oneDNN, MKL or numba compute otherwise than the processor could."""

_LEVELS = {
    "AMX": ("amx-bf16", "amx-tile"),
    "AVX512-BF16": ("avx512bf16",),
    "AVX512": ("avx512f", "avx512vl", "avx512bw", "avx512dq"),
    "AVX2": ("avx2", "fma"),
    "SVE": ("sve",),
    "NEON": ("neon",),
}


def processor(device_type: str, environment: Mapping[str, str] | None = None) -> str:
    """Return the kind of processor in words, such as "x86_64 sapphirerapids AMX"; on "cuda" the GPU as well.

    Equal words mean the same choice of code: the compiler's name of the processor, the widest of its instructions that matter here,
    and whatever the environment (the process's own if None) forbids.
    """
    import llvmlite.binding as llvm  # noqa: PLC0415  a tenth of a second, paid by those who train

    features = llvm.get_host_cpu_features()
    has = [name for name, needed in _LEVELS.items() if all(features.get(each) for each in needed)]
    given = os.environ if environment is None else environment
    limits = [f"{name}={given[name]}" for name in LIMITS if given.get(name)]
    return " ".join([platform.machine(), llvm.get_host_cpu_name(), *has[:1], *limits, *([_gpu()] if device_type == "cuda" else [])])


def _gpu() -> str:
    import torch  # noqa: PLC0415  whoever asked for a GPU has it

    return f"{torch.cuda.get_device_name()} CUDA {torch.version.cuda}" if torch.cuda.is_available() else "no GPU"
