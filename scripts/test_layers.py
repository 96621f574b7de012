"""Networks around single layers, and the times of a layer from a profile."""

import json
import unittest

import layers


def dispatch(label, of, seconds, kernel="matmul/naive"):
    """A line of `wgrad profile --json`."""
    return json.dumps(
        {"kind": "dispatch", "label": label, "pass": of, "seconds_min": seconds, "kernel": kernel, "sizes": "M=1"}
    )


class Networks(unittest.TestCase):
    def test_every_kind_of_layer_is_measured(self):
        text = layers.LAYERS_OF_WGRAD.read_text(encoding="utf-8")
        self.assertEqual(layers.missing(text), [])
        self.assertIn("New", layers.missing(text.replace("dense::Dense:", "dense::New:")))

    def test_a_layer_takes_all_that_stands_before_it(self):
        text = layers.network("Dot (cosines)")
        self.assertIn('inputs = ["before 0", "before 1"]\naxes = 2\nnormalize = true\n', text)
        self.assertEqual(text.count("[[layers]]"), 6)
        self.assertIn('layer = { type = "LSTM", units = 32 }', layers.network("Bidirectional"))


class Rows(unittest.TestCase):
    def test_the_dispatches_of_a_layer_and_its_parts_are_summed(self):
        lines = [
            dispatch("measured", "forward", 1.0),
            dispatch("measured first", "forward", 1.0),
            dispatch("measured", "backward", 2.0, "a/naive"),
            dispatch("d measured", "backward", 3.0, "b/naive"),
            dispatch("measured", "update", 5.0),
            dispatch("before 0", "forward", 7.0),
            dispatch("unmeasured", "backward", 7.0),
            json.dumps({"kind": "layer", "layer": "measured"}),
        ]
        found = layers.row("Dot", lines)
        self.assertEqual((found["forward_seconds"], found["backward_seconds"], found["ratio"]), (2.0, 5.0, 2.5))
        self.assertEqual(found["slowest"], "b/naive")
        self.assertIn("2.50  b/naive", layers.plain(layers.cells(found)))
        self.assertIn("| 2.50 | b/naive |", layers.markdown(layers.cells(found)))

    def test_a_layer_without_kernels_has_no_ratio(self):
        found = layers.row("Flatten", [dispatch("before 0", "forward", 7.0)])
        self.assertEqual((found["ratio"], found["slowest"]), (None, ""))


if __name__ == "__main__":
    unittest.main()
