"""A reward of one's own with options, an abstention and a refusal."""

from rewarden_plugin import Abstain, Refuse


def reward(response, reference, *, tolerance: float = 1e-6, unit: str = ""):
    """1 where the response's last number is the reference within `tolerance`."""
    try:
        wanted = float(reference)
    except ValueError:
        raise Refuse(f"the reference `{reference}` is no number")
    words = response.replace(unit, " ").split() if unit else response.split()
    numbers = [word.strip(".,!") for word in words if word.strip(".,!").lstrip("-").replace(".", "", 1).isdigit()]
    if not numbers:
        raise Abstain("there is no number in the response")
    return float(abs(float(numbers[-1]) - wanted) <= tolerance)
