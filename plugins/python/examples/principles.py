"""Principles: asks the model for criteria before any response is seen, and reads `name: what it asks for` line by line."""

from rewarden_plugin import Principle, Unparsable, principles


@principles.ask
def ask(query):
    """Asks for three criteria."""
    return f"{query.prompt}\n\nName three criteria for a good answer, one a line, as `name: what it asks for`.\n"


@principles.read
def read(completion):
    """One principle a line."""
    found = [line.partition(":") for line in completion.text.splitlines() if ":" in line]
    if not found:
        raise Unparsable("no line with a colon")
    return [Principle(name.strip(" -*"), None, text.strip()) for name, _, text in found[:64]]
