"""Data of any kind as the arrays that the extension takes: uint8 or float32 rows, and labels of int64 or float32."""

from __future__ import annotations

from typing import Any

import numpy as np


def array(data: Any, name: str) -> np.ndarray:
    """`data` as an array of numbers; arrays of other libraries, data frames and lists are converted."""
    if isinstance(data, dict) or (isinstance(data, (list, tuple)) and data and hasattr(data[0], "shape")):
        raise ValueError(f"{name} is a {type(data).__name__} of arrays, expected one array: the network has one input and one output")
    if hasattr(data, "toarray"):
        raise TypeError(f"{name} is a sparse {type(data).__name__}, expected an array of numbers; convert it with {name}.toarray()")
    if hasattr(data, "detach"):  # a tensor of PyTorch, perhaps on a device
        data = data.detach().cpu()
    if not hasattr(data, "__array__") and not isinstance(data, (list, tuple, int, float)):
        raise TypeError(f"{name} is a {type(data).__name__}, expected an array of numbers")
    try:
        found = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"{name} is ragged: its rows have different lengths; pad them to one length ({error})") from None
    if found.dtype.kind not in "buif":
        raise TypeError(f"{name} has dtype {found.dtype}, expected numbers; convert it with {name}.astype('float32')")
    if found.ndim == 0:
        raise ValueError(f"{name} is one number, expected an array with a row for each example")
    return found


def inputs(x: Any, network: Any, name: str = "x") -> np.ndarray:
    """Rows for a network: uint8 where it takes bytes, else float32."""
    if len(network.inputs) > 1:
        return _several(x, network, name)
    if isinstance(x, dict) and list(x) == [known for known, _ in network.inputs]:
        x = x[network.inputs[0][0]]
    found = array(x, name)
    expected = tuple(network.input)
    shape = found.shape[1:]
    # Keras too accepts a last axis of 1 that is missing or too many.
    if shape != expected and shape + (1,) != expected and shape != expected + (1,):
        raise ValueError(f"{name} has shape {found.shape}, expected (rows, {', '.join(map(str, expected))})")
    if len(found) == 0:
        raise ValueError(f"{name} has no rows, expected at least one")
    if network.channels_first:
        found = np.moveaxis(found.reshape(len(found), *expected), 1, -1)
    bytes_too = found.dtype == np.uint8 and network.takes_bytes
    return np.ascontiguousarray(found, dtype=np.uint8 if bytes_too else np.float32)


def _several(x: Any, network: Any, name: str) -> np.ndarray:
    """Rows of the values of all inputs, as float32: of a list in the network's order, or of a dictionary by their names."""
    names = [known for known, _ in network.inputs]
    if isinstance(x, dict):
        missing = [known for known in names if known not in x]
        unknown = [str(key) for key in x if key not in names]
        if missing or unknown:
            raise ValueError(f"{name} has the inputs {', '.join(map(str, x))}, expected {', '.join(names)}")
        parts = [x[known] for known in names]
    elif isinstance(x, (list, tuple)):
        parts = list(x)
    else:
        raise ValueError(f"{name} is a {type(x).__name__}, expected a list or a dictionary of arrays for the inputs {', '.join(names)}")
    if len(parts) != len(names):
        raise ValueError(f"{name} has {len(parts)} arrays, expected {len(names)}, for the inputs {', '.join(names)}")
    rows: list[np.ndarray] = []
    for part, (known, shape) in zip(parts, network.inputs):
        found, own = array(part, f"{name}'s {known}"), tuple(shape)
        given = found.shape[1:]
        if given != own and given + (1,) != own and given != own + (1,):
            raise ValueError(f"{name}'s {known} has shape {found.shape}, expected (rows, {', '.join(map(str, own))})")
        if rows and len(found) != len(rows[0]):
            raise ValueError(f"{name}'s {known} has {len(found)} rows and {names[0]} has {len(rows[0])}, expected as many")
        if len(found) == 0:
            raise ValueError(f"{name} has no rows, expected at least one")
        rows.append(found.reshape(len(found), -1).astype(np.float32, copy=False))
    return np.concatenate(rows, axis=1)


