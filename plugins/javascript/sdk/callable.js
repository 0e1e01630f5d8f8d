// Calls a function of the program with what its parameters ask for by name.

import { Refuse, settle } from "./failures.js";

// Fields that are none where there is nothing to say, which a function that names them has to expect.
const MAY_BE_NONE = new Set(["critique"]);

/**
 * Makes a function of `(fields, metadata)` that calls the program's function with those of the fields that it names. A name that
 * is no field means an entry of the task's metadata, an object that is read only if `plan.metadata` says so. What is neither there
 * nor optional is a reason to refuse.
 */
export function callable(function_, plan, options) {
  const { byName, names, rest, takesOptions } = plan;

  const value = (name, optional, fields, metadata) => {
    if (name in fields) {
      if (fields[name] !== undefined || optional || MAY_BE_NONE.has(name)) return fields[name];
    } else if (name === "options") {
      return options;
    } else if (metadata !== undefined && Object.hasOwn(metadata, name)) {
      return metadata[name];
    } else if (optional) {
      return undefined;
    }
    throw new Refuse(`the task has no \`${name}\`, which ${plan.called} asks for`);
  };

  const call = (fields, metadata) => {
    // Loops by index, and `apply`: an instance lives for one call, which pays for every closure, iterator and spread.
    if (!byName) {
      const values = [];
      for (let i = 0; i < names.length; i++) values[i] = value(names[i].name, names[i].optional, fields, metadata);
      return settle(function_.apply(undefined, values));
    }
    const given = rest ? { ...metadata, ...fields } : {};
    for (let i = 0; i < names.length; i++) given[names[i].name] = value(names[i].name, names[i].optional, fields, metadata);
    return settle(takesOptions ? function_(given, options) : function_(given));
  };
  call.plan = plan;
  return call;
}
