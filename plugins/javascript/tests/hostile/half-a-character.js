export function reward({ response }) {
  throw new Error('a\ud800b');
}
