export function reward({ response }) {
  return response.repeat(2 ** 30).length;
}
