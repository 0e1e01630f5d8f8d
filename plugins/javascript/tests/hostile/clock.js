export function reward({ response }) {
  return Date.now() + new Date().getTime();
}
