"""What warms `python-maths`: answers of every kind, right and wrong, in the ways that reward functions call math-verify.

What runs here is imported and cached in every call. The first call of SymPy or of the LaTeX parser in a fresh process costs up to
hundreds of times what the second does, and every call of a component is in a fresh instance.
"""

# How reward functions call math-verify: its README's way, with both sides boxed, and TRL's.
PROGRAM = r'''
from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify
from latex2sympy2_extended import NormalizationConfig

BOXED = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]
CHOICE = [StringExtractionConfig()]
TRAINER = [
    LatexExtractionConfig(
        normalization_config=NormalizationConfig(
            nits=False, malformed_operators=False, basic_latex=True, boxed="all", units=True
        ),
        boxed_match_priority=0,
        try_extract_without_anchor=False,
    )
]
NEWER = [LatexExtractionConfig(normalization_config=NormalizationConfig(units=True))]


def reward(response, reference, way):
    if way == "boxed":
        gold, answer = parse(f"\\boxed{{{reference}}}", BOXED), parse(response, BOXED)
    elif way == "trainer":
        gold = parse(reference, extraction_mode="first_match")
        answer = parse(response, extraction_config=TRAINER, extraction_mode="first_match")
    elif way == "newer":
        gold, answer = parse(f"${reference}$"), parse(response, extraction_config=NEWER, extraction_mode="first_match")
    elif way == "choice":
        gold, answer = parse(reference, CHOICE), parse(response, CHOICE)
    else:
        gold, answer = parse(f"${reference}$"), parse(response)
    return 1.0 if verify(gold, answer) else 0.0
'''

