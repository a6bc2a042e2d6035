"""A network in an .onnx, run by onnxruntime (an extra): a file of operators and numbers, no code of the maker's.

Weights that the file says lie in other files are refused: it could name any file of this machine. So are operators that onnxruntime does
not bring itself. A model whose batch is fixed is asked in batches of that size, the last one filled up.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mia_audit.errors import DataError
from mia_audit.external.files import reason, regular, told
from mia_audit.extras import extra

MOST = 2 * 2**30
_ELSEWHERE = b"\x0a\x08location\x12"
"""How protobuf writes that a tensor's values lie at a "location": an entry of that key."""


def network(path: Path) -> tuple[Callable[[torch.Tensor], Any], tuple[str, ...]]:
    """Return what answers a batch as the file's network does, and notes; DataError in one line where there is none in the file."""
    name = told(regular(path, "a network").name)
    onnxruntime = extra("onnxruntime", f"{name}: running .onnx")
    content = _content(name, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own errors are of many kinds
        raise DataError(f"{name}: needs to be an .onnx that onnxruntime runs, got {reason(error)}; export it anew") from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _TYPES:
        got = ", ".join(f"{told(each.name, 20)} {each.type}" for each in inputs[:4]) or "none"
        raise DataError(f"{name}: needs one input of numbers, got {got}; export a network that takes one")
    return _answering(session), (f"{name}, run by onnxruntime {onnxruntime.__version__}.",)


_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


def _content(name: str, path: Path) -> bytes:
    size = path.stat().st_size
    if size > MOST:
        raise DataError(f"{name}: needs at most {MOST // 2**30} GiB in one file, got {size} bytes; export a smaller network")
    content = path.read_bytes()
    if _ELSEWHERE in content:
        raise DataError(f"{name}: its weights lie in other files, which are not read; export it with all weights in one file")
    return content


def _answering(session: Any) -> Callable[[torch.Tensor], Any]:
    """Return what asks a session, as many examples at once as its input allows; several outputs come back as a tuple."""
    given = session.get_inputs()[0]
    fixed = given.shape[0] if given.shape and isinstance(given.shape[0], int) else 0
    kind = _TYPES[given.type]

    def ask(rows: Any) -> list[Any]:
        return [np.asarray(each) for each in session.run(None, {given.name: rows})]

    def answer(batch: torch.Tensor) -> Any:
        rows = batch.numpy().astype(kind)
        if fixed:
            short = -len(rows) % fixed
            filled = np.concatenate([rows, np.repeat(rows[-1:], short, axis=0)])
            parts = [ask(filled[start : start + fixed]) for start in range(0, len(filled), fixed)]
            found = [np.concatenate([part[place] for part in parts])[: len(rows)] for place in range(len(parts[0]))]
        else:
            found = ask(rows)
        taken = [torch.from_numpy(each) if each.dtype.kind in "fiub" else each for each in found]
        return taken[0] if len(taken) == 1 else tuple(taken)

    return answer
