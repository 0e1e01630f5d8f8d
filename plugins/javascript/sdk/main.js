// Where the runtime enters the SDK: `start` makes the functions that calls of the host go to.

import { CONFIGURATION, checkConfiguration } from "./configuration.js";
import { makeConsole } from "./console.js";
import { ConfigError, ParseFailure, Refuse, TooFewSamples, configError, setSettle } from "./failures.js";
import { provide, resolve } from "./files.js";
import { parse } from "./parser.js";
import { next } from "./policy.js";
import { ask, read } from "./principles.js";
import { applyPrepared, prepareProgram } from "./program.js";
import { Random } from "./random.js";
import { scoreResponses } from "./scorer.js";
import { render } from "./template.js";

const VERSION = "0.1.0";
// How the text of a prepared program begins. The build's tag follows, then the program. It is JSON, but read without a parser,
// which would take longer than the call.
const PREPARED = '{"prepared":"';

/**
 * Puts the SDK's names into the realm and returns the handlers, under the names that the contract has in JavaScript.
 * `host` are the engine's functions, `build` the tag of this build of the runtime.
 */
export function start(host, build) {
  Object.assign(globalThis, { console: makeConsole(host.log), ParseFailure, Random, Refuse, TooFewSamples });
  setSettle(host.settle);

  createBuiltins(globalThis);

  let program;
  // What the functions of the contract have in common: the program that this instance was configured with.
  const handler = (run) => (...values) => run(program, ...values);
  return {
    describe: () => ({
      name: "javascript",
      version: VERSION,
      purpose: "Runs a function in JavaScript or TypeScript as a scorer, template, parser, policy or source of principles.",
      configSchema: JSON.stringify(CONFIGURATION),
    }),
    prepare: (json) =>
      configError(() => {
        const { prepared, description, interfaces } = prepareProgram(host, checkConfiguration(json));
        return { json: `${PREPARED}${build}${host.pack(prepared)}"}`, description, interfaces };
      }),
    configure: (json) =>
      configError(() => {
        const given = prepared(host, build, json);
        program = given ? applyPrepared(host, given) : prepareProgram(host, checkConfiguration(json)).program;
      }),
    provide,
    resolve,
    scoreResponses: handler(scoreResponses),
    render: handler(render),
    parse: handler(parse),
    next: handler(next),
    ask: handler(ask),
    read: handler(read),
  };
}

// What `prepare` made, of its text; undefined for a configuration. Bytecode of another build is never read.
function prepared(host, build, json) {
  if (!json.startsWith(PREPARED)) return undefined;
  const start = PREPARED.length + build.length;
  const tag = json.slice(PREPARED.length, start);
  if (tag !== build) throw new ConfigError(`the program was prepared by build ${tag} of the JavaScript runtime, this is ${build}: prepare it again`);
  return host.unpack(json, start);
}

// The engine makes a built-in function when it is first asked for. Asking for all of them at the build spares every call that.
function createBuiltins(object, seen = new Set()) {
  if ((typeof object !== "object" && typeof object !== "function") || object === null || seen.has(object)) return;
  seen.add(object);
  for (const key of Reflect.ownKeys(object)) {
    const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key);
    for (const each of [value, get, set]) createBuiltins(each, seen);
  }
  createBuiltins(Reflect.getPrototypeOf(object), seen);
}
