/** The last number in a text. */
export function lastNumber(text: string): number | undefined {
  const found = text.match(/-?\d+(?:\.\d+)?/g);
  return found ? Number(found.at(-1)) : undefined;
}
