#!/usr/bin/env python3
"""Compares answer-match's verdicts with math-verify's on pairs whose truth is known by construction.

    cargo run --release --example pairs -p answer-match > pairs.jsonl      (in plugins/)
    pip install math-verify
    python3 answer-match/compare/math_verify_table.py pairs.jsonl [--disagreements FILE]

Each pair is given to math-verify as two boxed answers, as its authors do, the first as the gold.
"""

import argparse
import collections
import json
import logging
import statistics
import time

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

CONFIGS = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]


def theirs(one, other):
    gold, answer = (parse(f"\\boxed{{{text}}}", CONFIGS, parsing_timeout=None) for text in (one, other))
    return bool(verify(gold, answer, timeout_seconds=None))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs")
    parser.add_argument("--disagreements", help="write the pairs on which the two differ to this file")
    parser.add_argument("--check", action="store_true",
                        help="fail unless ours holds: at most 0.1 %% false, 3 %% missed, and right on 98 %% of what theirs is right on")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    table = collections.defaultdict(lambda: collections.Counter())
    times, differ = [], []
    with open(options.pairs, encoding="utf-8") as file:
        for line in file:
            pair = json.loads(line)
            start = time.perf_counter()
            try:
                found = theirs(pair["one"], pair["other"])
            except Exception:
                found = False
            times.append(time.perf_counter() - start)
            row = table[pair["kind"]]
            row["equal" if pair["equal"] else "unequal"] += 1
            for who, verdict in (("ours", pair["ours"]), ("theirs", found)):
                if verdict != pair["equal"]:
                    row[f"{who} {'missed' if pair['equal'] else 'false'}"] += 1
            if found and not pair["equal"] and not pair["ours"]:
                row["theirs alone false"] += 1
            if found == pair["equal"]:
                row["theirs right"] += 1
                row["both right"] += pair["ours"] == pair["equal"]
            if found != pair["ours"]:
                differ.append({**pair, "theirs": found})
    columns = ["unequal", "equal", "ours false", "theirs false", "ours missed", "theirs missed"]
    print("| kind | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    total = collections.Counter()
    for kind, row in table.items():
        total.update(row)
        print(f"| {kind} | " + " | ".join(str(row[column]) for column in columns) + " |")
    print("| all | " + " | ".join(str(total[column]) for column in columns) + " |")
    print(f"\nmath-verify: median {statistics.median(times) * 1e3:.2f} ms a pair, sum {sum(times):.1f} s; "
          f"false rewards of theirs that are none of ours: {total['theirs alone false']}")
    if options.disagreements:
        with open(options.disagreements, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(pair, ensure_ascii=False) + "\n" for pair in differ)
    if options.check:
        assert total["ours false"] * 1000 <= total["unequal"], "more than 0.1 % of the unequal pairs are rewarded"
        assert total["ours missed"] * 100 <= 3 * total["equal"], "more than 3 % of the equal pairs are missed"
        assert total["theirs right"] > 300, "math-verify is hardly ever right: is it the right version?"
        assert total["both right"] * 100 >= 98 * total["theirs right"], "wrong where math-verify is right"
        print(f"checked: {total['both right']} of the {total['theirs right']} pairs that math-verify has right")


if __name__ == "__main__":
    main()
