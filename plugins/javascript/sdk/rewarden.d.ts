/**
 * Types of programs in JavaScript and TypeScript that Rewarden runs.
 *
 * A program is an ECMAScript module whose exported function is called with what its parameters name. Types are stripped before it
 * runs: `import type {…} from "rewarden"` needs nothing at run time. Classes below are there without an import.
 */

declare global {
  /** Thrown for a task that the program is not made for: the task fails with this message and gets no score. */
  class Refuse extends Error {}

  /** Thrown by a policy that has too few usable samples for a reward. */
  class TooFewSamples extends Refuse {}

  /** Thrown by `parse` and `read` for a text that does not hold what was asked for. */
  class ParseFailure extends Error {
    constructor(message: string, kind?: "unparsable" | "out-of-scale" | "not-finite");
    /** There are scores, but not one for each response. */
    static wrongCount(expected: number, found: number): ParseFailure;
  }

  /** A seeded source of chance (SplitMix64), with the same numbers as the Rust SDK's. Not for secrets. */
  class Random {
    /** Any value will do; in a policy usually `seed`. Of a BigInt the lowest 64 bits count. */
    constructor(seed: bigint | number);
    /** The next 64 bits, from 0n to 2n ** 64n - 1n. */
    nextBits(): bigint;
    /** From 0 (inclusive) to 1 (exclusive), with 53 bits. */
    next(): number;
    /** A whole number from 0 to `bound - 1`; 0 if `bound` is 0. */
    below(bound: number): number;
    /** Puts the items in a random order, in place, and returns them. */
    shuffle<T>(items: T[]): T[];
  }
}

/** One turn of a conversation. */
export interface Message {
  role: "system" | "user" | "assistant";
  content: string;
}

/** The numbers that a sample's score may be, both ends included. */
export interface Scale {
  min: number;
  max: number;
  /** True if only whole numbers are valid scores of one sample. */
  integer: boolean;
}

/** A finite number; true is 1 and false 0. Null and undefined abstain, as `{abstain: "why"}` does with a reason. */
export type Score = number | boolean | null | undefined | { abstain: string };

/** What every function that sees a task can name. */
export interface TaskFields {
  /** The text of the last turn. */
  prompt: string;
  /** Oldest turn first; the last turn is the query. */
  messages: Message[];
  /** The task's other fields. Each of them can be named by itself, too. */
  metadata: Record<string, unknown>;
}

/** A task with the responses that are judged. */
export interface AnsweredFields extends TaskFields {
  /** At least one. A template gets them in shown order, others in the task's own. */
  responses: string[];
  /** A correct answer. A function that names it refuses tasks without one, unless it has a default. */
  reference: string;
}

/** What a scorer can name. One that names `responses` and not `response` is called once for all of them. */
export interface ScorerFields extends AnsweredFields {
  response: string;
  /** The response's place among the responses, from 0. */
  index: number;
}

/** `export function reward` or `score`, for each response. */
export type Scorer<Options = object> = (fields: ScorerFields, options: Options) => Score | Promise<Score>;

/** `export function reward` or `score` that names `responses`: a score for each. */
export type GroupScorer<Options = object> = (fields: AnsweredFields, options: Options) => Score[] | Promise<Score[]>;

/** A criterion that responses are judged by. */
export interface Principle {
  name: string;
  weight?: number | null;
  text?: string;
}

/** A score of one response under one criterion. */
export interface CriterionScore {
  criterion: string;
  /** From a parser: the response's place in shown order, from 0. Elsewhere: its index in the task's own order. */
  response: number;
  score: Score;
  reason?: string | null;
}

/** An earlier sample of the same task that a policy wants shown. */
export interface Earlier {
  id: number;
  judge?: string;
  /** For each response that it was shown, its place in this prompt; undefined for one that is not shown now. */
  places: (number | undefined)[];
  text: string;
}

/** What a template can name. */
export interface TemplateFields extends AnsweredFields {
  scale: Scale;
  /** Only for the template of a meta RM: the completion that is to be rated. */
  critique?: string;
  principles: Principle[];
  /** The ids of the criteria that are asked about; empty for all. */
  asked: string[];
  earlier: Earlier[];
}

/** A typed question to a decision model. */
export type Question = { id: string; instructions?: string } & (
  | { yesNo: { yes?: string; no?: string } }
  | { choice: { name: string; text?: string }[] }
  | { levels: string[] }
);

/** A prompt: a text for the user's turn, turns, or an object with one of `chat`, `text` and `questions`. */
export type Prompt =
  | string
  | { role: string; content: string }[]
  | (({ chat: { role: string; content: string }[] } | { text: string } | { questions: { state: string; questions: Question[] } }) & {
      /** The beginning of the model's answer; not part of the completion. */
      prefill?: string;
      constraint?: { regex: string } | { jsonSchema: string | object } | { lark: string };
      /** Generation ends before the first of these. */
      stop?: string[];
      maxTokens?: number;
      /** Alternatives with log-probabilities for every token, from 0 to 20. */
      topLogprobs?: number;
    });

