export function reward({ response }) {
  for (;;);
}
