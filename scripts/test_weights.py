#!/usr/bin/env python3
"""Tests of the naming and pairing of weights; they need only Python. test_weights.sh tests whole networks."""

import contextlib
import io
import unittest

import keras_weights
import pytorch_weights


def layer(name, kind, output, source, *tensors):
    made = [{"name": f"{name}.{short}", "shape": shape} for short, shape in tensors]
    return {"name": name, "type": kind, "output_shape": output, "connected_to": [source], "tensors": made}


NETWORK = {
    "input_shape": [6, 5, 1],
    "layers": [
        layer("conv", "Conv2D", [4, 3, 8], "input", ("kernel", [3, 3, 1, 8]), ("bias", [8])),
        layer("norm", "BatchNormalization", [4, 3, 8], "conv", ("gamma", [8]), ("beta", [8]),
              ("moving_mean", [8]), ("moving_variance", [8])),
        layer("flat", "Flatten", [96], "norm"),
        layer("drop", "Dropout", [96], "flat"),
        layer("last", "Dense", [10], "drop", ("kernel", [96, 10]), ("bias", [10])),
    ],
}
STATE = ["conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var",
         "bn.num_batches_tracked", "fc.weight", "fc.bias"]


def refusal(function, *arguments):
    """Returns the message with which a command exits."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            function(*arguments)
    except SystemExit as end:
        return str(end)
    raise AssertionError("nothing was refused")


class PyTorch(unittest.TestCase):
    def test_modules_and_layers_are_paired_in_order(self):
        made = pytorch_weights.pairs(NETWORK, STATE, {})
        self.assertEqual([(l["name"], m) for l, m, _ in made], [("conv", "conv"), ("norm", "bn"), ("last", "fc")])
        self.assertNotIn("bn.num_batches_tracked", made[1][2])

    def test_names_beat_the_order(self):
        made = pytorch_weights.pairs(NETWORK, STATE, {"fc": "conv"})
        self.assertEqual([(l["name"], m) for l, m, _ in made], [("norm", "conv"), ("last", "bn"), ("conv", "fc")])
        self.assertIn("the modules are conv, bn, fc", refusal(pytorch_weights.pairs, NETWORK, STATE, {"x": "conv"}))

    def test_tensors_of_a_normalization_have_other_names(self):
        norm = pytorch_weights.pairs(NETWORK, STATE, {})[1]
        made = [(t["name"], parts) for t, parts, _ in pytorch_weights.wanted(norm[0], norm[2])]
        self.assertEqual(made[0], ("norm.gamma", ["bn.weight"]))
        self.assertEqual(made[3], ("norm.moving_variance", ["bn.running_var"]))

    def test_too_few_modules_are_told_with_both_lists(self):
        said = refusal(pytorch_weights.pairs, NETWORK, STATE[:2], {})
        self.assertIn("1 modules with weights (conv), the network 3 layers (conv, norm, last)", said)

    def test_a_flattened_image_is_found_behind_dropout(self):
        layers = {entry["name"]: entry for entry in NETWORK["layers"]}
        self.assertEqual(pytorch_weights.unflattened(NETWORK, layers["last"]), (4, 3, 8))
        self.assertIsNone(pytorch_weights.unflattened(NETWORK, layers["norm"]))

    def test_recurrent_layers_are_taken_one_by_one_with_both_directions(self):
        ends = ["l0", "l0_reverse", "l1", "l1_reverse"]
        names = [f"rnn.{kind}_{end}" for end in ends for kind in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]]
        found = pytorch_weights.modules(names)
        self.assertEqual(list(found), ["rnn#0", "rnn#1"])
        tensors = [(f"{way}_{short}", [4, 12]) for way in ("forward", "backward")
                   for short in ("kernel", "recurrent_kernel", "bias")]
        both = layer("both", "Bidirectional", [8], "input", *tensors)
        made = list(pytorch_weights.wanted(both, found["rnn#1"]))
        self.assertEqual(made[0][1], ["rnn.weight_ih_l1"])
        self.assertEqual(made[5][1], ["rnn.bias_ih_l1_reverse", "rnn.bias_hh_l1_reverse"])
        self.assertEqual(pytorch_weights.cell(both), "GRU")

    def test_the_order_of_gates_is_its_own_way_back(self):
        for order in pytorch_weights.GATES.values():
            back = pytorch_weights.inverse(order)
            self.assertEqual([order[n] for n in back], list(range(len(order))))
        # PyTorch's r, z, n as z, r, h.
        self.assertEqual([["r", "z", "n"][n] for n in pytorch_weights.GATES["GRU"]], ["z", "r", "n"])


class Fake:
    def __init__(self, name, **more):
        self.name = name
        self.__dict__.update(more)


class Dense(Fake):
    pass


class InputLayer(Fake):
    pass


class Keras(unittest.TestCase):
    def setUp(self):
        weights = [Fake("kernel"), Fake("bias"), Fake("seed_generator_state")]
        inner = Fake("head", layers=[Dense("hidden", weights=weights), Dense("last", weights=weights)])
        way = [Fake("kernel"), Fake("recurrent_kernel")]
        both = Fake("both", forward_layer=Fake("f", weights=way), backward_layer=Fake("b", weights=way), weights=way)
        self.model = Fake("outer", layers=[InputLayer("in"), inner, both, Dense("hidden", weights=weights)])

    def test_layers_of_models_within_models_get_the_names_that_wgrad_gives(self):
        names = [name for name, _ in keras_weights.layers(self.model)]
        self.assertEqual(names, ["hidden", "last", "both", "outer_hidden"])
        self.assertEqual(keras_weights.unique("input", "m", set()), "m_input")

    def test_tensors_have_the_names_of_both_directions_and_no_random_state(self):
        names = [name for name, _ in keras_weights.tensors(self.model)]
        self.assertEqual(names[:2], ["hidden.kernel", "hidden.bias"])
        self.assertIn("both.backward_recurrent_kernel", names)
        self.assertFalse([name for name in names if "seed" in name])

    def test_what_does_not_fit_is_told(self):
        self.assertIsNone(keras_weights.complaint("a.kernel", (2, 3), [2, 3]))
        self.assertIn("[2, 3] in the file, the network needs [3, 2]", keras_weights.complaint("a", (2, 3), (3, 2)))
        self.assertIn("not in the file", keras_weights.complaint("a", None, (3, 2)))


if __name__ == "__main__":
    unittest.main()
