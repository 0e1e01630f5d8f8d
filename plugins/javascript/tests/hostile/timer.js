export function reward({ response }) {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
