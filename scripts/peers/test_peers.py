#!/usr/bin/env python3
"""Tests of the code around the peers: a failing peer is a row, a ratio compares one round. They need no peer."""

import sys
import unittest

import run
import table

REPORT = '{"images_per_second": 8.0, "first_step_seconds": 1.0, "device": "d", "versions": {}}'


def result(peer, number, rate, **more):
    known = {"network": "mlp", "peer": peer, "round": number, "install_bytes": None, "device": "d", "versions": {}}
    return {**known, "images_per_second": rate, "first_step_seconds": 1.0 / number, "peak_bytes": 1000 * number, **more}


class Measure(unittest.TestCase):
    def program(self, text, limit=60):
        return run.measure([sys.executable, "-c", text], {"PEER_TEST": "given"}, limit)

    def test_the_last_object_on_stdout_counts_and_memory_is_measured(self):
        fill = "x = bytearray(100_000_000); print('talk'); print('{}')"
        report = self.program(f"{fill}; print('''{REPORT}''')")
        self.assertEqual(report["images_per_second"], 8.0)
        self.assertGreater(report["peak_bytes"], 100_000_000)
        self.assertLess(report["peak_bytes"], 300_000_000)

    def test_it_is_told_when_it_was_started_and_where_caches_are(self):
        text = "import os, time; assert os.environ['PEER_TEST'] == 'given'; "
        text += "late = time.time() - float(os.environ['PEER_STARTED']); print('{\"late\": %f}' % late)"
        self.assertTrue(0 < self.program(text)["late"] < 60)

    def test_a_crash_silence_and_a_hang_are_told_in_words(self):
        crash = self.program("print('{}'); raise ValueError('no such tensor')")
        self.assertIn("ValueError: no such tensor", crash["error"])
        self.assertIn("exit code 0", self.program("pass")["error"])
        self.assertIn("exit code -11", self.program("import os; os.kill(os.getpid(), 11)")["error"])
        self.assertIn("not done after", self.program("import time; time.sleep(60)", limit=0.3)["error"])


class Summary(unittest.TestCase):
    def test_a_ratio_compares_runs_of_one_round(self):
        # The machine is twice as fast in the second round: the ratio stays.
        runs = [result("wgrad", 1, 100.0), result("other", 1, 50.0), result("other", 2, 100.0), result("wgrad", 2, 200.0)]
        wgrad, other = table.summary(runs)
        self.assertEqual((wgrad["of_wgrad"], other["of_wgrad_rounds"]), (1.0, [0.5, 0.5]))
        self.assertEqual((other["first_step_seconds_cold"], other["first_step_seconds_warm"]), (1.0, 0.5))
        self.assertEqual(other["peak_bytes"], 2000)
        self.assertIn("75 (50 to 100)", table.text([other]))

    def test_failures_are_rows(self):
        runs = [
            result("wgrad", 1, 100.0),
            {"network": "mlp", "peer": "none", "round": 1, "error": "not installed"},
            result("late", 1, 50.0),
            {"network": "mlp", "peer": "late", "round": 2, "error": "device lost"},
        ]
        page = table.text(table.summary(runs))
        self.assertIn("failed: not installed", page)
        self.assertIn("50; then failed: device lost", page)

    def test_without_wgrad_there_is_no_ratio(self):
        self.assertIsNone(table.summary([result("other", 1, 50.0)])[0]["of_wgrad"])
        self.assertIn("50", table.text(table.summary([result("other", 1, 50.0)])))


if __name__ == "__main__":
    unittest.main()
