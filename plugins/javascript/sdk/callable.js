// Calls a function of the program with what its parameters ask for by name.

import { Refuse, settle } from "./failures.js";

/**
 * A function that takes `fields`, an object of what a call is about, and calls the program's function with those that it
 * names. A name that is no field means an entry of the task's metadata. One that is neither, and has no default in the
 * program, is a reason to refuse. `needs(name)` says whether the function names a field.
 */
export function callable(function_, plan, options) {
  const { byName, names, rest, takesOptions } = plan;
  const all = byName && rest;

  const call = (fields, metadata = none) => {
    const value = (name, optional) => {
      if (Object.hasOwn(fields, name)) {
        if (fields[name] !== undefined || optional || NEVER_NEEDED.has(name)) return fields[name];
      } else if (name === "options") {
        return options;
      } else {
        const entries = metadata();
        if (Object.hasOwn(entries, name)) return entries[name];
        if (optional) return undefined;
      }
      throw new Refuse(`the task has no \`${name}\`, which ${plan.function} asks for`);
    };
    if (!byName) return settle(function_(...names.map(({ name, optional }) => value(name, optional))));
    const given = all ? { ...metadata(), ...fields } : {};
    for (const { name, optional } of names) {
      const found = value(name, optional);
      // A property that is there and undefined takes its default as well.
      given[name] = found;
    }
    return settle(takesOptions ? function_(given, options) : function_(given));
  };
  call.needs = (name) => all || names.some((each) => each.name === name);
  call.function = plan.function;
  return call;
}

// Fields that are none where there is nothing to say, which a function that names them has to expect.
const NEVER_NEEDED = new Set(["critique"]);

const none = () => ({});
