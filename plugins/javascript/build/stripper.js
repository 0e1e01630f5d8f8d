// Types out of TypeScript, as a script of its own that the runtime runs only when a .ts file is prepared.

import { transform } from "sucrase/dist/esm/index.js";

/** The source without its types. Lines stay where they are. Throws a SyntaxError with the place at the end of its message. */
export function strip(source, file) {
  return transform(source, { transforms: ["typescript"], disableESTransforms: true, filePath: file }).code;
}
