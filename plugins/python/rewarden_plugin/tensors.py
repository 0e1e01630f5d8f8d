"""As much of `torch` as reward functions use to hand back a list of numbers, for places without PyTorch.

OpenRLHF's reward functions return tensors. `torch.tensor`, `zeros`, `ones` and `stack` of numbers in one dimension are here, with torch's rounding
to 32 bits, and arithmetic with numbers and with tensors of the same length. Everything else is refused by name: a program that
computes with tensors needs PyTorch, which no sandbox of this kind has.
"""

import struct
import types

from .errors import Forbidden


class _Dtype:
    def __init__(self, name, convert):
        self.name, self.convert = name, convert

    def __repr__(self):
        return f"torch.{self.name}"


def _single(value) -> float:
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


_FLOAT = _Dtype("float32", lambda value: _single(float(value)))
_DOUBLE = _Dtype("float64", float)
_LONG = _Dtype("int64", int)
_BOOL = _Dtype("bool", bool)


class Tensor:
    """Numbers in one dimension, or a single one."""

    def __init__(self, values, dtype):
        self.dtype = dtype
        self._single = not isinstance(values, list)
        self._values = [dtype.convert(value) for value in ([values] if self._single else values)]

    @property
    def shape(self):
        return () if self._single else (len(self._values),)

    def size(self, dim=None):
        return self.shape if dim is None else self.shape[dim]

    def tolist(self):
        return self._values[0] if self._single else list(self._values)

    def item(self):
        if len(self._values) != 1:
            raise RuntimeError(f"a Tensor with {len(self._values)} elements cannot be converted to Scalar")
        return self._values[0]

    def to(self, dtype=None, **_):
        return Tensor(self.tolist(), dtype) if isinstance(dtype, _Dtype) else self

    def float(self):
        return self.to(_FLOAT)

    def double(self):
        return self.to(_DOUBLE)

    def cpu(self):
        return self

    detach = clone = cpu

    def __len__(self):
        if self._single:
            raise TypeError("len() of a 0-d tensor")
        return len(self._values)

    def __iter__(self):
        return (Tensor(value, self.dtype) for value in self._values)

    def __getitem__(self, index):
        return Tensor(self._values[index], self.dtype)

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __bool__(self):
        return bool(self.item())

    def __repr__(self):
        return f"tensor({self.tolist()})"

    def _with(self, other, operate):
        values = other._values if isinstance(other, Tensor) else [other]
        if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in values):
            raise Forbidden("torch: arithmetic is with numbers only; this runtime has no PyTorch")
        whole = isinstance(other, Tensor) and not other._single
        if whole and not self._single and len(values) != len(self._values):
            raise RuntimeError(f"the size of tensor a ({len(self._values)}) must match the size of tensor b ({len(values)})")
        count = max(len(values), len(self._values))
        mine = self._values * count if len(self._values) == 1 else self._values
        theirs = values * count if len(values) == 1 else values
        result = [operate(a, b) for a, b in zip(mine, theirs)]
        dtype = other.dtype if isinstance(other, Tensor) and self.dtype is not _DOUBLE and other.dtype is not _LONG else self.dtype
        if dtype in (_LONG, _BOOL) and any(isinstance(value, float) for value in result):
            dtype = _FLOAT
        return Tensor(result[0] if self._single and not whole else result, dtype)

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    __radd__, __rmul__ = __add__, __mul__

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Forbidden(f"torch.Tensor.{name} is not there: this runtime has no PyTorch, only tensors as lists of numbers")


def tensor(data, dtype=None, **_) -> Tensor:
    """Returns the numbers as a tensor; of 32-bit floats, if any of them is a float."""
    if isinstance(data, Tensor):
        data = data.tolist()
    data = [entry.item() if isinstance(entry, Tensor) else entry for entry in data] if isinstance(data, (list, tuple)) else data
    values = data if isinstance(data, list) else [data]
    if any(not isinstance(value, (bool, int, float)) for value in values):
        raise Forbidden("torch.tensor: numbers in one dimension only; this runtime has no PyTorch")
    if dtype is None:
        whole = all(isinstance(value, int) for value in values) and values
        dtype = _BOOL if whole and all(isinstance(value, bool) for value in values) else _LONG if whole else _FLOAT
    return Tensor(data, dtype)


def _count(size):
    size = size[0] if len(size) == 1 else size
    size = size[0] if isinstance(size, (tuple, list)) and len(size) == 1 else size
    if not isinstance(size, int):
        raise Forbidden("torch: tensors of one dimension only; this runtime has no PyTorch")
    return size


def module() -> types.ModuleType:
    """Returns a module `torch` with the above and nothing else."""
    torch = types.ModuleType("torch")
    torch.__doc__ = __doc__
    torch.Tensor, torch.tensor, torch.FloatTensor = Tensor, tensor, lambda data: tensor(data, _FLOAT)
    torch.zeros = lambda *size, dtype=_FLOAT, **_: Tensor([0] * _count(size), dtype)
    torch.ones = lambda *size, dtype=_FLOAT, **_: Tensor([1] * _count(size), dtype)
    torch.stack = lambda tensors, dim=0: tensor([entry.item() for entry in tensors], tensors[0].dtype)
    torch.float = torch.float32 = _FLOAT
    torch.double = torch.float64 = _DOUBLE
    torch.long = torch.int64 = _LONG
    torch.bool = _BOOL

    def refuse(name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise Forbidden(f"torch.{name} is not there: this runtime has no PyTorch, only torch.tensor, zeros, ones and stack of numbers")

    torch.__getattr__ = refuse
    return torch