# The reference, then answers that are equal to it, then answers that are not.
ANSWERS = [
    ("4", ["4", "4.0", "\\frac{8}{2}", "2+2", "2^2", "x=4", "4\\text{ cm}", "\\$4"], ["5", "-4", "\\frac{4}{3}", "x", "4i"]),
    ("-17", ["-17", "-17.0", "- 17"], ["17", "-18"]),
    ("12,345", ["12345", "12345.0", "12,345"], ["1234.5", "12,346"]),
    ("\\frac{3}{4}", ["0.75", "\\frac34", "\\dfrac{6}{8}", "3/4", "75\\%", "\\tfrac{3}{4}"], ["\\frac{4}{3}", "0.74", "3"]),
    ("3\\frac{1}{2}", ["3.5", "\\frac{7}{2}"], ["\\frac{3}{2}"]),
    ("0.1\\overline{6}", ["\\frac{1}{6}", "0.1\\overline{6}"], ["0.16"]),
    ("50\\%", ["0.5", "50\\%", "50", "\\frac12"], ["5", "60\\%"]),
    ("1.5 \\times 10^{6}", ["1500000", "1.5\\cdot 10^6", "1.5e6"], ["1.5\\times 10^5"]),
    ("2\\sqrt{3}", ["\\sqrt{12}", "\\sqrt{3}\\cdot 2", "\\frac{6}{\\sqrt{3}}", "2*sqrt(3)"], ["3\\sqrt{2}", "\\sqrt{6}", "3.46"]),
    ("\\frac{1+\\sqrt{5}}{2}", ["\\frac{\\sqrt5+1}{2}", "\\frac{2}{\\sqrt5-1}"], ["\\frac{1-\\sqrt{5}}{2}"]),
    ("\\sqrt[3]{16}", ["2\\sqrt[3]{2}", "16^{1/3}"], ["\\sqrt{16}"]),
    ("\\sqrt{3+2\\sqrt{2}}", ["1+\\sqrt{2}"], ["2+\\sqrt{2}"]),
    ("\\pi", ["\\pi", "\\frac{2\\pi}{2}"], ["3.14", "2\\pi", "e"]),
    ("36\\pi", ["36\\pi", "6^2\\pi"], ["36", "18\\pi"]),
    ("e^2", ["e^{2}", "e\\cdot e", "\\exp(2)"], ["2e", "7.389"]),
    ("\\ln 8", ["3\\ln 2", "\\ln(8)", "\\log_e 8"], ["\\ln 2", "8"]),
    ("\\log_2 8", ["3", "\\frac{\\ln 8}{\\ln 2}"], ["8", "\\log_8 2"]),
    ("3+4i", ["4i+3", "3+4i"], ["3-4i", "5", "4+3i"]),
    ("\\frac{1}{1+i}", ["\\frac{1-i}{2}"], ["\\frac{1+i}{2}"]),
    ("e^{i\\pi/4}", ["\\frac{\\sqrt2}{2}+\\frac{\\sqrt2}{2}i"], ["e^{i\\pi/2}"]),
    ("\\infty", ["\\infty", "+\\infty"], ["-\\infty", "0"]),
    ("90^\\circ", ["90^\\circ", "90", "90^{\\circ}"], ["45^\\circ"]),
    ("x^2-1", ["(x-1)(x+1)", "x^{2}-1", "-1+x^2"], ["x^2+1", "(x-1)^2", "1-x^2"]),
    ("x^4-1", ["(x+1)(x-1)(x^2+1)"], ["(x^2-1)^2"]),
    ("(a+b)^3", ["a^3+3a^2b+3ab^2+b^3"], ["a^3+b^3"]),
    ("6x^3y-2xy^2+7", ["7+6x^3y-2xy^2", "2xy(3x^2-y)+7"], ["6x^3y+2xy^2+7"]),
    ("\\frac{x^2-1}{x-1}", ["x+1"], ["x-1"]),
    ("\\frac{1}{x}+\\frac{1}{y}", ["\\frac{x+y}{xy}"], ["\\frac{2}{x+y}"]),
    ("2^{n+1}", ["2\\cdot 2^n"], ["2^n+1", "2n+1"]),
    ("\\sin^2 x+\\cos^2 x", ["1"], ["0", "\\sin x"]),
    ("\\sin(2x)", ["2\\sin x\\cos x"], ["2\\sin x", "\\cos 2x"]),
    ("\\tan x", ["\\frac{\\sin x}{\\cos x}"], ["\\cot x"]),
    ("\\cos(\\pi/3)", ["\\frac12", "0.5"], ["\\frac{\\sqrt3}{2}"]),
    ("\\arctan 1", ["\\frac{\\pi}{4}"], ["1"]),
    ("|x-2|", ["|2-x|", "\\left|x-2\\right|"], ["x-2"]),
    ("5!", ["120"], ["5"]),
    ("\\binom{5}{2}", ["10", "\\frac{5!}{2!3!}"], ["20"]),
    ("\\lfloor 3.7 \\rfloor", ["3"], ["4"]),
    ("\\lceil 3.2\\rceil", ["4"], ["3"]),
    ("\\sum_{k=1}^{4} k", ["10"], ["24"]),
    ("\\int_0^1 x^2 dx", ["\\frac13"], ["1"]),
    ("\\frac{x^3}{3}-\\sin x+2x^2+C", ["\\frac{x^3}{3}+2x^2-\\sin(x)+C"], ["\\frac{x^3}{3}+\\sin x+2x^2+C"]),
    ("\\lim_{x\\to 0}\\frac{\\sin x}{x}", ["1"], ["0"]),
    ("(-\\infty,2)\\cup(3,\\infty)", ["(-\\infty, 2) \\cup (3, \\infty)", "(-\\infty,2)\\cup(3,+\\infty)"], ["(-\\infty,2]\\cup(3,\\infty)"]),
    ("[0,1)", ["[0,1)", "0 \\le x < 1"], ["(0,1)", "[0,1]", "(0,1]"]),
    ("(1,2)", ["(1,2)", "(1.0, 2)", "(\\frac22, 2)"], ["(2,1)", "(1,3)", "(1,2,3)"]),
    ("(1,2,3)", ["(1, 2, 3)"], ["(1,3,2)", "1"]),
    ("\\{1,2,3\\}", ["\\{3,2,1\\}", "1,2,3", "\\left\\{1,2,3\\right\\}"], ["\\{1,2\\}", "\\{1,2,4\\}", "1"]),
    ("1,2", ["2,1", "1, 2", "x=1, x=2", "x=1 \\text{ or } x=2"], ["1", "1,3", "1,2,3"]),
    ("\\pm 2", ["\\pm 2", "2,-2"], ["2"]),
    ("\\emptyset", ["\\emptyset", "\\varnothing"], ["0", "\\{0\\}"]),
    ("x>2", ["x > 2", "2 < x"], ["x<2", "x\\geq 2", "2"]),
    ("x\\geq 3", ["x \\ge 3", "3\\le x"], ["x>3", "x\\leq 3"]),
    ("-1<x<4", ["-1 < x < 4", "(-1,4)"], ["-1\\le x<4", "1<x<4"]),
    ("x\\neq 0", ["x \\ne 0"], ["x=0"]),
    ("y=2x+3", ["2x+3", "y = 3+2x"], ["y=2x-3", "y=3x+2"]),
    ("x^2+y^2=25", ["y^2+x^2=25", "x^2+y^2-25=0"], ["x^2-y^2=25"]),
    ("a=1,b=2", ["a=1, b=2"], ["a=2,b=1"]),
    ("x=3", ["3", "x = 3.0"], ["x=4", "y"]),
    ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", ["\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}", "\\begin{pmatrix}1&2\\\\3&\\frac82\\end{pmatrix}"], ["\\begin{pmatrix} 1 & 3 \\\\ 2 & 4 \\end{pmatrix}", "4"]),
    ("\\begin{pmatrix} x \\\\ -1 \\\\ \\sqrt{2} \\end{pmatrix}", ["\\begin{pmatrix}x\\\\-1\\\\ \\frac{2}{\\sqrt2}\\end{pmatrix}"], ["\\begin{pmatrix} x \\\\ 1 \\\\ 2 \\end{pmatrix}"]),
    ("\\text{even}", ["\\text{even}"], ["\\text{odd}"]),
    ("A", ["A", "\\text{A}", "(A)"], ["B"]),
    ("f(x)=x^2", ["x^2", "f(x)=x^{2}"], ["x^3"]),
    ("10 \\pmod{12}", ["10"], ["2"]),
    ("\\frac{a}{b+\\frac{c}{d}}", ["\\frac{ad}{bd+c}"], ["\\frac{a}{b+c}"]),
    ("x_1+x_2", ["x_2+x_1", "x_{1}+x_{2}"], ["x_1x_2"]),
    ("\\alpha+\\beta", ["\\beta+\\alpha"], ["\\alpha\\beta"]),
    ("1011_2", ["1011_2"], ["1101_2"]),
    ("3:2", ["3:2"], ["2:3"]),
    ("2024", ["2024", "2024.", "2{,}024"], ["2023"]),
    ("0", ["0", "0.0"], ["1", "x"]),
    ("-\\frac{1}{2}", ["-0.5", "\\frac{-1}{2}", "-1/2"], ["\\frac12"]),
    ("\\frac{\\sqrt{6}-\\sqrt{2}}{4}", ["\\sin 15^\\circ", "\\frac{\\sqrt2(\\sqrt3-1)}{4}"], ["\\frac{\\sqrt6+\\sqrt2}{4}"]),
    ("k\\pi, k\\in\\mathbb{Z}", ["k\\pi"], ["2k\\pi"]),
    ("\\mathbb{R}", ["\\mathbb{R}", "(-\\infty,\\infty)"], ["\\mathbb{Z}"]),
    ("7 \\text{ apples}", ["7", "7\\text{ apples}"], ["8"]),
    ("10:30", ["10:30"], ["10.5"]),
]

