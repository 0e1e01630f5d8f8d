export function reward({ response }) {
  const { constructor } = () => {};
  return constructor(`return ${response}`)();
}
