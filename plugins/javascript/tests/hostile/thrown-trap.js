export function reward({ response }) {
  throw { get message() { throw this; }, toString() { throw this; } };
}