def given(y: Any, network: Any, rows: int, name: str = "y") -> np.ndarray:
    """Labels as they were given; those of several outputs as `labels` makes them."""
    return labels(y, network, rows, name) if network.several else array(y, name)


def labels(y: Any, network: Any, rows: int, name: str = "y") -> np.ndarray:
    """Labels for a network, or for one of its outputs: int64 classes, or float32 numbers for a regression; (rows, labels) where
    a row has several. Of several outputs, float32 rows of the labels of all."""
    if getattr(network, "several", None):
        return _of_outputs(y, network, rows, name)
    found = array(y, name)
    if len(found) != rows:
        raise ValueError(f"x has {rows} rows and {name} has {len(found)}, expected as many")
    if network.labels > 1:
        return _places(found, network, rows, name)
    if not network.classes:
        if found.size != rows:
            raise ValueError(f"{name} has shape {found.shape}, expected one number for each of {rows} rows")
        return np.ascontiguousarray(found.reshape(rows), dtype=np.float32)
    if network.one_hot:
        if found.ndim != 2 or found.shape[1] != network.outputs:
            raise ValueError(
                f"{name} has shape {found.shape}, expected ({rows}, {network.outputs}): categorical_crossentropy takes rows "
                "with a 1 at their class; for class indices use sparse_categorical_crossentropy"
            )
        if not (np.all((found == 0) | (found == 1)) and np.all(found.sum(axis=1) == 1)):
            raise ValueError(f"{name} has rows that are not one 1 among zeros; wgrad trains on one class for each row")
        return np.ascontiguousarray(found.argmax(axis=1), dtype=np.int64)
    if found.size != rows:
        advice = "; for rows with a 1 at their class use categorical_crossentropy" if network.classes > 2 else ""
        raise ValueError(f"{name} has shape {found.shape}, expected one class for each of {rows} rows{advice}")
    return _classes(found.reshape(rows), network, name)


def _of_outputs(y: Any, network: Any, rows: int, name: str) -> np.ndarray:
    """Rows of the labels of all outputs: of a list in the network's order, or of a dictionary by their names."""
    names = [one.name for one in network.several]
    if isinstance(y, np.ndarray) and y.dtype == np.float32 and y.shape == (rows, network.labels):
        return np.ascontiguousarray(y)
    if isinstance(y, dict):
        missing = [known for known in names if known not in y]
        unknown = [str(key) for key in y if key not in names]
        if missing or unknown:
            raise ValueError(f"{name} has the outputs {', '.join(map(str, y))}, expected {', '.join(names)}")
        parts = [y[known] for known in names]
    elif isinstance(y, (list, tuple)) and not network.keyed:
        parts = list(y)
    else:
        expected = "a dictionary" if network.keyed else "a list or a dictionary"
        raise ValueError(f"{name} is a {type(y).__name__}, expected {expected} of arrays for the outputs {', '.join(names)}")
    if len(parts) != len(names):
        raise ValueError(f"{name} has {len(parts)} arrays, expected {len(names)}, for the outputs {', '.join(names)}")
    own = [labels(part, one, rows, f"{name}'s {one.name}") for part, one in zip(parts, network.several)]
    return np.concatenate([one.reshape(rows, -1).astype(np.float32) for one in own], axis=1)


def outputs(rows: np.ndarray, network: Any) -> Any:
    """Rows of a network's outputs in their own shape; of several outputs, a list of them, or a dictionary by their names."""
    if not network.several:
        return rows.reshape(len(rows), *network.output)
    parts, first = [], 0
    for one in network.several:
        part = rows[:, first : first + one.outputs]
        parts.append(np.ascontiguousarray(part).reshape(len(rows), *one.output))
        first += one.outputs
    return {one.name: part for one, part in zip(network.several, parts)} if network.keyed else parts


