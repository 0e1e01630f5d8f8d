"""The same file gives the same scores in the sandbox and in Node, bit for bit."""

import json
import random
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from host import Runtime

RUNTIME = Runtime()
REWARDS = {
    "numbers": r"""export function reward({response, reference}) {
        const found = response.match(/-?\d+(?:\.\d+)?(?:e[-+]?\d+)?/gi) ?? [];
        const number = Math.min(1e9, Number(found.at(-1) ?? 0));
        return Math.abs(number - Number(reference)) / (1 + Math.abs(Number(reference)));
    }""",
    "form": r"""export function reward({response}) {
        const box = /\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}/u.exec(response.normalize("NFKC"));
        try { return Object.keys(JSON.parse(response)).length } catch { return box ? box[1].trim().length + 0.5 : -1 }
    }""",
    "words": r"""export function reward({response}) {
        const words = response.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
        const counts = new Map();
        for (const word of words) counts.set(word, (counts.get(word) ?? 0) + word.length / 3);
        const score = [...counts.values()].sort((a, b) => a - b).reduce((sum, count, place) => sum + count / (place + 3), 0);
        return Number(score.toPrecision(7)) + Number((score * 1e3).toFixed(2)) / 7 + parseInt(score.toString(36), 36) % 11;
    }""",
    "distance": r"""export function reward({response, reference}) {
        let row = Array.from({length: reference.length + 1}, (_, place) => place);
        for (let i = 1; i <= response.length; i++) {
          const next = [i];
          for (let j = 1; j <= reference.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (response[i - 1] !== reference[j - 1]));
          row = next;
        }
        return 1 / (1 + row[reference.length]) + Math.sqrt(response.length);
    }""",
}
PIECES = ["the answer is ", "\\boxed{", "}", "{\"a\": ", "[1, 2]", "3.25", "-1e-7", "1e400", "0.1", "42", " ", "\n", "Ä", "ﬁ", "𝟙", "é", "😀", "İ", "the", "The", "12,345", "½", "٣", "\u0301"]
RUNNER = """
const { reward } = await import(process.argv[2]);
const tasks = JSON.parse(await import("node:fs").then(({ readFileSync }) => readFileSync(process.argv[3], "utf8")));
console.log(JSON.stringify(tasks.map((task) => String(reward(task)))));
"""


@unittest.skipUnless(shutil.which("node"), "there is no Node to compare with")
class Native(unittest.TestCase):
    def test_500_responses_get_the_scores_that_node_gives(self):
        source = random.Random(7)
        tasks = [
            {"response": "".join(source.choices(PIECES, k=source.randrange(12))), "reference": source.choice(["42", "0.1", "-3", "1e-7"])} for _ in range(500)
        ]
        for name, program in REWARDS.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as place:
                files = {part: Path(place, part) for part in ("reward.mjs", "run.mjs", "tasks.json")}
                for file, text in zip(files.values(), (program, RUNNER, json.dumps(tasks))):
                    file.write_text(text, encoding="utf-8")
                said = subprocess.run(["node", *(str(files[part]) for part in ("run.mjs", "reward.mjs", "tasks.json"))], capture_output=True, check=True)
                expected = [float(text) for text in json.loads(said.stdout)]
                self.assertGreater(len(set(expected)), 8)
                prepared = RUNTIME.prepare(program)
                found = [score for task in tasks for score in prepared.score([task["response"]], reference=task["reference"])]
                self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
