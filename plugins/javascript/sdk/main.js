// Where the runtime enters the SDK: `start` makes the functions that calls of the host go to.

import { CONFIGURATION, checkConfiguration } from "./configuration.js";
import { makeConsole } from "./console.js";
import { ParseFailure, Refuse, TooFewSamples, configError, settle } from "./failures.js";
import { resolve } from "./files.js";
import { parse } from "./parser.js";
import { next } from "./policy.js";
import { ask, read } from "./principles.js";
import { applyPrepared, prepareProgram } from "./program.js";
import { Random } from "./random.js";
import { scoreResponses } from "./scorer.js";
import { render } from "./template.js";

const VERSION = "0.1.0";

/**
 * Puts the SDK's names into the realm and returns the handlers, under the names that the contract has in JavaScript.
 * `host` are the engine's functions, `build` the tag of this build of the runtime.
 */
export function start(host, build) {
  Object.assign(globalThis, { console: makeConsole(host.log), ParseFailure, Random, Refuse, TooFewSamples });
  settle.with(host.settle);

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
        const { prepared, description, interfaces } = prepareProgram(host, build, checkConfiguration(json));
        return { json: JSON.stringify(prepared), description, interfaces };
      }),
    configure: (json) =>
      configError(() => {
        const given = JSON.parse(json);
        if (given.prepared === undefined) program = prepareProgram(host, build, checkConfiguration(json)).program;
        else program = applyPrepared(host, build, given);
      }),
    resolve: (importer, specifier) => resolve(importer, specifier),
    scoreResponses: handler(scoreResponses),
    render: handler(render),
    parse: handler(parse),
    next: handler(next),
    ask: handler(ask),
    read: handler(read),
  };
}
