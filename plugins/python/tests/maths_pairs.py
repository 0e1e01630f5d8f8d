"""Answers to mathematics by chance from a seed: of many kinds, right and wrong. None of them warms the runtime."""

import random


def pairs(count: int, seed: int) -> "list[tuple[str, list[str]]]":
    """A reference and two to four responses, `count` times, kind after kind."""
    chance = random.Random(seed)
    return [_KINDS[index % len(_KINDS)](chance) for index in range(count)]


def _boxed(*answers):
    return [f"So it is \\boxed{{{answer}}}." for answer in answers]


def _integer(c):
    n = c.randint(-9999, 99999)
    return str(n), _boxed(n, f"{n}.0", n + 1) + [f"The answer is ${n}$."]


def _fraction(c):
    a, b = c.randint(1, 40), c.randint(2, 40)
    return f"\\frac{{{a}}}{{{b}}}", _boxed(f"\\frac{{{2 * a}}}{{{2 * b}}}", f"{a}/{b}", f"\\frac{{{b}}}{{{a + b}}}")


def _decimal(c):
    a = c.randint(1, 9999)
    return f"{a / 100}", _boxed(f"\\frac{{{a}}}{{100}}", a / 100, a / 10)


def _percent(c):
    a = c.randint(1, 99)
    return f"{a}\\%", _boxed(f"{a / 100}", f"{a}\\%", a + 1)


def _root(c):
    a, b = c.randint(2, 9), c.choice([2, 3, 5, 7])
    return f"{a}\\sqrt{{{b}}}", _boxed(f"\\sqrt{{{a * a * b}}}", f"\\sqrt{{{a * b}}}")


def _interval(c):
    a, b = sorted(c.sample(range(-20, 20), 2))
    return f"({a},{b}]", _boxed(f"({a}, {b}]", f"[{a}, {b}]", f"({a}, {b + 1}]")


def _set(c):
    a, b, d = c.sample(range(-20, 20), 3)
    return f"\\{{{a},{b},{d}\\}}", _boxed(f"\\{{{d},{a},{b}\\}}", f"{b},{a},{d}", f"\\{{{a},{b}\\}}")


def _tuple(c):
    a, b = c.sample(range(-20, 20), 2)
    return f"({a},{b})", _boxed(f"({a}, {b})", f"({b}, {a})")


def _polynomial(c):
    a, b = c.randint(1, 9), c.randint(1, 9)
    return f"(x+{a})(x-{b})", _boxed(f"x^2{a - b:+d}x-{a * b}", f"x^2{b - a:+d}x-{a * b + 1}")


def _equation(c):
    n = c.randint(2, 99)
    return f"x={n}", _boxed(n, f"x={n}", f"x={n + 1}") + [f"$y = {n}$"]


def _inequality(c):
    n = c.randint(-9, 99)
    return f"x>{n}", _boxed(f"x > {n}", f"x \\ge {n}", f"({n},\\infty)")


def _matrix(c):
    a, b, d, e = (c.randint(-9, 9) for _ in range(4))
    form = "\\begin{{{0}}} {1} & {2} \\\\ {3} & {4} \\end{{{0}}}"
    return form.format("pmatrix", a, b, d, e), _boxed(form.format("bmatrix", a, b, d, e), form.format("pmatrix", a, b, e, d + 1))


def _logarithm(c):
    a, n = c.choice([2, 3, 5]), c.randint(2, 5)
    return str(n), _boxed(f"\\log_{a} {a**n}", f"\\log_{a} {a ** (n + 1)}")


def _trigonometry(c):
    n = c.randint(2, 5)
    return f"\\sin({n}x)", _boxed(f"\\sin {n}x", f"\\cos({n}x)")


def _complex(c):
    a, b = c.randint(1, 20), c.randint(1, 20)
    return f"{a}+{b}i", _boxed(f"{b}i+{a}", f"{a}-{b}i")


def _text(c):
    word, other = c.sample(["even", "odd", "yes", "no", "Monday"], 2)
    return f"\\text{{{word}}}", _boxed(f"\\text{{{word}}}", f"\\text{{{other}}}")


_KINDS = [
    _integer, _fraction, _decimal, _percent, _root, _interval, _set, _tuple, _polynomial, _equation, _inequality, _matrix, _logarithm,
    _trigonometry, _complex, _text,
]  # fmt: skip
