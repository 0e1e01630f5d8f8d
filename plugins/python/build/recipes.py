"""What the runtimes are made of."""

import dataclasses
from pathlib import Path

import maths_cases

HERE = Path(__file__).resolve().parent

# Imported at the build, since programs and packages use them; all other modules are kept compressed and imported late.
STANDARD = """
abc argparse ast base64 binascii bisect calendar cmath collections collections.abc colorsys contextlib contextvars copy csv dataclasses
datetime decimal difflib dis enum errno fractions functools gc glob graphlib hashlib heapq hmac html html.parser importlib importlib.machinery
importlib.metadata importlib.util inspect io itertools json keyword linecache locale logging marshal math numbers opcode operator os os.path
pathlib pickle pprint queue random re reprlib secrets shlex signal stat statistics string struct sys tempfile textwrap threading time timeit token
tokenize tomllib traceback types typing unicodedata unittest.mock urllib.parse uuid warnings weakref xml.etree.ElementTree zlib
_pydatetime _strptime encodings.ascii encodings.latin_1 encodings.utf_8 encodings.idna
__future__ _socket select faulthandler _io _signal posix
""".split()


@dataclasses.dataclass
class Recipe:
    """A component to build: its name, what it says of itself, its packages, and the cases that warm it."""

    name: str
    purpose: str
    version: str = "0.1.0"
    requirements: "Path | None" = None
    packages: "tuple[str, ...]" = ()
    imported: "tuple[str, ...]" = ()
    watched: "tuple[str, ...]" = ()
    environment: dict = dataclasses.field(default_factory=dict)
    without_docstrings: bool = False
    # For a program that is frozen: its raw configuration, and the world of its interface.
    program: "dict | None" = None
    world: str = "interpreter"
    cases: list = dataclasses.field(default_factory=list)

    def module(self, tag: str) -> str:
        """Returns the text of `rewarden_build.py`."""
        entries = {
            "NAME": self.name,
            "VERSION": self.version,
            "PURPOSE": self.purpose,
            "TAG": tag,
            "IMPORTED": [*STANDARD, *self.imported],
            "WATCHED": list(self.watched),
            "PACKAGES": list(self.packages),
            "ENVIRONMENT": self.environment,
            "PROGRAM": self.program,
            "CASES": self.cases,
        }
        lines = [f"{name} = {value!r}\n" for name, value in entries.items()]
        return "".join(lines)


RUNTIMES = {
    "python": Recipe("python", "Runs a program in Python (CPython 3.14): a reward function, a template, a parser, a policy or principles."),
    "python-maths": Recipe(
        "python-maths",
        "Runs a program in Python (CPython 3.14) with SymPy and math-verify.",
        requirements=HERE / "maths.txt",
        packages=("math-verify 0.9.0", "SymPy 1.14.0", "mpmath 1.3.0", "latex2sympy2-extended 1.11.0"),
        imported=("sympy", "mpmath", "math_verify", "math_verify.metric", "latex2sympy2_extended", "antlr4"),
        # What the cases have cached must not be pushed out by those after them.
        environment={"SYMPY_CACHE_SIZE": "20000"},
        without_docstrings=True,
        watched=("math_verify", "math_verify.grader", "math_verify.parser", "math_verify.utils", "latex2sympy2_extended.latex2sympy2"),
        cases=maths_cases.cases(),
    ),
}
