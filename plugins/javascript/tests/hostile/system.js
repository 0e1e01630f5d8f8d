export async function reward({ response }) {
  const fs = await import('node:fs');
  return fs.existsSync(response);
}
