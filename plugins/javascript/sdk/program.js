// A program: made ready once, then run in every instance.

import { callable } from "./callable.js";
import { ConfigError, frames, inWords } from "./failures.js";
import { asModule, compile, provide, setFiles } from "./files.js";
import { parameters } from "./parameters.js";
import { purpose } from "./purpose.js";
import { faultOfSchema, violation } from "./schema.js";

// The functions that a program exports for a place in a pack: one of the names, or all of them for `principles`.
const FUNCTIONS = {
  scorer: ["reward", "score"],
  template: ["template"],
  parser: ["parse"],
  policy: ["step"],
  principles: ["ask", "read"],
};
// What is there to be named, beside `metadata` and its entries.
const TASK = ["options", "prompt", "messages"];
const ANSWERED = [...TASK, "responses", "reference"];
const COMPLETION = ["options", "text", "finish", "tokens", "completion"];
const FIELDS = {
  scorer: [...ANSWERED, "response", "index"],
  template: [...ANSWERED, "scale", "critique", "principles", "asked", "earlier"],
  parser: [...COMPLETION, "shown", "scale"],
  policy: [
    ...ANSWERED, "samples", "context", "scale", "seed", "temperature", "samplesLeft", "roundsLeft", "signals", "judges", "hasOwnJudge",
  ],
  principles: [...TASK, ...COMPLETION],
};
// The role of the one function that the other places have.
const ONLY = "only";

/**
 * Compiles and runs the program that a checked configuration holds. Returns it with what `applyPrepared` makes it of in other
 * instances, its description and its interfaces. Throws a ConfigError for whatever keeps it from being called.
 */
export function prepareProgram(host, configuration) {
  const { as, file, source, files } = configuration;
  const texts = { ...files, [file]: source };
  const modules = Object.entries(texts).map(([name, text]) => ({ name, text, module: asModule(host, name, text) }));
  // Functions keep their texts here, for the names of their parameters, and not in the prepared form.
  const readable = modules.map((each) => compile(host, each.name, each.text, each.module, true));
  setFiles(Object.keys(texts), readable);
  const exported = topLevel(file, () => host.run(provide(file)));

  const names = chooseFunctions(as, file, exported, configuration.function);
  const plans = Object.fromEntries(Object.entries(names).map(([role, name]) => [role, plan(as, file, name, exported[name])]));
  const schema = optionsSchema(file, exported.options);
  const options = checkedOptions(file, schema, exported.options, configuration.options);
  const prepared = {
    modules: modules.map((each) => compile(host, each.name, each.text, each.module, false)),
    files: Object.keys(texts),
    file,
    plans,
    options,
  };
  const description = {
    name: kebabCase(file),
    version: typeof exported.version === "string" ? exported.version : "0.1.0",
    purpose: typeof exported.purpose === "string" ? exported.purpose : purpose(source, file, Object.values(names)[0]),
    configSchema: JSON.stringify(schema),
  };
  return { prepared, description, interfaces: [as], program: bind(exported, plans, options) };
}

/** Runs what `prepareProgram` prepared. */
export function applyPrepared(host, prepared) {
  setFiles(prepared.files, prepared.modules);
  const exported = host.run(provide(prepared.file));
  return bind(exported, prepared.plans, prepared.options);
}

function bind(exported, plans, options) {
  const bound = {};
  for (const role in plans) bound[role] = callable(exported[plans[role].function], plans[role], options);
  return bound;
}

function topLevel(file, run) {
  try {
    return run();
  } catch (error) {
    const where = frames(error).length ? "" : `\n  at the top level of ${file}`;
    throw new ConfigError(`${file} failed before any function was called: ${inWords(error)}${where}`, "source");
  }
}

function chooseFunctions(as, file, exported, wanted) {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === "function");
  const has = functions.length ? `it exports the functions ${functions.join(", ")}` : "it exports no function";
  const names = FUNCTIONS[as];
  if (as === "principles") {
    if (wanted !== undefined) throw new ConfigError("principles are two functions, `ask` and `read`: leave `function` out", "function");
    const missing = names.find((name) => !functions.includes(name));
    if (missing) throw new ConfigError(`${file} as principles must export \`ask\` and \`read\`; ${has}`, "source");
    return Object.fromEntries(names.map((name) => [name, name]));
  }
  if (wanted !== undefined) {
    if (!functions.includes(wanted)) throw new ConfigError(`${file} has no function \`${wanted}\`; ${has}`, "function");
    return { [ONLY]: wanted };
  }
  const found = names.filter((name) => functions.includes(name));
  if (found.length > 1) throw new ConfigError(`${file} exports ${found.join(" and ")}: name one of them by \`function\``, "function");
  if (found.length === 0 && functions.includes("default")) found.push("default");
  if (found.length === 0) {
    const expected = names.map((name) => `\`export function ${name}(…)\``).join(" or ");
    throw new ConfigError(`${file} as a ${as} must have ${expected}, or a default export; ${has}`, "source");
  }
  return { [ONLY]: found[0] };
}

function plan(as, file, name, function_) {
  const found = parameters(function_);
  const unnamed = found?.names.find((each) => each.name === undefined);
  if (!found || unnamed) {
    throw new ConfigError(`${file}: the names of \`${name}\`'s parameters cannot be read; write them out, as in ${name}({prompt, response})`, "source");
  }
  return { function: name, called: function_.name || name, ...found, ...whatItNeeds(as, found) };
}

// What a call has to know of the names without looking at each: whether it is about all responses at once, and whether the
// metadata are to be read.
function whatItNeeds(as, { names, rest }) {
  const named = names.map(({ name }) => name);
  const group = as === "scorer" && named.includes("responses") && !named.includes("response");
  const metadata = rest || named.some((name) => name === "metadata" || !FIELDS[as].includes(name));
  return { group, metadata };
}

function optionsSchema(file, declared = {}) {
  if (typeof declared !== "object" || declared === null || Array.isArray(declared)) {
    throw new ConfigError(`${file}: \`options\` must be an object such as {tolerance: {type: "number", default: 1e-6}}`, "source");
  }
  for (const [name, schema] of Object.entries(declared)) {
    const fault = faultOfSchema(schema, `options.${name}`);
    if (fault) throw new ConfigError(`${file}: ${fault}`, "source");
    if (!Object.hasOwn(schema, "default")) continue;
    const found = violation(schema, schema.default, `the default of options.${name}`);
    if (found) throw new ConfigError(`${file}: ${found.message}`, "source");
  }
  const required = Object.keys(declared).filter((name) => !Object.hasOwn(declared[name], "default"));
  return { type: "object", properties: declared, ...(required.length && { required }), additionalProperties: false };
}

function checkedOptions(file, schema, declared = {}, given) {
  const found = violation(schema, given);
  if (found) {
    const advice = Object.keys(declared).length ? "" : `; ${file} declares none, by \`export const options = {…}\``;
    throw new ConfigError(`options of ${file}: ${found.message}${advice}`, found.key);
  }
  const defaults = Object.entries(declared).filter(([, each]) => Object.hasOwn(each, "default"));
  return { ...Object.fromEntries(defaults.map(([name, each]) => [name, each.default])), ...given };
}

/** `lib/exactMatch.ts` as `exact-match`. */
export function kebabCase(file) {
  const stem = file.split("/").pop().replace(/\.[^.]*$/, "");
  const words = stem.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return words.replace(/^-+|-+$/g, "").slice(0, 64) || "plugin";
}
