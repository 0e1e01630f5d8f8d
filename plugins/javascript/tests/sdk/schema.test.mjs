import assert from "node:assert/strict";
import { test } from "node:test";

import { faultOfSchema, violation } from "../../sdk/schema.js";

test("every keyword is checked", () => {
  for (const [schema, good, bad, expected] of [
    [{ type: "number" }, 1.5, "1", "of type number"],
    [{ type: "integer" }, 2, 2.5, "of type integer"],
    [{ type: ["string", "null"] }, null, 1, "of type string or null"],
    [{ enum: ["a", 1] }, 1, "b", 'one of "a", 1'],
    [{ const: true }, true, false, "one of true"],
    [{ minimum: 1 }, 1, 0.9, "at least 1"],
    [{ maximum: 1 }, 1, 1.1, "at most 1"],
    [{ exclusiveMinimum: 0 }, 0.1, 0, "more than 0"],
    [{ exclusiveMaximum: 1 }, 0.9, 1, "less than 1"],
    [{ minLength: 1 }, "😀", "", "at least 1 characters long"],
    [{ maxLength: 1 }, "😀", "ab", "at most 1 characters long"],
    [{ pattern: "^[a-z]+$" }, "ab", "aB", "a match of ^[a-z]+$"],
    [{ minItems: 1 }, [1], [], "a list of at least 1"],
    [{ maxItems: 1 }, [1], [1, 2], "a list of at most 1"],
  ]) {
    assert.equal(violation(schema, good, "x"), undefined, JSON.stringify(schema));
    assert.deepEqual(violation(schema, bad, "x"), { key: "x", message: `x must be ${expected}, found ${JSON.stringify(bad)}` });
  }
});

test("the key is the outermost one, the message names the place", () => {
  const schema = { type: "object", properties: { units: { type: "array", items: { type: "object", required: ["name"], additionalProperties: false } } } };
  assert.deepEqual(violation(schema, { units: [{}] }), { key: "name", message: "units[0].name is missing" });
  assert.deepEqual(violation({ ...schema, additionalProperties: false }, { unit: 1 }), { key: "unit", message: "there is no `unit`; there are: units" });
  assert.equal(violation({ properties: { a: { items: { type: "number" } } } }, { a: [1, "b"] }).message, 'a[1] must be of type number, found "b"');
});

test("names of built-in properties are no keys", () => {
  assert.equal(violation({ required: ["toString"] }, {}).message, "toString is missing");
  assert.equal(violation({ additionalProperties: false }, { constructor: 1 }).key, "constructor");
});

test("what would not be checked is a fault of the schema", () => {
  assert.equal(faultOfSchema({ type: "number", default: 1, description: "d" }, "options.a"), undefined);
  assert.match(faultOfSchema({ type: "number", format: "int" }, "options.a"), /^options\.a has the keyword `format`; known are type, enum/);
  assert.match(faultOfSchema({ type: "float" }, "options.a"), /^options\.a has the type "float"; known are array, boolean/);
  assert.match(faultOfSchema({ items: { typ: 1 } }, "options.a"), /^options\.a\.\[\] has the keyword `typ`/);
  assert.match(faultOfSchema(1e-6, "options.tolerance"), /^options\.tolerance must be a JSON Schema such as .*, found 0\.000001$/);
});
