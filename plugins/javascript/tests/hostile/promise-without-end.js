export function reward({ response }) {
  return new Promise(() => {});
}
