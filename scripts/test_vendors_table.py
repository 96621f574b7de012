"""The table of what drivers make of the kernels: written, read back, and compared with what has grown."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import vendors_table


def row(**changes):
    """A row of `wgrad lab --stats --json`, as far as the table reads it."""
    usual = {
        "op": "matmul",
        "variant": "tiled",
        "sizes": "M=1,N=2",
        "status": "ok",
        "reason": None,
        "default": True,
        "registers": 40,
        "spills": 0,
        "per_fma": 1.5,
        "adapter": "A chip",
        "driver": "radv 1",
    }
    return {**usual, **changes}


class Table(unittest.TestCase):
    def rows(self, *rows, chip="navi31"):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / f"{chip}.json"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            read = vendors_table.Rows()
            read.read(path)
            return read

    def verdict(self, before, now):
        """Whether `now` passes against a table of `before`, and what is said."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            passes = vendors_table.check(vendors_table.text(before), now)
        return passes, said.getvalue()

    def test_what_is_written_is_read_back(self):
        rows = self.rows(row(), row(op="sgd", variant="naive", per_fma=None, spills=None), row(default=False, variant="x"))
        cells, drivers = vendors_table.kept(vendors_table.text(rows))
        self.assertEqual(
            cells,
            {
                "matmul/tiled at M=1, N=2": {"navi31": [40, 0, 1.5]},
                "sgd/naive at M=1, N=2": {"navi31": [40, None, None]},
            },
        )
        self.assertEqual(drivers, {"navi31": "A chip, radv 1"})

    def test_equal_and_smaller_numbers_pass(self):
        self.assertTrue(self.verdict(self.rows(row()), self.rows(row()))[0])
        self.assertTrue(self.verdict(self.rows(row(per_fma=1.499)), self.rows(row(per_fma=1.501)))[0])
        self.assertTrue(self.verdict(self.rows(row()), self.rows(row(registers=8, per_fma=1.1)))[0])

    def test_each_number_that_grows_fails_by_name(self):
        for name, value, words in [
            ("registers", 41, "registers 40 before, 41 now"),
            ("spills", 1, "spills 0 before, 1 now"),
            ("per_fma", 1.51, "instructions per FMA 1.5 before, 1.51 now"),
        ]:
            passes, said = self.verdict(self.rows(row()), self.rows(row(**{name: value})))
            self.assertFalse(passes, name)
            self.assertIn(f"GREW: matmul/tiled at M=1, N=2 on navi31: {words}", said)

    def test_another_version_of_a_driver_may_differ_by_a_tenth_but_not_spill(self):
        before = self.rows(row())
        for changes, expected in [
            ({"registers": 44, "per_fma": 1.65}, True),
            ({"registers": 45}, False),
            ({"per_fma": 1.66}, False),
            ({"spills": 1}, False),
        ]:
            passes, said = self.verdict(before, self.rows(row(driver="radv 2", **changes)))
            self.assertEqual(passes, expected, changes)
            self.assertIn("note: navi31 is A chip, radv 2 now", said)

    def test_a_variant_that_does_not_compile_fails_though_it_is_no_default(self):
        now = self.rows(row(), row(variant="mine", status="wrong", reason="out of registers", default=False))
        passes, said = self.verdict(self.rows(row()), now)
        self.assertFalse(passes)
        self.assertIn("DOES NOT COMPILE: matmul/mine on navi31: out of registers", said)
        self.assertIn("1 pipelines compiled (navi31 1), 1 failed", said)

    def test_nothing_compiled_or_nothing_compared_fails(self):
        before = self.rows(row())
        self.assertFalse(self.verdict(before, self.rows(row(status="skipped")))[0])
        passes, said = self.verdict(before, self.rows(row(op="other")))
        self.assertFalse(passes)
        self.assertIn("nothing could be compared", said)
        self.assertIn("1 kernels of the table are no default any more: matmul/tiled at M=1, N=2", said)

    def test_a_kernel_that_is_not_in_the_table_is_noted_and_passes(self):
        now = self.rows(row(), row(op="new"))
        passes, said = self.verdict(self.rows(row()), now)
        self.assertTrue(passes)
        self.assertIn("note: 1 kernels on navi31 are not in the table, new/tiled the first of them", said)


if __name__ == "__main__":
    unittest.main()
