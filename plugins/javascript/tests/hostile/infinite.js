export function reward({ response }) {
  return 1 / 0;
}
