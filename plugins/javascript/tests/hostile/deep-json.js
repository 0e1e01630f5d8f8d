export function reward({ response }) {
  return JSON.parse('['.repeat(1_000_000)).length;
}
