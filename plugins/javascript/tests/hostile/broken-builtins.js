export function reward({ response }) {
  Object.prototype.val = 'polluted';
  Array.prototype.push = () => 9;
  Array.prototype[Symbol.iterator] = undefined;
  return 0.5;
}
