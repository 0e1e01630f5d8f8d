"""Programs as templates, parsers, policies and principles, in the sandbox."""

import json
import unittest

from host import SCALE, Failed, Runtime, task

RUNTIME = Runtime()


def prepared(place, source):
    return RUNTIME.prepare(source, file=f"{place}.js", **{"as": place})


def request(responses=("a", "b"), **fields):
    return {"task": task(responses), "scale": SCALE, "critique": None, "principles": [], "asked": [], "earlier": [], **fields}


def rendered(source, **fields):
    return prepared("template", source).call("template", "render", request(**fields))


class Templates(unittest.TestCase):
    def test_a_text_is_the_turn_of_the_user(self):
        prompt = rendered("export function template({prompt, responses, scale}) { return `${prompt} ${responses.join('|')} ${scale.min}-${scale.max}` }")
        self.assertEqual(prompt["input"], ("chat", [{"role": "user", "content": "2+2? a|b 1-10"}]))
        self.assertEqual((prompt["stop"], prompt["prefill"], prompt["constraint"], prompt["max_tokens"], prompt["top_logprobs"]), ([], None, None, None, 0))

    def test_a_prompt_with_everything(self):
        prompt = rendered("""export function template(task) { return {
            chat: [{role: "system", content: "s"}, {role: "user", content: "u"}], prefill: "{", stop: ["."], maxTokens: 20, topLogprobs: 5,
            constraint: {jsonSchema: {type: "object"}} } }""")
        self.assertEqual(prompt["input"][1][0], {"role": "system", "content": "s"})
        self.assertEqual((prompt["prefill"], prompt["stop"], prompt["max_tokens"], prompt["top_logprobs"]), ("{", ["."], 20, 5))
        self.assertEqual(prompt["constraint"], ("json-schema", '{"type":"object"}'))

    def test_questions(self):
        prompt = rendered("""export function template({prompt}) { return { questions: { state: prompt, questions: [
            {id: "a", yesNo: {yes: "right"}}, {id: "b", instructions: "i", choice: [{name: "x"}, {name: "y", text: "t"}]}, {id: "c", levels: ["bad", "good"]} ] } } }""")
        kind, value = prompt["input"]
        self.assertEqual((kind, value["state"]), ("questions", "2+2?"))
        self.assertEqual([question["form"] for question in value["questions"]], [
            ("yes-no", {"yes": "right", "no": None}), ("choice", [{"name": "x", "text": None}, {"name": "y", "text": "t"}]), ("levels", ["bad", "good"]),
        ])

    def test_what_a_request_has(self):
        prompt = rendered(
            """export function template({principles, asked, earlier, critique, messages}) {
                return {text: JSON.stringify([principles, asked, earlier, critique ?? "none", messages.length])} }""",
            principles=[{"name": "n", "weight": 30.0, "text": "t"}], asked=["c"],
            earlier=[{"id": 7, "judge": None, "places": [1, None], "text": "e"}],
        )
        kind, text = prompt["input"]
        self.assertEqual(kind, "text")
        self.assertEqual(json.loads(text), [[{"name": "n", "weight": 30, "text": "t"}], ["c"], [{"id": 7, "places": [1, None], "text": "e"}], "none", 1])

    def test_a_misspelt_key_is_a_refusal(self):
        with self.assertRaisesRegex(Failed, "the prompt has the key `max_tokens`; known are chat, text"):
            rendered("export function template({prompt}) { return {text: prompt, max_tokens: 1} }")
        with self.assertRaisesRegex(Failed, "the prompt must have one of chat, text, questions, found none"):
            rendered("export function template({prompt}) { return {} }")

    def test_a_task_of_another_form_is_refused(self):
        with self.assertRaises(Failed) as failed:
            rendered("export function template({responses}) { if (responses.length !== 3) throw new Refuse('three responses are needed'); return '' }")
        self.assertEqual(failed.exception.kind, "unsuitable-task")


