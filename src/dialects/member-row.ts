// One row of a member table (member-table.ts): everything known about one member of a request.

import type { z } from "zod";
import type { JsonMember } from "../wire/json.ts";

export type ZodFunctions = Pick<
  typeof z,
  "array" | "boolean" | "enum" | "int" | "looseObject" | "null" | "number" | "string" | "union" | "unknown"
>;

export type MemberKind = JsonMember["kind"];

export type MemberCheck<T = unknown> = {
  readonly kinds: readonly MemberKind[];
  /** What passes, as the manual says it. */
  readonly wanted: string;
  /** Throws Failure for a value of another type, and for a number that is out of bounds. Null and undefined mean absent. */
  readonly read: (value: unknown, name: string) => T;
  /** zod's functions are a parameter: schemas are created when the description is requested, not at every start. */
  readonly schema?: (zod: ZodFunctions) => z.ZodType;
};

/** What happens to a member. */
export type MemberHome =
  /** The decoder reads it into the canonical request; what it leaves of the member travels in extras under the same name. */
  | "canonical"
  /** It travels in extras as the client wrote it, and goes to models of the same format. */
  | "extras"
  /** Refused: it would choose the upstream, which only the operator may do. */
  | "upstream"
  /** Refused, with the member that replaced it. */
  | "obsolete";

/** A value that no other format can carry. */
export type MemberRefusal = {
  refuses(value: unknown): boolean;
  sentence(name: string): string;
  /** Describes these values in the manual. */
  readonly when: string;
};

/** What a model of another format gets. */
export type MemberElsewhere =
  /** The same, in that format's form. */
  | "carried"
  /** Nothing, and the answer may differ: noted as `<name>-dropped`. */
  | "noted"
  /** Nothing, and its effect is unknown here: noted as `member-dropped:<name>`, like members without a row. */
  | "named"
  /** Nothing, and the answer is the same. */
  | "silent"
  | MemberRefusal;

export type MemberRow<T = unknown> = {
  /** Absent: any value passes. */
  readonly check?: MemberCheck<T>;
  readonly home: MemberHome;
  readonly elsewhere: MemberElsewhere;
  /** How much of the check applies to a body that passes through; absent: type and number bounds. */
  readonly passthrough?: "kind-only" | "unchecked";
  /** The gateway reads or changes it: with a duplicate, the vendor might read the other one. */
  readonly isUnique?: boolean;
  /** Null is an error instead of meaning absent. */
  readonly isRequired?: boolean;
  /** Where the body passes through, another member may replace a required one: there null means absent. */
  readonly nullPassesThrough?: boolean;
  /** The encoder handles the extras of this name itself. */
  readonly isRewritten?: boolean;
  /** The value with which nothing is lost where the member is left out. */
  readonly usual?: unknown;
  /** For an obsolete member: what to use instead. */
  readonly instead?: string;
  /** Further remarks for the manual. */
  readonly docs?: string;
};

export type MemberRows = Readonly<Record<string, MemberRow>>;
