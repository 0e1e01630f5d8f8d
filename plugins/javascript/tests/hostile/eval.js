export function reward({ response }) {
  return eval(response);
}
