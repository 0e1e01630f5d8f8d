#!/usr/bin/env python3
"""What math-verify takes for the pairs of `tests/benches/answers.rs`, reading both answers included.

    pip install math-verify
    python3 plugins/answer-match/compare/speed.py; cargo bench --workspace --bench answers
"""

import logging
import statistics
import time

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

CONFIGS = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]

# Other numbers each time: sympy and the parser remember what they have seen.
PAIRS = {
    "number": lambda n: (f"{n},234.50", f"{n}234.5"),
    "fraction with roots": lambda n: (rf"\frac{{{n}\sqrt{{2}}+\sqrt{{8}}}}{{2}}", rf"\frac{{{n + 2}}}{{\sqrt{{2}}}}"),
    "3x3 matrix": lambda n: (
        rf"\begin{{pmatrix}}{n}&\frac12&0\\\sqrt{{4}}&3&x+{n}\\0&0&-1\end{{pmatrix}}",
        rf"\begin{{bmatrix}}{n}&0.5&0\\2&3&{n}+x\\0&0&-1\end{{bmatrix}}",
    ),
}


def main():
    logging.disable(logging.CRITICAL)
    for name, pair in PAIRS.items():
        times, equal = [], None
        for n in range(3, 63):
            reference, response = pair(n)
            start = time.perf_counter()
            gold, answer = (parse(f"\\boxed{{{text}}}", CONFIGS, parsing_timeout=None) for text in (reference, response))
            equal = verify(gold, answer, timeout_seconds=None)
            times.append(time.perf_counter() - start)
        print(f"{name}: median {statistics.median(times) * 1e6:.0f} us ({'equal' if equal else 'not equal'})")


if __name__ == "__main__":
    main()
