"""A program as a scorer, in the sandbox: what it gets, what it may return, what becomes of its failures."""

import unittest

from host import Ended, Failed, Runtime, task

RUNTIME = Runtime()


def scores(source, responses=("a", "bb"), file="reward.js", configuration=None, **fields):
    return RUNTIME.prepare(source, file=file, **(configuration or {})).score(responses, **fields)


class WhatAFunctionGets(unittest.TestCase):
    def test_fields_by_name_in_an_object(self):
        source = """export function reward({prompt, response, reference, messages, metadata, index}) {
            return prompt === "2+2?" && reference === "4" && messages.length === 1 && messages[0].role === "user"
              && metadata.kind === "sum" && response === ["a", "bb"][index];
        }"""
        self.assertEqual(scores(source, reference="4", metadata={"kind": "sum"}), [1.0, 1.0])

    def test_fields_by_the_names_of_parameters(self):
        self.assertEqual(scores("export function reward(prompt, response, reference) { return response.length + reference.length }", reference="4"), [2.0, 3.0])
        self.assertEqual(scores("export const reward = (reference, response) => response === reference", reference="bb"), [0.0, 1.0])

    def test_all_responses_at_once(self):
        source = "export function score(responses, prompt) { return responses.map((each) => each.length + prompt.length) }"
        self.assertEqual(scores(source), [5.0, 6.0])

    def test_the_whole_task(self):
        self.assertEqual(scores("export function reward(task) { return task.responses.length + task.response.length + task.level }", metadata={"level": 4}), [7.0, 8.0])

    def test_entries_of_the_metadata(self):
        self.assertEqual(scores("export function reward({response, answer}) { return response === answer }", metadata={"answer": "bb"}), [0.0, 1.0])
        self.assertEqual(scores("export function reward(response, answer = 'a') { return response === answer }"), [1.0, 0.0])

        self.assertEqual(scores("export function reward({response, 'the-answer': answer}) { return response === answer }", metadata={"the-answer": "bb"}), [0.0, 1.0])

    def test_a_missing_field_is_a_refusal(self):
        for source in ("export function reward({reference}) { return 1 }", "export function reward(response, reference) { return 1 }"):
            with self.assertRaises(Failed) as failed:
                scores(source)
            self.assertEqual((failed.exception.kind, failed.exception.message), ("unsuitable-task", "the task has no `reference`, which reward asks for"))
        self.assertEqual(scores("export function reward({reference = 'none'}) { return reference.length }"), [4.0, 4.0])

    def test_names_of_built_in_properties_are_no_fields(self):
        with self.assertRaisesRegex(Failed, "no `constructor`"):
            scores("export function reward({constructor}) { return 1 }")

    def test_options(self):
        source = """export const options = {tolerance: {type: "number", default: 0.5}, unit: {type: "string"}};
            export function reward({response}, {tolerance, unit}) { return tolerance + unit.length }"""
        self.assertEqual(scores(source, ["a"], configuration={"options": {"unit": "kg"}}), [2.5])
        source = 'export const options = {a: {type: "integer", default: 3}}; export function reward(response, options) { return options.a }'
        self.assertEqual(scores(source, ["a"]), [3.0])

    def test_text_of_any_kind_arrives_whole(self):
        text = 'ä€😀\0"\\\n'
        self.assertEqual(scores(r"""export function reward({response}) { return response === 'ä€😀\0"\\\n' }""", [text]), [1.0])


class WhatAFunctionReturns(unittest.TestCase):
    def test_numbers_and_truth_values(self):
        self.assertEqual(scores("export function reward({response}) { return response === 'a' ? true : -2.5 }"), [1.0, -2.5])

    def test_nothing_is_an_abstention(self):
        prepared = RUNTIME.prepare("export function reward({index}) { return [undefined, null, {abstain: 'no number in it'}][index] }")
        value = prepared.call("scorer", "score-responses", task(["a", "b", "c"]))
        self.assertEqual(value, [("abstain", "the function gave no score")] * 2 + [("abstain", "no number in it")])

    def test_json_of_a_thousand_levels_is_read_and_brackets_in_texts_are_no_levels(self):
        source = "export function reward({response}) { JSON.parse(response); return 1 }"
        self.assertEqual(scores(source, ["[" * 1000 + "]" * 1000, '{"a": "' + "[" * 5000 + '\\\\", "b": "\\"["}', "[[], {}]" ]), [1.0, 1.0, 1.0])
        with self.assertRaisesRegex(Failed, "nests deeper than 1000 levels"):
            scores(source, ["[" * 1001 + "]" * 1001])

    def test_promises_are_waited_for(self):
        self.assertEqual(scores("export async function reward({response}) { return (await Promise.all([1, response.length])).at(1) }"), [1.0, 2.0])

    def test_what_is_no_finite_number_is_a_refusal_and_never_a_score(self):
        for value in ("NaN", "1 / 0", "-1 / 0", "'1'", "1n", "{}", "[1]", "Symbol()", "() => 1"):
            with self.subTest(value), self.assertRaises(Failed) as failed:
                scores(f"export function reward({{response}}) {{ return {value} }}")
            self.assertEqual(failed.exception.kind, "other")
            self.assertIn("the score of response 0 is", failed.exception.message)

    def test_another_number_of_scores_than_responses_is_a_refusal(self):
        with self.assertRaisesRegex(Failed, "reward returned 1 scores for 2 responses"):
            scores("export function reward(responses) { return [1] }")


