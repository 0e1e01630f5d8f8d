// What a program says that it is for, in its comments.

// The first line of text of a comment, without its signs. `undefined` if it has none.
function firstLine(comment) {
  const lines = comment.replace(/^\/\*+|\*\/$/g, "").split("\n");
  return lines.map((line) => line.replace(/^\s*(\*|\/\/+)?\s*/, "").trim()).find((line) => line && !line.startsWith("@"));
}

/** The first line of the comment before the function, else of the one that the file begins with, else what it is. */
export function purpose(source, file, name) {
  const comment = String.raw`(\/\*(?:[^*]|\*(?!\/))*\*\/|(?:\/\/[^\n]*\n\s*)+)`;
  const exported = name === "default" ? String.raw`export\s+default\b` : String.raw`export\s+(?:async\s+)?(?:function\*?|const|let|var)\s+${name}\b`;
  const before = new RegExp(`${comment}\\s*${exported}`).exec(source);
  const atStart = new RegExp(`^\\s*(?:#![^\\n]*\\n)?\\s*${comment}`).exec(source);
  return (before && firstLine(before[1])) || (atStart && firstLine(atStart[1])) || `The function ${name} of ${file}.`;
}
