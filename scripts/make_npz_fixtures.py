"""Writes tests/fixtures/arrays.npz and arrays_floats.npz with numpy, for tests/fast/data_kinds.rs.

Needs numpy. Run from the repository's root: python scripts/make_npz_fixtures.py
"""

import numpy as np

rows = np.arange(6 * 4 * 5, dtype=np.uint8).reshape(6, 4, 5)
np.savez_compressed(
    "tests/fixtures/arrays.npz",
    x_train=rows,
    y_train=np.array([0, 1, 2, 0, 1, 2], dtype=np.int64),
    x_test=rows[:3] + 100,
    y_test=np.array([[2], [1], [0]], dtype=np.uint8),
)
values = (np.arange(10 * 2 * 2 * 3) / 8 - 7).reshape(10, 2, 2, 3)
np.savez(
    "tests/fixtures/arrays_floats.npz",
    x=values.astype(">f8"),
    y=(np.arange(10) * 1.5).astype(np.float32),
)
print("numpy", np.__version__)
