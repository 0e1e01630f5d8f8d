"""A template and a parser in one file: every response gets a number on a line of its own."""

import re

from rewarden_plugin import Judgement, Prompt, Turn, Unparsable, parser, template


@template
def ask(request):
    """Shows the query and the numbered responses, and asks for a score each."""
    scale = request.scale
    shown = "\n\n".join(f"[Response {number}]\n{text}" for number, text in enumerate(request.task.responses, 1))
    system = f"Score each response from {scale.min:g} to {scale.max:g}. Write one line `Response N: SCORE` for each."
    return Prompt([Turn("system", system), Turn("user", f"{request.task.prompt}\n\n{shown}")], max_tokens=200)


@parser
def read(completion, shown, scale):
    """The last score that is written for each response."""
    scores = [None] * shown
    for number, score in re.findall(r"Response (\d+): (-?\d+(?:\.\d+)?)", completion.text):
        if 1 <= int(number) <= shown:
            scores[int(number) - 1] = float(score)
    if None in scores:
        raise Unparsable(f"no `Response {scores.index(None) + 1}: SCORE` in the text")
    return Judgement(scores, critique=completion.text)
