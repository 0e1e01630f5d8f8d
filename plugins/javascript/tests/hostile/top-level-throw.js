throw new Error('no');
export function reward({ response }) {
  return 1;
}
