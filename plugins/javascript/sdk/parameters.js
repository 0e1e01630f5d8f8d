// What a function asks for, read from its text: JavaScript does not tell the names of parameters otherwise.

const OPEN = "([{";
const CLOSE = ")]}";
const QUOTES = "'\"`";

// The place after the string, comment or regular expression that begins at `at`, or `at` if none does.
function skip(text, at, before) {
  const two = text.slice(at, at + 2);
  if (two === "//") return end(text.indexOf("\n", at), text);
  if (two === "/*") return end(text.indexOf("*/", at + 2), text) + 2;
  const quote = text[at];
  // A slash after a value divides; elsewhere it begins a regular expression.
  if (!QUOTES.includes(quote) && !(quote === "/" && "=(,[{:?&|".includes(before))) return at;
  let inClass = false;
  for (let place = at + 1; place < text.length; place++) {
    if (text[place] === "\\") place++;
    else if (quote === "/" && "[]".includes(text[place])) inClass = text[place] === "[";
    else if (text[place] === quote && !inClass) return place + 1;
  }
  return text.length;
}

const end = (place, text) => (place < 0 ? text.length : place);

// Splits a list at its commas, without comments, up to the bracket that closes it. `at` is the place of its first character.
function items(text, at) {
  const found = [];
  let item = "";
  let depth = 0;
  let before = "(";
  for (let place = at; place < text.length; ) {
    const after = skip(text, place, before);
    const sign = text[place];
    if (after > place) {
      if (!/^\/[/*]/.test(text.slice(place, place + 2))) item += text.slice(place, after);
      place = after;
      before = "x";
      continue;
    }
    if (CLOSE.includes(sign) && depth-- === 0) break;
    if (OPEN.includes(sign)) depth++;
    if (sign === "," && depth === 0) {
      found.push(item.trim());
      item = "";
    } else item += sign;
    if (!/\s/.test(sign)) before = sign;
    place++;
  }
  if (item.trim()) found.push(item.trim());
  return found;
}

// `name`, `name = default`, `name: alias`, `"name": alias`, `...rest`, or a pattern.
function named(item) {
  if (item.startsWith("...")) return { rest: true };
  const name = /^(["'])([^\\]*?)\1\s*:/.exec(item)?.[2] ?? /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/u.exec(item)?.[0];
  return { name, pattern: "{[".includes(item[0]), optional: hasDefault(item) };
}

// Whether there is an equals sign outside of all brackets. The first one there is can only be that of the default.
function hasDefault(item) {
  let depth = 0;
  let before = "(";
  for (let place = 0; place < item.length; ) {
    const sign = item[place];
    const after = skip(item, place, before);
    if (depth === 0 && sign === "=") return true;
    if (OPEN.includes(sign)) depth++;
    if (CLOSE.includes(sign)) depth--;
    before = sign;
    place = after > place ? after : place + 1;
  }
  return false;
}

function parameterList(text) {
  const single = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u.exec(text);
  if (single) return [single[1]];
  for (let place = 0, before = "("; place < text.length; ) {
    if (text[place] === "(") return items(text, place + 1);
    const after = skip(text, place, before);
    before = text[place];
    place = after > place ? after : place + 1;
  }
  return undefined;
}

/**
 * The parameters of a function. `byName` is true if the first is an object pattern, whose properties are then the names, or
 * is called `task`. Each name is `{name, optional}`; `rest` is true if the pattern takes whatever else there is, and
 * `takesOptions` if the second parameter of such a function is there. Returns undefined for a function whose text is not
 * known, such as a bound one.
 */
export function parameters(function_) {
  const text = Function.prototype.toString.call(function_);
  const list = /\[native code\]\s*}$/.test(text) ? undefined : parameterList(text);
  if (!list) return undefined;
  const all = list.map(named);
  const [first] = all;
  if (first?.pattern && list[0][0] === "{") {
    const inside = items(list[0], 1).map(named);
    const names = inside.filter(({ rest }) => !rest).map(({ name, optional }) => ({ name, optional }));
    return { byName: true, names, rest: names.length < inside.length, takesOptions: all.length > 1 };
  }
  if (first?.name === "task") return { byName: true, names: [], rest: true, takesOptions: all.length > 1 };
  const names = all.map(({ name, optional, rest, pattern }, place) => {
    // A pattern in the last place can only be that of the options.
    if (pattern && place === all.length - 1) return { name: "options", optional };
    return { name, optional: optional || rest === true };
  });
  return { byName: false, names, rest: false, takesOptions: false };
}
