import assert from "node:assert/strict";
import { test } from "node:test";

import { Random } from "../../sdk/random.js";

test("the numbers are those of the published generator, and of the Rust SDK", () => {
  const random = new Random(1_234_567n);
  const expected = [6_457_827_717_110_365_317n, 3_203_168_211_198_807_973n, 9_817_491_932_198_370_423n, 4_593_380_528_125_082_431n];
  assert.deepEqual(expected.map(() => random.nextBits()), expected);
});

test("every order of three comes up about equally often", () => {
  const random = new Random(1);
  const counts = new Map();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle([0, 1, 2]).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  // Expected 1000 each, standard deviation 29: five of them is a safe margin.
  for (const count of counts.values()) assert.ok(count >= 855 && count <= 1145, String([...counts]));
});

test("numbers stay below their bound", () => {
  const random = new Random(2n ** 64n - 1n);
  for (const bound of [1, 2, 3, 1000, 2 ** 53 - 1]) {
    for (let i = 0; i < 100; i++) {
      const number = random.below(bound);
      assert.ok(Number.isInteger(number) && number >= 0 && number < bound);
    }
  }
  assert.equal(random.below(0), 0);
  for (let i = 0; i < 100; i++) assert.ok(random.next() < 1);
});
