"""What happens once, when a pack with a program is loaded."""

import json
import unittest

from host import Failed, Instance, Runtime

RUNTIME = Runtime()
REWARD = "export function reward({response}) { return response.length }"


def failure(source, **configuration):
    """The key and the message of the configuration error."""
    try:
        RUNTIME.prepare(source, **configuration)
    except Failed as failed:
        return failed.kind, failed.message
    raise AssertionError("the program was prepared")


class Descriptions(unittest.TestCase):
    def test_name_version_purpose_and_schema_come_from_the_file(self):
        source = """/**
 * One where the response is a number within the tolerance of the reference.
 * More of it.
 */
export function reward({response}, {tolerance}) { return 1 }
export const options = {tolerance: {type: "number", minimum: 0, default: 1e-6}};
export const version = "2.1.0";
"""
        prepared = RUNTIME.prepare(source, file="lib/numberMatch.ts")
        self.assertEqual(prepared.description["name"], "number-match")
        self.assertEqual(prepared.description["version"], "2.1.0")
        self.assertEqual(prepared.description["purpose"], "One where the response is a number within the tolerance of the reference.")
        self.assertEqual(json.loads(prepared.description["config_schema"]), {
            "type": "object", "properties": {"tolerance": {"type": "number", "minimum": 0, "default": 1e-6}}, "additionalProperties": False,
        })
        self.assertEqual(prepared.interfaces, ["scorer"])

    def test_the_first_comment_of_a_file_will_do(self):
        self.assertEqual(RUNTIME.prepare("// Length.\n\n" + REWARD).description["purpose"], "Length.")
        self.assertEqual(RUNTIME.prepare(REWARD).description["purpose"], "The function reward of reward.js.")

    def test_the_runtime_describes_itself(self):
        described = RUNTIME.describe()
        schema = json.loads(described["config_schema"])
        self.assertEqual(described["name"], "javascript")
        self.assertEqual((sorted(schema["properties"]), schema["required"], schema["additionalProperties"]),
                         (["as", "file", "files", "function", "options", "source"], ["as", "source"], False))

    def test_the_same_configuration_gives_the_same(self):
        self.assertEqual(RUNTIME.prepare(REWARD).json, RUNTIME.prepare(REWARD).json)


class PreparedPrograms(unittest.TestCase):
    def test_configure_takes_the_configuration_itself_too(self):
        instance = Instance(RUNTIME)
        self.assertEqual(instance.call("describe", "configure", json.dumps({"as": "scorer", "source": REWARD})), ("ok", None))
        task = {"messages": [{"role": "user", "content": "q"}], "responses": ["abc"], "reference": None, "metadata": "{}"}
        self.assertEqual(instance.call("scorer", "score-responses", task), ("ok", [("value", 3.0)]))

    def test_another_build_is_refused(self):
        prepared = RUNTIME.prepare(REWARD)
        start = len('{"prepared":"')
        prepared.json = prepared.json[:start] + "0" * 16 + prepared.json[start + 16 :]
        with self.assertRaisesRegex(Failed, "was prepared by build 0{16} of the JavaScript runtime, this is [0-9a-f]{16}: prepare it again"):
            prepared.configured()

    def test_programs_of_any_length_come_back_whole(self):
        for length in range(1, 14):
            text = "xyz"[: length % 3] + "ä" * length
            prepared = RUNTIME.prepare(f"const text = {json.dumps(text)}; export function reward({{response}}) {{ return response === text }}")
            self.assertEqual(prepared.score([text]), [1.0])

    def test_a_cut_program_is_refused(self):
        prepared = RUNTIME.prepare(REWARD)
        for left in (30, 100, len(prepared.json) - 60):
            cut = RUNTIME.prepare(REWARD)
            cut.json = prepared.json[:left] + '"}'
            with self.assertRaises(Failed):
                cut.configured()

    def test_the_top_level_may_wait(self):
        self.assertEqual(RUNTIME.prepare("const one = await Promise.resolve(1); export function reward({response}) { return one }").score(["a"]), [1.0])

    def test_a_prepared_program_is_json(self):
        self.assertEqual(list(json.loads(RUNTIME.prepare(REWARD).json)), ["prepared"])

    def test_a_call_costs_no_more_for_typescript(self):
        fuel = {}
        for file, source in (("reward.js", REWARD), ("reward.ts", REWARD.replace("{response})", "{response}: {response: string}): number"))):
            prepared = RUNTIME.prepare(source, file=file)
            prepared.score(["abc"])
            fuel[file] = prepared.spent
        self.assertLess(abs(fuel["reward.ts"] - fuel["reward.js"]) / fuel["reward.js"], 0.02, fuel)


class TypeScript(unittest.TestCase):
    def test_types_are_stripped(self):
        source = """
import type { Task } from "rewarden";
enum Grade { Bad = 0, Good = 1 }
interface Scored { value: number }
type Options = { readonly strict?: boolean };
export const options = { strict: { type: "boolean", default: false } } as const;
class Box<T> { constructor(private readonly value: T) {} get(): T { return this.value } }
export function reward({ response }: { response: string }, { strict }: Options): number {
  const found = new Box<string>(response).get() satisfies string;
  return (found!.length > 1 ? Grade.Good : Grade.Bad) as number + (strict ? 1 : 0);
}
"""
        self.assertEqual(RUNTIME.prepare(source, file="reward.ts").score(["a", "bb"]), [0.0, 1.0])

    def test_errors_name_the_line_of_the_source(self):
        with self.assertRaisesRegex(Failed, r"at reward \(reward\.ts:4:\d+\)"):
            RUNTIME.prepare("type A = {\n  b: number;\n};\nexport function reward({response}: any): number { throw new Error('x') }", file="reward.ts").score(["a"])
        key, message = failure("export function reward({response}: any) {\n  return 1 +* 2;\n}", file="reward.ts")
        self.assertEqual(key, "source")
        self.assertRegex(message, r"^reward\.ts:2: SyntaxError: .*\n  return 1 \+\* 2;$")


