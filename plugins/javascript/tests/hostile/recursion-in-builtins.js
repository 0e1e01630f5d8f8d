export function reward({ response }) {
  const down = () => [2, 1].sort(() => Number('a'.replace(/a/, down)));
  return down();
}
