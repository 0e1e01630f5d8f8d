export function reward({ response }) {
  JSON.parse('{"__proto__": {"score": 1}, "constructor": {"prototype": {"score": 1}}}');
  return 'score' in {};
}
