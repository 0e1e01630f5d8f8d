export function reward({ response }) {
  const held = [];
  for (;;) held.push(new Uint8Array(1 << 20));
}