def _classes(whole: np.ndarray, network: Any, name: str) -> np.ndarray:
    """Classes as int64; refuses what is none."""
    if whole.dtype.kind == "f" and not np.all(np.mod(whole, 1) == 0):
        at = tuple(np.argwhere(np.mod(whole, 1) != 0)[0])
        raise ValueError(f"{name} has the label {whole[at]} in row {at[0]}, expected a class: 0, 1, ..., {network.classes - 1}")
    wrong = (whole < 0) | (whole >= network.classes)
    if wrong.any():
        at = tuple(np.argwhere(wrong)[0])
        raise ValueError(f"{name} has the label {whole[at]} in row {at[0]}, expected a class: 0, 1, ..., {network.classes - 1}")
    return np.ascontiguousarray(whole, dtype=np.int64)


def _places(found: np.ndarray, network: Any, rows: int, name: str) -> np.ndarray:
    """Labels of a network that predicts several of them for each row, (rows, labels): classes, or float32 numbers."""
    output = tuple(network.output)
    if network.classes and network.one_hot:
        if found.shape != (rows, *output):
            raise ValueError(
                f"{name} has shape {found.shape}, expected {(rows, *output)}: categorical_crossentropy takes vectors with a 1 at their "
                "class; for class indices use sparse_categorical_crossentropy"
            )
        if not (np.all((found == 0) | (found == 1)) and np.all(found.sum(axis=-1) == 1)):
            raise ValueError(f"{name} has vectors that are not one 1 among zeros; wgrad trains on one class at each place")
        return np.ascontiguousarray(found.argmax(axis=-1).reshape(rows, -1), dtype=np.int64)
    expected = (rows, *(output[:-1] if network.classes else output))
    # Keras too accepts a last axis of 1 that is missing or too many.
    if found.shape != expected and found.shape + (1,) != expected and found.shape != expected + (1,):
        raise ValueError(f"{name} has shape {found.shape}, expected {expected}, as the outputs of the network")
    flat = found.reshape(rows, -1)
    return _classes(flat, network, name) if network.classes else np.ascontiguousarray(flat, dtype=np.float32)


def weights_of_classes(class_weight: Any, network: Any) -> list[float]:
    """Keras's dictionary of class weights as a list."""
    if not class_weight:
        return []
    if network.labels > 1:
        raise ValueError("class_weight is for one class of each row, and this network predicts several labels; use sample_weight")
    if not network.classes:
        raise ValueError("class_weight is for classes, and this network predicts a number; use sample_weight")
    unknown = sorted(set(class_weight) - set(range(network.classes)))
    if unknown:
        raise ValueError(f"class_weight has the classes {unknown}, expected some of 0, 1, ..., {network.classes - 1}")
    return [float(class_weight.get(n, 1.0)) for n in range(network.classes)]


def sample_weights(weights: Any, rows: int, name: str = "sample_weight") -> np.ndarray | None:
    """A weight of float32 for each row."""
    if weights is None:
        return None
    if isinstance(weights, dict) or (isinstance(weights, (list, tuple)) and weights and hasattr(weights[0], "shape")):
        raise ValueError(f"{name} is a {type(weights).__name__} of arrays, expected one weight for each row, which weighs all outputs")
    found = array(weights, name)
    if found.size != rows:
        raise ValueError(f"{name} has shape {found.shape}, expected one weight for each of {rows} rows")
    found = np.ascontiguousarray(found.reshape(rows), dtype=np.float32)
    if not np.all(np.isfinite(found) & (found >= 0)):
        at = int(np.argmin(np.isfinite(found) & (found >= 0)))
        raise ValueError(f"{name} has {found[at]} in row {at}, expected numbers from 0")
    return found
