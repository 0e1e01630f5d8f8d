export async function reward({ response }) {
  for (;;) await response;
}