# Texts around an answer, since extraction has ways of its own for each.
AROUND = [
    "So the answer is \\boxed{%s}.",
    "The final answer is $%s$. I hope it is correct.",
    "We get $$%s$$ and are done.",
    "First $1+1=2$.\n\nThen \\[ %s \\]",
    "The answer is %s",
    "%s",
    "I am not sure.",
]


def cases() -> list:
    """Returns the cases for `rewarden_plugin.sealed.warm`, the most usual way of calling last, so that its caches stay."""
    program = {"as": "scorer", "file": "warm.py", "source": PROGRAM}
    tasks = []
    for way in ("trainer", "newer", "boxed", "plain"):
        for index, (reference, equal, other) in enumerate(ANSWERS):
            texts = [AROUND[0] % answer for answer in (*equal, *other)]
            if way == "plain":
                texts += [(AROUND[1 + (index + place) % 6] % answer if "%s" in AROUND[1 + (index + place) % 6] else AROUND[6]) for place, answer in enumerate((*equal, *other))]
            given = f"${reference}$" if way == "trainer" else reference
            tasks.append({"responses": texts, "reference": given, "metadata": {"way": way}})
    tasks.append({"responses": ["The answer is (B)", "A", "Answer: C", "no"], "reference": "B", "metadata": {"way": "choice"}})
    tasks.append({"responses": ["\\boxed{4}", "$5$", "6"], "reference": "4", "metadata": {"way": "boxed"}})
    tasks.append({"responses": ["\\boxed{4}", "$5$", "6"], "reference": "4", "metadata": {"way": "plain"}})
    return [{"config": program, "tasks": tasks}]
