// Which file an import means, and what is done to a file before it is compiled.

import { ConfigError } from "./failures.js";

const TYPESCRIPT = /\.m?ts$/;
const JAVASCRIPT = /\.m?js$/;

// The files of the program and their bytecodes, in the same order.
let known = [];
let compiled = [];

/** Says which files there are, with their bytecodes. Imports are resolved among them. */
export function setFiles(names, bytecodes) {
  known = names;
  compiled = bytecodes;
}

/** The bytecode of a file that `resolve` returned. */
export function provide(file) {
  return compiled[known.indexOf(file)];
}

/**
 * The file that `specifier` means in `importer`: the path itself, or the path with an ending, or a .ts file under the .js name
 * that it would compile to. Throws a ReferenceError that names what there is.
 */
export function resolve(importer, specifier) {
  const parts = [];
  const relative = /^\.\.?\//.test(specifier);
  for (const part of relative ? `${importer}/../${specifier}`.split("/") : []) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  const path = parts.join("/");
  const found = [path, `${path}.js`, `${path}.ts`, path.replace(/\.(m?)js$/, ".$1ts")].find((each) => known.includes(each));
  if (relative && found) return found;
  const others = known.filter((name) => name !== importer).join(", ") || "none";
  const advice = relative ? "list it under `files`" : "packages cannot be imported: bundle them into the file";
  throw new ReferenceError(`${importer} imports "${specifier}", which is not there; ${advice}. Other files of the program: ${others}`);
}

/** The ECMAScript module of a file: without types, or with a JSON text as its default export. */
export function asModule(host, name, source) {
  if (name.endsWith(".json")) return `export default ${JSON.stringify(JSON.parse(source))};`;
  if (JAVASCRIPT.test(name)) return source;
  if (!TYPESCRIPT.test(name)) throw new ConfigError(`${name} must end in .js, .mjs, .ts, .mts or .json`);
  try {
    return host.strip(source, name);
  } catch (error) {
    throw syntaxError(name, source, error);
  }
}

/** Compiles a file to bytecode. `keepSource` leaves the texts of functions in it. */
export function compile(host, name, source, module, keepSource) {
  try {
    return host.compile(module, name, keepSource);
  } catch (error) {
    throw syntaxError(name, source, error);
  }
}

// The engine tells the place in the stack, the stripper at the end of its message.
function syntaxError(name, source, error) {
  const place = /:(\d+)(?::(\d+))?\)?$/m.exec(String(error.stack).split("\n")[0]) ?? /\((\d+):(\d+)\)/.exec(error.message);
  const message = String(error.message).replace(/^Error transforming [^:]*: /, "").replace(/ ?\(\d+:\d+\)$/, "");
  if (!place) return new ConfigError(`${name}: ${error.name}: ${message}`, "source");
  const line = source.split("\n")[Number(place[1]) - 1] ?? "";
  return new ConfigError(`${name}:${place[1]}: SyntaxError: ${message}\n  ${line.trim().slice(0, 200)}`, "source");
}
