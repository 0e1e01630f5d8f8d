// Chance that repeats.

const BITS = 64;

/**
 * SplitMix64 (Steele, Lea and Flood, 2014), with the same numbers as the Rust SDK's `Random`: the same seed gives the same
 * numbers on every machine. Not for secrets.
 */
export class Random {
  #state;

  /** Starts from a seed: a BigInt such as a policy's `seed`, or a whole number. */
  constructor(seed) {
    this.#state = BigInt.asUintN(BITS, BigInt(seed));
  }

  /** The next 64 bits as a BigInt, each value as likely as any other. */
  nextBits() {
    this.#state = BigInt.asUintN(BITS, this.#state + 0x9e3779b97f4a7c15n);
    let bits = this.#state;
    bits = BigInt.asUintN(BITS, (bits ^ (bits >> 30n)) * 0xbf58476d1ce4e5b9n);
    bits = BigInt.asUintN(BITS, (bits ^ (bits >> 27n)) * 0x94d049bb133111ebn);
    return bits ^ (bits >> 31n);
  }

  /** A number from 0 (inclusive) to 1 (exclusive), with 53 bits. */
  next() {
    return Number(this.nextBits() >> 11n) / 2 ** 53;
  }

  /** A whole number from 0 to `bound - 1`, each as likely as any other; 0 if `bound` is 0. */
  below(bound) {
    const count = BigInt(bound);
    // Lemire's method: the high half of a product is uniform once the low halves that would favour some results are drawn again.
    const unfair = count === 0n ? 0n : BigInt.asUintN(BITS, -count) % count;
    for (;;) {
      const product = this.nextBits() * count;
      if (BigInt.asUintN(BITS, product) >= unfair) return Number(product >> 64n);
    }
  }

  /** Puts the items of an array in a random order, in place, each order as likely as any other (Fisher and Yates). */
  shuffle(items) {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [items[last], items[other]] = [items[other], items[last]];
    }
    return items;
  }
}