class WhatBecomesOfAFailure(unittest.TestCase):
    def test_a_refusal_is_that_of_an_unsuitable_task(self):
        with self.assertRaises(Failed) as failed:
            scores("export function reward({response}) { throw new Refuse('not for code') }")
        self.assertEqual((failed.exception.kind, failed.exception.message), ("unsuitable-task", "not for code"))

    def test_an_exception_is_told_with_its_place(self):
        source = "function inner(x) {\n  return x.missing.field;\n}\nexport function reward({response}) {\n  return inner(response);\n}\n"
        with self.assertRaises(Failed) as failed:
            scores(source)
        self.assertEqual(failed.exception.kind, "other")
        self.assertRegex(failed.exception.message, r"^response 0: TypeError: .*\n  at inner \(reward\.js:2:\d+\)\n  at reward \(reward\.js:5:\d+\)$")

    def test_an_exception_writes_nothing_to_the_log(self):
        prepared = RUNTIME.prepare("export function reward({response}) { throw new TypeError('no') }")
        with self.assertRaises(Failed):
            prepared.score(["a"])
        self.assertEqual(prepared.log, [])

    def test_the_console_writes_to_the_log(self):
        prepared = RUNTIME.prepare("""export function reward({response}) {
            console.log("a", 1, {b: [2n]}, undefined); console.info(() => 1); console.debug("d"); console.warn("w"); console.error(new TypeError("e"));
            const self = {}; self.self = self; console.log(self);
            return 1 }""")
        prepared.score(["a"])
        self.assertEqual(prepared.log, [
            ("info", 'a 1 {"b":["2n"]} undefined'), ("info", "[function ]"), ("debug", "d"), ("warn", "w"), ("warn", "TypeError: e"), ("info", "[object Object]"),
        ])


class WhatIsNotThere(unittest.TestCase):
    def test_time_stands_still(self):
        self.assertEqual(scores("export function reward({response}) { return Date.now() + new Date().getTime() }", ["a"]), [0.0])
        self.assertEqual(scores("export function reward({response}) { return new Date('2024-02-29T12:00:00Z').getUTCDate() }", ["a"]), [29.0])

    def test_chance_repeats(self):
        source = "export function reward({response}) { return Math.random() }"
        first = scores(source)
        self.assertNotEqual(*first)
        self.assertEqual(scores(source), first)

    def test_nothing_survives_a_call(self):
        prepared = RUNTIME.prepare("let calls = 0; export function reward(responses) { globalThis.n = (globalThis.n ?? 0) + 1; return [++calls + globalThis.n] }")
        self.assertEqual([prepared.score(["a"]) for _ in range(3)], [[2.0]] * 3)

    def test_there_is_no_system(self):
        for name in ("setTimeout", "fetch", "require", "process", "WebAssembly", "Atomics", "performance"):
            self.assertEqual(scores(f"export function reward({{response}}) {{ return typeof {name} === 'undefined' }}", ["a"]), [1.0], name)

    def test_the_fuel_of_a_call_is_always_the_same(self):
        prepared = RUNTIME.prepare("export function reward({response}) { return [...response].sort().length }")
        spent = set()
        for _ in range(3):
            prepared.score(["b" * 100])
            spent.add(prepared.spent)
        self.assertEqual(len(spent), 1)

    def test_a_loop_without_end_ends_by_fuel(self):
        with self.assertRaises(Ended) as ended:
            scores("export function reward({response}) { for (;;); }")
        self.assertEqual(ended.exception.kind, "fuel")


if __name__ == "__main__":
    unittest.main()
