export function reward({ response }) {
  return Number(response);
}