/** `export function template`. */
export type Template<Options = object> = (fields: TemplateFields, options: Options) => Prompt | Promise<Prompt>;

/** A token that the model wrote, with the natural logarithm of its probability. */
export interface Token {
  text: string;
  logprob: number;
  alternatives: { text: string; logprob: number }[];
}

/** What `read` can name. */
export interface CompletionFields {
  /** The answer, without a thinking block. */
  text: string;
  /** "length" if the text may be cut anywhere. */
  finish: "stop" | "length";
  /** Empty unless the prompt asked for log-probabilities. */
  tokens: Token[];
}

/** What a parser can name. */
export interface ParserFields extends CompletionFields {
  /** The number of responses that the prompt showed. */
  shown: number;
  scale: Scale;
}

/** What a parser read. */
export interface Judgement {
  /** One for each response, in shown order. */
  scores: Score[];
  criteria?: CriterionScore[];
  /** From 0 to 1. */
  confidence?: number | null;
  /** For each response the probabilities of its possible scores. */
  distributions?: { score: number; probability: number }[][];
  principles?: Principle[];
  critique?: string | null;
}

/** `export function parse`. An exception makes the text `unparsable`. */
export type Parser<Options = object> = (fields: ParserFields, options: Options) => Judgement | Score[] | Promise<Judgement | Score[]>;

/** Why something has no result, by kind such as "unparsable" or "fuel". */
export interface Failure {
  kind: string;
  message: string;
}

/** One generation, finished: with `scores`, or with `failure`. */
export interface Sample {
  id: number;
  /** The responses that were shown, by index, in shown order. */
  order: number[];
  judge?: string;
  asked: string[];
  temperature: number;
  /** For each response of the task, in its own order; null if it was not shown or got no score. */
  scores?: (number | null)[];
  failure?: Failure;
  criteria: { criterion: string; response: number; score: number | null; reason?: string }[];
  confidence?: number;
  distributions: { score: number; probability: number }[][];
  answerLogprob?: number;
  thinkingLogprob?: number;
  /** Of the meta RM, once a step asked for it. */
  rating?: number;
  ratingFailure?: Failure;
  completionTokens: number;
}

/** What holds for the whole task of a policy. */
export interface PolicyContext {
  scale: Scale;
  /** All 64 bits: the only source of chance that a policy has. */
  seed: bigint;
  temperature: number;
  samplesLeft: number;
  /** At 0 only `finish` is possible. */
  roundsLeft: number;
  signals: { scorer: string; scores: (number | null)[] }[];
  judges: { name: string; temperature: number }[];
  hasOwnJudge: boolean;
}

/** What a policy can name. */
export interface PolicyFields extends AnsweredFields, PolicyContext {
  /** All so far, by id. */
  samples: Sample[];
  context: PolicyContext;
}

/** A sample that is asked for. */
export interface Draw {
  /** What to show, by index, in this order. */
  order: number[];
  temperature?: number;
  judge?: string;
  asked?: string[];
  show?: number[];
}

/** The end of a task. */
export interface Reward {
  /** One for each response, in the task's own order. */
  scores: Score[];
  /** Ids of the samples that the scores come from. By default those with scores that are not rejected. */
  used?: number[];
  rejected?: { sample: number; kind?: "unknown-criterion" | "missing-criterion" | "repeated-criterion" | "not-applicable" | "other"; message: string }[];
  criteria?: CriterionScore[];
  /** From 0 to 1. */
  confidence?: number | null;
  /** By names in snake case. */
  details?: Record<string, number | string | boolean>;
}

/** What is to happen next. A draw that is a list is its order alone. */
export type Step = { draw: (Draw | number[])[] } | { rate: number[] } | { finish: Reward };

/** `export function step`. */
export type Policy<Options = object> = (fields: PolicyFields, options: Options) => Step | Promise<Step>;

/** `export function ask`, for the principles of a query. */
export type Ask<Options = object> = (fields: TaskFields, options: Options) => Prompt | Promise<Prompt>;

/** `export function read`, of the principles that the model wrote. */
export type Read<Options = object> = (fields: CompletionFields, options: Options) => Principle[] | Promise<Principle[]>;

/** An option as `export const options` declares it: JSON Schema. One without a default is required. */
export interface OptionSchema {
  type?: "array" | "boolean" | "integer" | "null" | "number" | "object" | "string" | string[];
  default?: unknown;
  description?: string;
  title?: string;
  examples?: unknown[];
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: OptionSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, OptionSchema>;
  required?: string[];
  additionalProperties?: boolean | OptionSchema;
}

/** What `export const options` may be. */
export type Options = Record<string, OptionSchema>;
