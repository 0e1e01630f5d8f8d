export async function reward({ response }) {
  return (await fetch(response)).status;
}
