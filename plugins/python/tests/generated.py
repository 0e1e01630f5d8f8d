"""Tasks and responses made by chance from a seed: right, wrong, misshapen, long, empty, hostile."""

import random

WORDS = "so then we add the two numbers and get about half of what was asked ünïcödé 数学 because of symmetry".split()


def response(chance: random.Random, answer: str) -> str:
    """A response that may or may not hold the answer, in one of the forms that rewards look for."""
    text = " ".join(chance.choices(WORDS, k=chance.randint(0, 60)))
    given = answer if chance.random() < 0.5 else str(chance.randint(-50, 5000))
    form = chance.randrange(12)
    return (
        f"{text} \\boxed{{{given}}}",
        f"\\boxed{{{chance.randint(0, 9)}}} {text} \\boxed{{{given}}}",
        f"<think>{text}</think>\n<answer>{given}</answer>",
        f"<think>{text}</think> <answer>{given}</answer> ",
        f"{text}\n#### {given}",
        f"{text}\n#### ${given}.00 or {given},000",
        given,
        "",
        text * 5,
        f"{text} {given}.",
        f"\\boxed{{{text[:20]}}}\x00\ud7ff{given}",
        f"#### - , . {given} ####",
    )[form]


def tasks(count: int, each: int, seed: int) -> "list[dict]":
    """`count` tasks with `each` responses."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        answer = str(chance.randint(-50, 5000))
        made.append(
            {
                "id": number,
                "prompt": f"What is question {number}?",
                "responses": [response(chance, answer) for _ in range(each)],
                "reference": answer,
                "metadata": {"data_source": chance.choice(["short", "long"])},
            }
        )
    return made
