"""Tests of the model of scripts/scaling.py."""

import math
import unittest

import scaling


class Model(unittest.TestCase):
    def test_formulas_of_two_ranks(self):
        self.assertAlmostEqual(scaling.ring(2, 1e6, 1e-5, 1e9), 2e-5 + 1e-3)
        self.assertAlmostEqual(scaling.doubling(2, 1e6, 1e-5, 1e9), 1e-5 + 1e-3)
        self.assertAlmostEqual(scaling.halving(8, 1e6, 1e-5, 1e9), 6e-5 + 1.75e-3)

    def test_small_arrays_take_the_way_with_the_fewest_messages_and_large_ones_the_fewest_bytes(self):
        alpha, beta = 1e-5, 1e9
        self.assertEqual(scaling.all_reduce(64, 8, alpha, beta), scaling.doubling(64, 8, alpha, beta))
        self.assertEqual(scaling.all_reduce(64, 1e8, alpha, beta), scaling.halving(64, 1e8, alpha, beta))
        self.assertEqual(scaling.all_reduce(1, 1e8, alpha, beta), 0)

    def test_a_step_hides_what_the_backward_pass_has_time_for(self):
        alpha, beta = 1e-6, 1e9
        alone = scaling.step(1, 0.1, 100e6, alpha, beta)
        self.assertEqual(alone, 0.1)
        long = scaling.step(8, 10.0, 100e6, alpha, beta, host=math.inf)
        last = scaling.all_reduce(8, scaling.BUCKET, alpha, beta)
        self.assertAlmostEqual(long, 10.0 + last)
        short = scaling.step(8, 0.03, 100e6, alpha, beta, host=math.inf)
        early = scaling.all_reduce(8, 100e6 - scaling.BUCKET, alpha, beta)
        self.assertAlmostEqual(short, 0.03 + early - 0.02 + last)

    def test_a_step_has_a_part_that_does_not_depend_on_the_batch(self):
        profile = lambda batch, seconds: scaling.Profile("mlp", batch, seconds, 1.0, 1, 1, [])
        alone = [profile(64, 0.003), profile(128, 0.004)]
        self.assertAlmostEqual(scaling.computed(alone, 32), 0.0025)
        self.assertAlmostEqual(scaling.computed(alone[1:], 32), 0.001)
        # A line below nothing is none.
        self.assertAlmostEqual(scaling.computed([profile(64, 0.001), profile(128, 0.005)], 32), 0.001)

    def test_the_fit_finds_the_parameters_of_sums(self):
        sizes = [2**n for n in range(8, 23, 2)]
        rows = [{"ranks": 4, "bytes": size, "seconds": scaling.ring(4, size, 2e-5, 3e9)} for size in sizes]
        alpha, beta = scaling.fit(rows)
        self.assertAlmostEqual(alpha, 2e-5)
        self.assertAlmostEqual(beta / 3e9, 1)


if __name__ == "__main__":
    unittest.main()