def judged(source, text="7, 3", shown=2, finish="stop", tokens=()):
    completion = {"text": text, "finish": finish, "tokens": list(tokens)}
    return prepared("parser", source).call("parser", "parse", completion, shown, SCALE)


class Parsers(unittest.TestCase):
    def test_a_list_of_scores(self):
        judgement = judged("export function parse({text, shown, scale}) { return text.split(',').map(Number).slice(0, shown) }")
        self.assertEqual(judgement["scores"], [("value", 7.0), ("value", 3.0)])
        self.assertEqual((judgement["criteria"], judgement["confidence"], judgement["distributions"], judgement["principles"], judgement["critique"]), ([], None, [], [], None))

    def test_a_judgement_with_everything(self):
        judgement = judged("""export function parse(text, finish) { return {
            scores: [7, null], confidence: 0.5, critique: finish, principles: [{name: "p", weight: 2, text: "t"}],
            criteria: [{criterion: "c", response: 1, score: {abstain: "none"}, reason: "r"}],
            distributions: [[{score: 7, probability: 0.75}, {score: 8, probability: 0.25}], []] } }""")
        self.assertEqual(judgement["scores"], [("value", 7.0), ("abstain", "the function gave no score")])
        self.assertEqual(judgement["criteria"], [{"criterion": "c", "response": 1, "score": ("abstain", "none"), "reason": "r"}])
        self.assertEqual(judgement["distributions"], [[{"score": 7.0, "probability": 0.75}, {"score": 8.0, "probability": 0.25}], []])
        self.assertEqual((judgement["confidence"], judgement["critique"], judgement["principles"]), (0.5, "stop", [{"name": "p", "weight": 2.0, "text": "t"}]))

    def test_tokens_and_their_probabilities(self):
        tokens = [{"text": "7", "logprob": -0.5, "alternatives": [{"text": "8", "logprob": -1.5}]}]
        self.assertEqual(judged("export function parse({tokens: [first]}) { return [first.logprob, first.alternatives[0].logprob] }", tokens=tokens)["scores"], [("value", -0.5), ("value", -1.5)])

    def test_failures_by_kind(self):
        for thrown, kind, message in (
            ("new ParseFailure('no scores')", "unparsable", "no scores"),
            ("new ParseFailure('11 of 10', 'out-of-scale')", "out-of-scale", "11 of 10"),
            ("ParseFailure.wrongCount(2, 3)", "wrong-count", {"expected": 2, "found": 3}),
        ):
            with self.assertRaises(Failed) as failed:
                judged(f"export function parse({{text}}) {{ throw {thrown} }}")
            self.assertEqual((failed.exception.kind, failed.exception.message), (kind, message))

    def test_a_score_that_is_not_finite_is_told_as_such(self):
        with self.assertRaises(Failed) as failed:
            judged("export function parse({text}) { return [7, Number('x')] }")
        self.assertEqual((failed.exception.kind, failed.exception.message), ("not-finite", "the score of response 1 is NaN"))

    def test_an_exception_makes_the_text_unparsable(self):
        with self.assertRaises(Failed) as failed:
            judged("export function parse({text}) { return /x/.exec(text)[1] }")
        self.assertEqual(failed.exception.kind, "unparsable")
        self.assertRegex(failed.exception.message, r"^TypeError: .*\n  at parse \(parser\.js:1:\d+\)$")


def sample(id_, scores=None, **fields):
    outcome = ("scored", [None if each is None else ("value", each) for each in scores]) if scores else ("failed", {"kind": "unparsable", "message": "m"})
    given = {
        "id": id_, "order": [0, 1], "judge": None, "asked": [], "temperature": 0.5, "outcome": outcome, "criteria": [], "confidence": None,
        "distributions": [], "answer_logprob": None, "thinking_logprob": None, "rating": None, "completion_tokens": 9, **fields,
    }
    return given


