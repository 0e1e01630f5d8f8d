import assert from "node:assert/strict";
import { test } from "node:test";

import { kebabCase } from "../../sdk/program.js";
import { purpose } from "../../sdk/purpose.js";

test("the comment before the function comes first, then the file's first one", () => {
  for (const [source, expected] of [
    ["/** One. */\nexport function reward() {}", "One."],
    ["/* Two\n * more */ export const reward = () => 1", "Two"],
    ["// Three.\n// More.\nexport async function reward() {}", "Three."],
    ["/** The file. */\nconst a = 1;\n/**\n * The function.\n * @param a\n */\nexport function reward() {}", "The function."],
    ["/** The file. */\nconst a = 1;\nexport function reward() {}", "The file."],
    ["#!/usr/bin/env node\n// The file.\nexport function reward() {}", "The file."],
    ["/** @param a */\nexport function reward() {}", "The function reward of a.js."],
    ["/** Other. */\nfunction other() {}\nexport function reward() {}", "Other."],
    ["export function reward() {}", "The function reward of a.js."],
  ]) {
    assert.equal(purpose(source, "a.js", "reward"), expected, source);
  }
  assert.equal(purpose("/** D. */\nexport default () => 1", "a.js", "default"), "D.");
});

test("names are in kebab case, of at most 64 bytes", () => {
  for (const [file, expected] of [["lib/exactMatch.ts", "exact-match"], ["reward_v2.mjs", "reward-v2"], ["ä.js", "plugin"], [`${"a".repeat(80)}.js`, "a".repeat(64)]]) {
    assert.equal(kebabCase(file), expected);
  }
});
