// The part of JSON Schema that options are declared in.

const TYPES = {
  array: Array.isArray,
  boolean: (value) => typeof value === "boolean",
  integer: Number.isInteger,
  null: (value) => value === null,
  number: (value) => typeof value === "number",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  string: (value) => typeof value === "string",
};

// Each check returns what was expected, or undefined if the value is as it should be.
const CHECKS = {
  type: (types, value) => {
    const names = [types].flat();
    if (!names.some((name) => TYPES[name](value))) return `of type ${names.join(" or ")}`;
  },
  enum: (values, value) => {
    const texts = values.map((each) => JSON.stringify(each));
    if (!texts.includes(JSON.stringify(value))) return `one of ${texts.join(", ")}`;
  },
  const: (constant, value) => CHECKS.enum([constant], value),
  minimum: (bound, value) => (value < bound ? `at least ${bound}` : undefined),
  maximum: (bound, value) => (value > bound ? `at most ${bound}` : undefined),
  exclusiveMinimum: (bound, value) => (value <= bound ? `more than ${bound}` : undefined),
  exclusiveMaximum: (bound, value) => (value >= bound ? `less than ${bound}` : undefined),
  minLength: (bound, value) => (typeof value === "string" && [...value].length < bound ? `at least ${bound} characters long` : undefined),
  maxLength: (bound, value) => (typeof value === "string" && [...value].length > bound ? `at most ${bound} characters long` : undefined),
  pattern: (pattern, value) => (typeof value === "string" && !new RegExp(pattern, "u").test(value) ? `a match of ${pattern}` : undefined),
  minItems: (bound, value) => (Array.isArray(value) && value.length < bound ? `a list of at least ${bound}` : undefined),
  maxItems: (bound, value) => (Array.isArray(value) && value.length > bound ? `a list of at most ${bound}` : undefined),
};
const NESTED = ["items", "properties", "additionalProperties", "required"];
const NOTES = ["default", "description", "examples", "title"];

const shown = (value) => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
};

/**
 * Says why a value does not fit a schema: `{key, message}`, with the outermost key at fault if there is one. Returns undefined
 * if it fits. `path` names the value in the message.
 */
export function violation(schema, value, path = "") {
  for (const [keyword, check] of Object.entries(CHECKS)) {
    if (!Object.hasOwn(schema, keyword)) continue;
    const expected = check(schema[keyword], value);
    if (expected) return { key: path.split(/[.[]/)[0] || undefined, message: `${path || "the value"} must be ${expected}, found ${shown(value)}` };
  }
  if (Array.isArray(value) && schema.items) {
    for (const [place, item] of value.entries()) {
      const found = violation(schema.items, item, `${path}[${place}]`);
      if (found) return found;
    }
  }
  return TYPES.object(value) ? violationInside(schema, value, path) : undefined;
}

function violationInside(schema, object, path) {
  const inside = (key) => (path ? `${path}.${key}` : key);
  const properties = schema.properties ?? {};
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(object, key)) return { key, message: `${inside(key)} is missing` };
  }
  for (const [key, value] of Object.entries(object)) {
    const nested = Object.hasOwn(properties, key) ? properties[key] : (schema.additionalProperties ?? true);
    if (nested === false) {
      const known = Object.keys(properties).join(", ") || "none";
      return { key, message: `there is no \`${inside(key)}\`; there are: ${known}` };
    }
    const found = nested === true ? undefined : violation(nested, value, inside(key));
    if (found) return found;
  }
}

/**
 * Says what is wrong with a schema, or returns undefined. A keyword that `violation` would ignore is an error, as the author
 * relies on it.
 */
export function faultOfSchema(schema, path) {
  if (!TYPES.object(schema)) return `${path} must be a JSON Schema such as {type: "number", default: 1}, found ${shown(schema)}`;
  for (const keyword of Object.keys(schema)) {
    if (!Object.hasOwn(CHECKS, keyword) && !NESTED.includes(keyword) && !NOTES.includes(keyword)) {
      return `${path} has the keyword \`${keyword}\`; known are ${[...Object.keys(CHECKS), ...NESTED, ...NOTES].join(", ")}`;
    }
  }
  const types = Object.hasOwn(schema, "type") ? [schema.type].flat() : [];
  const unknown = types.find((name) => !Object.hasOwn(TYPES, name));
  if (unknown !== undefined) return `${path} has the type ${shown(unknown)}; known are ${Object.keys(TYPES).join(", ")}`;
  const nested = [...Object.entries(schema.properties ?? {})];
  if (schema.items !== undefined) nested.push(["[]", schema.items]);
  if (TYPES.object(schema.additionalProperties)) nested.push(["*", schema.additionalProperties]);
  for (const [key, each] of nested) {
    const fault = faultOfSchema(each, `${path}.${key}`);
    if (fault) return fault;
  }
}
