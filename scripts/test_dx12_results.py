"""What counts as proven on DX12: all that is asked for, on DX12, to the end; anything less is wrong."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import dx12_results

ALL = ["wrong", "variants", "mlp", "times", "train"]


def lab(**changes):
    """A row of `wgrad lab --json`."""
    usual = {
        "op": "matmul", "variant": "naive", "status": "ok", "reason": None, "backend": "dx12", "proofs": 8, "regimes": 10,
        "error_share": 0.25, "seconds": 1e-3, "clock": "host",
    }  # fmt: skip
    return {**usual, **changes}


def translated(variant, language="hlsl", features=()):
    """A row of `wgrad lab --emit hlsl --json`."""
    return {"op": "matmul", "variant": variant, "language": language, "features": list(features)}


def finding(**changes):
    """A row of `wgrad check --json`."""
    usual = {"ok": True, "check": "dispatch", "label": "dense_1", "kernel": "matmul/naive", "share": 0.5, "difference": None}
    return {**usual, **changes}


def epoch(**changes):
    """A row of `wgrad train --json`."""
    return {"epoch": 1, "step": 157, "train_loss": 0.7, "test_accuracy": 0.81, **changes}


class Proof(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)
        self.put("adapters", {"name": "llvmpipe", "backend": "dx12", "kind": "discrete", "driver": ""})
        self.put("wrong", lab(), lab(variant="left_out.wgsl", status="wrong", reason="y[0, 0] is 1", proofs=0), status=1)
        self.put(
            "translated",
            translated("naive"),
            translated("tiled"),
            translated("tiled:BLOCK=8"),
            translated("subgroup", "hlsl6", ["subgroups"]),
            translated("tiled_f16", features=["shader-f16"]),
        )
        skipped = {"status": "skipped", "reason": "needs SUBGROUP", "proofs": 0}
        self.put("variants", lab(), lab(variant="tiled"), lab(variant="subgroup", **skipped), lab(variant="tiled_f16", **skipped))
        self.put("mlp", finding(), finding(check="finite", kernel=""))
        self.put("times", lab())
        self.put("train", epoch())
        self.put("again", epoch())
        self.put("vulkan", epoch(train_loss=0.7001, test_accuracy=0.8102))
        (self.folder / "same.said").write_text("")

    def put(self, name, *rows, status=0, said="done\r\n"):
        (self.folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\r\n" for row in rows))
        (self.folder / f"{name}.said").write_text(said)
        (self.folder / f"{name}.ended").write_text(f"{status} 12\n")

    def run_main(self, *steps):
        """The exit status, and what is printed."""
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            status = dx12_results.main([str(self.folder), *(steps or ALL)])
        return status, said.getvalue()

    def assert_wrong(self, step, words):
        status, said = self.run_main()
        self.assertEqual(status, 1, said)
        self.assertIn(words, said)
        self.assertTrue(said.rstrip().endswith(f"1 wrong: {step}"), said)

    def test_all_that_is_right_passes(self):
        status, said = self.run_main()
        self.assertEqual(status, 0, said)
        self.assertIn("2 proven at 16 sizes with up to 10 kinds of inputs, 0 wrong", said)
        self.assertIn("2 need shader model 6", said)
        self.assertIn("2 comparisons, 1 of them of dispatches: nothing differs", said)
        self.assertIn("test accuracy 0.8100, Vulkan 0.8102", said)
        self.assertTrue(said.endswith("5 steps, 0 wrong\n"), said)

    def test_a_wrong_kernel_that_passes_is_no_proof(self):
        refused = lab(variant="left_out.wgsl", status="wrong", reason="y[0, 0] is 1")
        for status, row in [(0, lab(variant="left_out.wgsl")), (2, refused), (1, lab()), (1, lab(variant="left_out.wgsl"))]:
            self.put("wrong", row, status=status)
            self.assert_wrong("wrong", "was not refused")

    def test_a_variant_that_is_wrong_skipped_or_missing_is_named(self):
        for row, words in [
            (lab(variant="tiled", status="wrong", reason="y[1, 4] is 2"), "matmul/tiled: y[1, 4] is 2"),
            (lab(variant="tiled", status="skipped", reason="no memory"), "matmul/tiled (no memory)"),
            (lab(variant="tiled", proofs=0), "1 not proven"),
            (lab(variant="other"), "matmul/tiled (no row)"),
        ]:
            self.put("variants", lab(), row)
            self.assert_wrong("variants", words)

    def test_another_back_end_is_no_proof(self):
        for step in ("variants", "times"):
            self.setUp()
            self.put(step, lab(), lab(variant="tiled", backend="vulkan"))
            self.assert_wrong(step, "it ran on vulkan instead of DX12")

    def test_an_exit_status_a_time_limit_or_a_silence_fails(self):
        rows = [lab(), lab(variant="tiled")]
        for given, words in [
            ({"status": 2, "said": "error: lost\r\n\r\n"}, "exit status 2; its last message: error: lost"),
            ({"status": 124}, "it was not done after 12 s"),
        ]:
            self.put("variants", *rows, **given)
            self.assert_wrong("variants", words)
        self.put("variants", said="no adapter\n")
        self.assert_wrong("variants", "it printed nothing; its last message: no adapter")
        self.put("variants", *rows)
        (self.folder / "variants.jsonl").write_text(json.dumps(rows[0]) + '\n{"op": "mat')
        self.assert_wrong("variants", "its output breaks off")
        (self.folder / "variants.ended").unlink()
        self.assert_wrong("variants", "it did not run")

    def test_a_difference_in_a_check_is_named(self):
        self.put("mlp", finding(), finding(ok=False, difference={"what": "y[0] is 1"}), status=1)
        self.assert_wrong("mlp", "1 of 2 comparisons differ; the first: dense_1 (matmul/naive): y[0] is 1")
        self.put("mlp", finding(check="finite", kernel=""))
        self.assert_wrong("mlp", "no dispatch was compared")
        self.put("mlp", finding(), status=101, said="thread panicked\n")
        self.assert_wrong("mlp", "exit status 101; its last message: thread panicked")

    def test_a_lab_without_times_fails(self):
        for seconds in (None, 0):
            self.put("times", lab(seconds=seconds))
            self.assert_wrong("times", "no variant was timed")

    def test_a_training_with_other_bits_or_another_end_fails(self):
        for name, changes, words in [
            ("again", {"train_loss": 0.7000001}, "gave a loss of 0.7 and of 0.7000001"),
            ("vulkan", {"train_loss": 0.72}, "does not reach what Vulkan reaches"),
            ("vulkan", {"test_accuracy": 0.825}, "does not reach what Vulkan reaches"),
            ("train", {"train_loss": None}, "its rows lack"),
        ]:
            self.setUp()
            self.put(name, epoch(**changes))
            if name == "train":
                self.put("again", epoch(**changes))
            self.assert_wrong("train", words)
        self.setUp()
        (self.folder / "same.said").write_text("first again differ: byte 9\n")
        self.assert_wrong("train", "other weights: first again differ")
        (self.folder / "same.said").unlink()
        self.assert_wrong("train", "not compared")

    def test_not_a_number_is_no_agreement(self):
        self.put("vulkan", epoch(train_loss=float("nan")))
        self.assert_wrong("train", "does not reach what Vulkan reaches")

    def test_no_dx12_adapter_fails(self):
        self.put("adapters", {"name": "llvmpipe", "backend": "vulkan", "kind": "software", "driver": "x"})
        self.assert_wrong("adapter", "there is no DX12 adapter")


if __name__ == "__main__":
    unittest.main()
