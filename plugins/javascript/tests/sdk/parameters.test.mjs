import assert from "node:assert/strict";
import { test } from "node:test";

import { parameters } from "../../sdk/parameters.js";

const positional = (...names) => ({ byName: false, names: names.map(named), rest: false, takesOptions: false });
const named = (name) => (name.endsWith("?") ? { name: name.slice(0, -1), optional: true } : { name, optional: false });

test("names of positional parameters, in every form of function", () => {
  const object = { method(prompt, response) {}, async later(response) {}, *many(response) {}, get: (response) => 1 };
  for (const [function_, expected] of [
    [function reward(prompt, response, reference) {}, positional("prompt", "response", "reference")],
    [async function (response) {}, positional("response")],
    [(response) => response, positional("response")],
    [response => response, positional("response")],
    [async response => response, positional("response")],
    [async (response, options) => 1, positional("response", "options")],
    [object.method, positional("prompt", "response")],
    [object.later, positional("response")],
    [object.many, positional("response")],
    [() => 1, positional()],
    [function $ä_1($ä, _1) {}, positional("$ä", "_1")],
  ]) {
    assert.deepEqual(parameters(function_), expected, String(function_));
  }
});

test("defaults and rests make a name optional, whatever is in them", () => {
  const functions = [
    (response, limit = 3, word = "a,b)", list = [1, (2, 3)], make = (a, b) => a) => 1,
    (response, limit = `,${"}"})`, word = /[/,)]\)/, list = { a: [","] }, make = 4 / 2 / 1) => 1,
    (response, limit = 1 /* , not, (a name */, word = 2, // nor, this
      list = 3, make = "\\\"") => 1,
  ];
  for (const function_ of functions) {
    assert.deepEqual(parameters(function_), positional("response", "limit?", "word?", "list?", "make?"), String(function_));
  }
  assert.deepEqual(parameters((response, ...others) => 1).names[1].optional, true);
});

test("names of an object's properties", () => {
  const expected = { byName: true, names: ["response", "reference?", "prompt", "metadata"].map(named), rest: false, takesOptions: true };
  assert.deepEqual(parameters(({ response, reference = "=", prompt: question, metadata: { field = 1 } }, { tolerance }) => 1), expected);
  assert.deepEqual(parameters(({ response, ...others }) => 1), { byName: true, names: [named("response")], rest: true, takesOptions: false });
  assert.deepEqual(parameters(function ({ messages: [{ content }] = [] } = {}) {}).names, [named("messages?")]);
  assert.deepEqual(parameters(({ "one-two": a, 'three': b = ":" }) => 1).names, ["one-two", "three?"].map(named));
  assert.deepEqual(parameters(({}) => 1), { byName: true, names: [], rest: false, takesOptions: false });
});

test("a pattern in the last place is that of the options, and `task` takes all", () => {
  assert.deepEqual(parameters((prompt, response, { tolerance }) => 1), positional("prompt", "response", "options"));
  assert.deepEqual(parameters((prompt, { tolerance } = {}) => 1), positional("prompt", "options?"));
  assert.deepEqual(parameters((task, options) => 1), { byName: true, names: [], rest: true, takesOptions: true });
});

test("functions whose text is not known have no parameters", () => {
  assert.equal(parameters(((response) => 1).bind(null)), undefined);
  assert.equal(parameters(Math.max), undefined);
});
