// zod's issues rephrased for a person who edits a file. It must never print a value: it may be a key.

import type { z } from "zod";
import { nearest } from "../canon/nearest.ts";
import type { Path } from "./document.ts";
import { configJsonSchema, type JsonSchema, knownKeysAt } from "./json-schema.ts";
import { didYouMean } from "./problems.ts";
import { valueAt } from "./values.ts";

export type Finding = {
  readonly path: Path;
  readonly message: string;
  readonly hint: string | null;
  /** The expected type, if the finding is about a type. */
  readonly expected: string | null;
};

type Issue = z.core.$ZodIssue;

function pathOf(issue: Issue): Path {
  return issue.path.map((part) => (typeof part === "number" ? part : String(part)));
}

const typeWords: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** The branch of a union that the author most likely meant: one whose outer shape matches. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  const fitting = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 || isInside(issue)),
  );
  return fitting.toSorted((left, right) => left.length - right.length)[0] ?? null;
}

function isInside(issue: Issue): boolean {
  if (issue.code === "invalid_union") return true;
  return issue.code !== "invalid_type" && issue.code !== "invalid_value";
}

export function findingsOf(issues: readonly Issue[], value: unknown): readonly Finding[] {
  // Slow to make, and needed for a wrong key alone: once for all of them.
  let schema: JsonSchema | null = null;
  function describe(issue: Issue, parent: Path): readonly Finding[] {
    const path = [...parent, ...pathOf(issue)];
    const found = (
      message: string,
      hint: string | null = null,
      expected: string | null = null,
    ): Finding[] => [{ path, message, hint, expected }];
    const actual = valueAt(value, path);
    switch (issue.code) {
      case "unrecognized_keys": {
        schema ??= configJsonSchema();
        const known = knownKeysAt(path, schema);
        return issue.keys.map((key) => ({
          path: [...path, key],
          message: "unknown key",
          hint: didYouMean(nearest(key, known)),
          expected: null,
        }));
      }
      case "invalid_type": {
        if (actual === undefined) return found("is missing");
        const word = typeWords[issue.expected] ?? issue.expected;
        const isQuotable = issue.expected === "string" && ["number", "boolean"].includes(typeof actual);
        return found(`must be ${word}`, isQuotable ? "put it in quotes" : null, issue.expected);
      }
      case "invalid_value": {
        const options = issue.values.map(String);
        const hint = typeof actual === "string" ? didYouMean(nearest(actual, options)) : null;
        return found(`must be ${options.length === 1 ? "" : "one of "}${options.join(", ")}`, hint);
      }
      case "invalid_union": {
        if (issue.discriminator !== undefined) {
          const options = "options" in issue ? issue.options?.map(String).join(", ") : undefined;
          return found(options === undefined ? "is not a known type" : `must be one of ${options}`);
        }
        const branch = meantBranch(issue.errors);
        if (branch !== null) return branch.flatMap((inner) => describe(inner, path));
        if (issue.message !== "Invalid input") return found(issue.message);
        return issue.errors[0]?.flatMap((inner) => describe(inner, path)) ?? found("is not valid");
      }
      case "invalid_key":
        return found(`is not a valid name: ${issue.issues.map((inner) => inner.message).join(", ")}`);
      case "too_small":
        return found(
          issue.origin === "string" || issue.origin === "array"
            ? "must not be empty"
            : `must be at least ${issue.minimum}`,
        );
      case "too_big":
        return found(
          issue.origin === "string"
            ? `is longer than ${issue.maximum} characters`
            : `must be at most ${issue.maximum}`,
        );
      case "invalid_format":
        return found(`must be ${issue.message}`);
      default:
        return found(issue.message);
    }
  }

  return issues.flatMap((issue) => describe(issue, []));
}
