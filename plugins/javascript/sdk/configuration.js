// The configuration that the host writes from pack.toml: which program, as what, with which options.

import { ConfigError } from "./failures.js";
import { violation } from "./schema.js";

/** The places in a pack that a program can have. */
export const PLACES = ["scorer", "template", "parser", "policy", "principles"];

/** The JSON Schema of the configuration, as `describe` gives it. */
export const CONFIGURATION = {
  type: "object",
  properties: {
    as: { enum: PLACES, description: "The place in the pack that the program has." },
    file: { type: "string", default: "plugin.js", description: "The program's file name, for messages; .ts for TypeScript." },
    source: { type: "string", description: "The text of the file: an ECMAScript module." },
    function: { type: "string", description: "The exported function to call, unless its name says what it is." },
    files: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "Other files that the program imports, by their path from it.",
    },
    options: { type: "object", description: "The options of the program." },
  },
  required: ["as", "source"],
  additionalProperties: false,
};

/** Reads a configuration. Throws a ConfigError with the key if it does not fit the schema. */
export function checkConfiguration(json) {
  let given;
  try {
    given = JSON.parse(json);
  } catch (error) {
    throw new ConfigError(`the configuration is not JSON: ${error.message}`);
  }
  const found = violation(CONFIGURATION, given);
  if (found) throw new ConfigError(found.message, found.key);
  return { file: CONFIGURATION.properties.file.default, files: {}, options: {}, ...given };
}
