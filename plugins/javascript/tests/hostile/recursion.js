export function reward({ response }) {
  const down = (level) => down(level + 1) + 1;
  return down(0);
}
