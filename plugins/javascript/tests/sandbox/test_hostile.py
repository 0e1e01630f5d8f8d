"""The hostile table: each program of tests/hostile ends as outcomes.toml says, and never otherwise."""

import tomllib
import unittest
from pathlib import Path

from host import Ended, Failed, Runtime

HOSTILE = Path(__file__).parent.parent / "hostile"
CASES = tomllib.loads((HOSTILE / "outcomes.toml").read_text(encoding="utf-8"))["case"]
RUNTIME = Runtime()
# Of a message, with its place and frames.
MOST_CHARACTERS = 600


class Hostile(unittest.TestCase):
    def test_every_file_is_in_the_table(self):
        self.assertEqual(sorted(path.name for path in HOSTILE.glob("*.js")), sorted(case["file"] for case in CASES))

    def test_programs_end_as_the_table_says(self):
        for case in CASES:
            with self.subTest(case["file"], what=case["what"]):
                getattr(self, "ends_by_" + case["outcome"].replace("-", "_"))(case, (HOSTILE / case["file"]).read_text(encoding="utf-8"))

    def ends_by_scores(self, case, source):
        prepared = RUNTIME.prepare(source)
        for _ in range(2):
            self.assertEqual(prepared.score(["x", "y"]), case["scores"])

    def ends_by_refusal(self, case, source):
        with self.assertRaises(Failed) as failed:
            RUNTIME.prepare(source).score(["x", "y"])
        self.assertEqual(failed.exception.kind, case["kind"])
        self.assertIn(case["says"], failed.exception.message)
        self.assertLess(len(failed.exception.message), MOST_CHARACTERS)

    def ends_by_fuel(self, case, source):
        with self.assertRaises(Ended) as ended:
            RUNTIME.prepare(source).score(["x", "y"])
        self.assertEqual(ended.exception.kind, "fuel")

    def ends_by_memory(self, case, source):
        # This host's limit makes growth fail.
        with self.assertRaisesRegex(Failed, "InternalError: out of memory"):
            RUNTIME.prepare(source).score(["x", "y"])

    def ends_by_config_error(self, case, source):
        with self.assertRaises(Failed) as failed:
            RUNTIME.prepare(source)
        self.assertEqual(failed.exception.kind, case["key"])
        self.assertIn(case["says"], failed.exception.message)

    def ends_by_fuel_at_load(self, case, source):
        with self.assertRaises(Ended) as ended:
            RUNTIME.prepare(source)
        self.assertEqual(ended.exception.kind, "fuel")


if __name__ == "__main__":
    unittest.main()
