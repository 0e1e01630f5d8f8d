"""GSM8K's `#### 42` in the form that verl's own reward for it has, with its two ways of reading the answer."""

import re

_TAIL = 300


def extract_solution(solution_str, method="strict"):
    """The last number after `####`, or with `flexible` the last number of the text; `None` if there is none."""
    text = solution_str[-_TAIL:]
    if method == "strict":
        found = re.findall(r"#### (\-?[0-9\.\,]+)", text)
        return found[-1].replace(",", "").replace("$", "") if found else None
    for number in reversed(re.findall(r"(\-?[0-9\.\,]+)", text)):
        if number not in ("", "."):
            return number
    return None


def compute_score(solution_str, ground_truth, method="strict", format_score=0.0, score=1.0):
    """The score for a right answer, `format_score` for a wrong one in the right form, and 0 for none."""
    answer = extract_solution(solution_str=solution_str, method=method)
    if answer is None:
        return 0
    return score if answer == ground_truth else format_score
