"""Which variants are proven at which size."""

import json
import unittest

import proof_sizes


def row(**changes):
    """A row of `wgrad lab all --emit wgsl --json`."""
    usual = {
        "op": "matmul",
        "variant": "tiled",
        "features": [],
        "text": "var<workgroup> tile: array<f32, 64>;",
        "pipelines": [{"M": 1.0, "N": 1.0}, {"M": 3000.0, "N": 2.0}, {"M": 33.0, "N": 5.0}],
    }
    return {**usual, **changes}


class Found(unittest.TestCase):
    def found(self, kind, *rows, settings=False, ops=()):
        return list(proof_sizes.found([json.dumps(row) for row in rows], kind, settings, ops))

    def test_the_middle_size_is_neither_the_least_nor_the_largest(self):
        self.assertEqual(self.found("workgroup", row()), [("matmul", "tiled", "M=33,N=5")])

    def test_each_kind_has_its_own_variants(self):
        waves = row(variant="subgroup", features=["subgroups"], text="fn f() {}")
        self.assertEqual([w[1] for w in self.found("workgroup", row(), waves)], ["tiled"])
        self.assertEqual([w[1] for w in self.found("subgroups", row(), waves)], ["subgroup"])

    def test_settings_other_operations_and_variants_without_a_size_are_left_out(self):
        rows = [row(), row(variant="tiled:BLOCK=8"), row(op="sgd"), row(variant="mine", pipelines=[])]
        self.assertEqual([w[:2] for w in self.found("workgroup", *rows, ops=["matmul"])], [("matmul", "tiled")])
        with_settings = self.found("workgroup", *rows, settings=True, ops=["matmul"])
        self.assertEqual([w[1] for w in with_settings], ["tiled", "tiled:BLOCK=8"])


if __name__ == "__main__":
    unittest.main()