def stepped(source, samples=(), **context):
    given = {
        "scale": SCALE, "seed": 7, "temperature": 0.5, "samples_left": 4, "rounds_left": 3, "signals": [], "judges": [], "has_own_judge": True, **context,
    }
    return prepared("policy", source).call("policy", "next", task(["a", "b"]), given, list(samples))


def finished(source, samples=(), **context):
    """The reward of a policy that finishes."""
    step, reward = stepped(source, samples, **context)
    assert step == "finish", step
    return reward


def numbers(*values):
    return [("value", float(value)) for value in values]


MEAN = """
/** The mean of k samples. */
export const options = {k: {type: "integer", minimum: 1, default: 2}};
export function step({samples, responses}, {k}) {
  if (samples.length < k) return {draw: Array.from({length: k - samples.length}, () => ({order: responses.map((_, i) => i)}))};
  const valid = samples.filter((sample) => sample.scores);
  if (valid.length === 0) throw new TooFewSamples("no sample could be read");
  const mean = (i) => valid.reduce((sum, {scores}) => sum + scores[i], 0) / valid.length;
  return {finish: {scores: responses.map((_, i) => mean(i)), details: {k, valid: valid.length, note: "n", whole: true}}};
}
"""


class Policies(unittest.TestCase):
    def test_draws(self):
        step = stepped(MEAN)
        self.assertEqual(step, ("draw", [{"order": [0, 1], "temperature": None, "judge": None, "asked": [], "show": []}] * 2))

    def test_the_end_counts_samples_that_could_be_read(self):
        step = finished(MEAN, [sample(0, [1.0, 2.0]), sample(1)])
        self.assertEqual((step["scores"], step["used"], step["rejected"], step["criteria"], step["confidence"]), (numbers(1.0, 2.0), [0], [], [], None))
        self.assertEqual({detail["name"]: detail["value"] for detail in step["details"]}, {
            "k": ("number", 2.0), "valid": ("number", 1.0), "note": ("text", "n"), "whole": ("flag", True),
        })

    def test_too_few_samples(self):
        with self.assertRaises(Failed) as failed:
            stepped(MEAN, [sample(0), sample(1)])
        self.assertEqual((failed.exception.kind, failed.exception.message), ("too-few-samples", "no sample could be read"))

    def test_all_bits_of_a_seed_arrive(self):
        source = "export function step({seed}) { return {finish: {scores: [Number(seed >> 32n), Number(seed & 0xffffffffn)], details: {seed: `${seed}`}}} }"
        for seed in (0, 1, 2**53 + 1, 2**63, 2**64 - 1, 0x9E3779B97F4A7C15):
            step = finished(source, seed=seed)
            self.assertEqual(step["scores"], numbers(seed >> 32, seed & 0xFFFFFFFF))
            self.assertEqual(step["details"][0]["value"], ("text", str(seed)))

    def test_chance_of_a_seed_is_that_of_the_rust_sdk(self):
        source = "export function step({seed}) { const random = new Random(seed); return {finish: {scores: [1], details: {first: `${random.nextBits()}`, second: `${random.nextBits()}`}}} }"
        details = finished(source, seed=1_234_567)["details"]
        self.assertEqual([detail["value"][1] for detail in details], ["6457827717110365317", "3203168211198807973"])

    def test_what_a_policy_sees(self):
        source = """export function step({samples: [first, second], signals, judges, samplesLeft, roundsLeft, temperature, hasOwnJudge, context}) {
            return {finish: {scores: [1], used: [], details: {seen: JSON.stringify({first, second, signals, judges, samplesLeft, roundsLeft, temperature, hasOwnJudge, same: context.samplesLeft})}}} }"""
        criteria = [{"criterion": "c", "response": 0, "score": ("abstain", "n"), "reason": None}]
        step = finished(
            source, [sample(3, [None, 2.0], criteria=criteria, rating=("rated", 0.5)), sample(4, judge="j", answer_logprob=-1.0)],
            signals=[{"scorer": "s", "scores": [("value", 1.0), ("abstain", "none")]}], judges=[{"name": "j", "temperature": 0.0}],
        )
        seen = json.loads(step["details"][0]["value"][1])
        self.assertEqual(seen["first"]["scores"], [None, 2])
        self.assertEqual((seen["first"]["rating"], seen["first"]["criteria"]), (0.5, [{"criterion": "c", "response": 0, "score": None}]))
        self.assertEqual((seen["second"]["failure"], seen["second"]["judge"], seen["second"]["answerLogprob"]), ({"kind": "unparsable", "message": "m"}, "j", -1))
        self.assertEqual((seen["signals"], seen["judges"]), ([{"scorer": "s", "scores": [1, None]}], [{"name": "j", "temperature": 0}]))
        self.assertEqual((seen["samplesLeft"], seen["roundsLeft"], seen["temperature"], seen["hasOwnJudge"], seen["same"]), (4, 3, 0.5, True, 4))

    def test_draws_with_everything_ratings_and_rejections(self):
        step = stepped("export function step({}) { return {draw: [[1, 0], {order: [0], temperature: 0, judge: 'j', asked: ['c'], show: [3]}]} }")
        self.assertEqual(step, ("draw", [
            {"order": [1, 0], "temperature": None, "judge": None, "asked": [], "show": []}, {"order": [0], "temperature": 0.0, "judge": "j", "asked": ["c"], "show": [3]},
        ]))
        self.assertEqual(stepped("export function step({samples}) { return {rate: samples.map(({id}) => id)} }", [sample(2, [1.0])]), ("rate", [2]))
        step = finished("""export function step({samples}) { return {finish: {scores: [null, {abstain: "a"}], confidence: 0.25,
            rejected: [{sample: 1, kind: "missing-criterion", message: "m"}], criteria: [{criterion: "c", response: 0, score: 2}]}} }""", [sample(1, [1.0]), sample(2, [1.0])])
        self.assertEqual((step["scores"], step["used"], step["confidence"]), ([("abstain", "the function gave no score"), ("abstain", "a")], [2], 0.25))
        self.assertEqual(step["rejected"], [{"sample": 1, "kind": "missing-criterion", "message": "m"}])

    def test_a_step_of_another_form_is_a_refusal(self):
        for returned, message in (
            ("[1]", "the step is an object with the keys 0; an object was expected"),
            ("{end: 1}", "the step has the key `end`; known are draw, rate, finish"),
            ("{finish: {scores: [0 / 0]}}", r"finish.scores\[0\] is NaN"),
            ("{draw: [{order: 'all'}]}", r'draw\[0\].order is "all"; a list was expected'),
            ("{finish: {scores: [1], details: {d: 1 / 0}}}", "the detail `d` is Infinity; a finite number was expected"),
        ):
            with self.assertRaisesRegex(Failed, message):
                stepped(f"export function step({{samples}}) {{ return {returned} }}")


class Principles(unittest.TestCase):
    SOURCE = """
export function ask({prompt, metadata}) { return `Principles for ${prompt} (${metadata.field ?? "any"})?` }
export function read({text}) { return text.split("\\n").map((line) => ({name: line})) }
"""

    def test_both_functions(self):
        both = prepared("principles", self.SOURCE)
        self.assertEqual(both.interfaces, ["principles"])
        asked = both.call("principles", "ask", {"messages": [{"role": "user", "content": "2+2?"}], "metadata": '{"field": "maths"}'})
        self.assertEqual(asked["input"][1][0]["content"], "Principles for 2+2? (maths)?")
        read = both.call("principles", "read", {"text": "Truth\nStyle", "finish": "stop", "tokens": []})
        self.assertEqual(read, [{"name": "Truth", "weight": None, "text": ""}, {"name": "Style", "weight": None, "text": ""}])


if __name__ == "__main__":
    unittest.main()