class Files(unittest.TestCase):
    def test_relative_imports(self):
        files = {
            "lib/words.ts": "import data from './words.json'; export const first: string = data[0];",
            "lib/words.json": '["bb"]',
            "same.js": "import { first } from './lib/words.js'; export const same = (text) => text === first;",
        }
        source = "import { same } from './same';\nexport function reward({response}) { return same(response) }"
        self.assertEqual(RUNTIME.prepare(source, files=files).score(["a", "bb"]), [0.0, 1.0])

    def test_a_missing_import_names_what_there_is(self):
        key, message = failure("import _ from 'lodash';\n" + REWARD, files={"a.js": ""})
        self.assertEqual(key, "source")
        self.assertIn('reward.js imports "lodash", which is not there; packages cannot be imported: bundle them into the file. Other files of the program: a.js', message)
        _, message = failure("import { x } from './b.js';\n" + REWARD)
        self.assertIn('imports "./b.js", which is not there; list it under `files`. Other files of the program: none', message)

    def test_a_missing_export_is_told(self):
        _, message = failure("import { x } from './a.js';\n" + REWARD, files={"a.js": "export const y = 1;"})
        self.assertRegex(message, "SyntaxError: Could not find export 'x' in module 'a.js'")


class WhatKeepsAProgramFromBeingPrepared(unittest.TestCase):
    def test_a_syntax_error_has_its_line(self):
        key, message = failure("export function reward({response}) {\n  return response..length;\n}")
        self.assertEqual(key, "source")
        self.assertRegex(message, r"^reward\.js:2: SyntaxError: .*\n  return response\.\.length;$")

    def test_an_exception_at_the_top_level_has_its_place(self):
        key, message = failure("const words = null;\n\nconst count = words.length;\n" + REWARD)
        self.assertEqual(key, "source")
        self.assertRegex(message, r"^reward\.js failed before any function was called: TypeError: .*\n  at <anonymous> \(reward\.js:3:\d+\)$")

    def test_no_function_that_fits(self):
        key, message = failure("export function compute() {}\nexport const x = 1;")
        self.assertEqual((key, message), ("source", "reward.js as a scorer must have `export function reward(…)` or `export function score(…)`, or a default export; it exports the functions compute"))
        _, message = failure("export function compute() {}", **{"function": "other"})
        self.assertEqual(message, "reward.js has no function `other`; it exports the functions compute")
        _, message = failure("export function ask(prompt) {}", **{"as": "principles"})
        self.assertEqual(message, "reward.js as principles must export `ask` and `read`; it exports the functions ask")

    def test_two_functions_that_fit(self):
        key, message = failure("export function reward() {}\nexport function score() {}")
        self.assertEqual((key, message), ("function", "reward.js exports reward and score: name one of them by `function`"))
        self.assertEqual(RUNTIME.prepare("export function reward() { return 1 }\nexport function score() { return 2 }", **{"function": "score"}).score(["a"]), [2.0])

    def test_a_default_export_will_do(self):
        self.assertEqual(RUNTIME.prepare("export default ({response}) => response.length").score(["abc"]), [3.0])

    def test_parameters_without_names(self):
        _, message = failure("export const reward = (() => 1).bind(null);")
        self.assertRegex(message, "names of `reward`'s parameters cannot be read")

    def test_options_that_do_not_fit(self):
        source = 'export const options = {tolerance: {type: "number", minimum: 0, default: 1}};\n' + REWARD
        self.assertEqual(failure(source, options={"tolerence": 1}), ("tolerence", "options of reward.js: there is no `tolerence`; there are: tolerance"))
        self.assertEqual(failure(source, options={"tolerance": -1}), ("tolerance", "options of reward.js: tolerance must be at least 0, found -1"))
        self.assertEqual(failure(source, options={"tolerance": "1"}), ("tolerance", 'options of reward.js: tolerance must be of type number, found "1"'))
        _, message = failure(REWARD, options={"x": 1})
        self.assertIn("reward.js declares none, by `export const options = {…}`", message)
        _, message = failure('export const options = {unit: {type: "string"}};\n' + REWARD)
        self.assertEqual(message, "options of reward.js: unit is missing")

    def test_declarations_of_options_that_are_wrong(self):
        _, message = failure('export const options = {a: {type: "float"}};\n' + REWARD)
        self.assertIn('options.a has the type "float"; known are', message)
        _, message = failure('export const options = {a: {typ: "number"}};\n' + REWARD)
        self.assertIn("options.a has the keyword `typ`; known are", message)
        _, message = failure('export const options = {a: {type: "number", default: "1"}};\n' + REWARD)
        self.assertIn('the default of options.a must be of type number, found "1"', message)

    def test_a_configuration_of_another_form(self):
        self.assertEqual(failure(REWARD, **{"as": "judge"})[0], "as")
        self.assertEqual(failure(REWARD, sources={})[0], "sources")
        self.assertIn("must end in .js", failure(REWARD, file="reward.py")[1])


if __name__ == "__main__":
    unittest.main()
