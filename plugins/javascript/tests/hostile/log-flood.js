export function reward({ response }) {
  for (;;) console.log('x'.repeat(1000));
}
