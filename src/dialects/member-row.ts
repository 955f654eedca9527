// What is known of one member of a request: the row of a member table (member-table.ts).

import type { z } from "zod";
import type { JsonMember } from "../wire/json.ts";

export type ZodFunctions = Pick<
  typeof z,
  "array" | "boolean" | "enum" | "int" | "looseObject" | "null" | "number" | "string" | "union" | "unknown"
>;

export type MemberKind = JsonMember["kind"];

export type MemberCheck<T = unknown> = {
  readonly kinds: readonly MemberKind[];
  /** What passes, in words for the manual. */
  readonly wanted: string;
  /** Throws Failure for a value of another kind, and for a number that is out of bounds. Null and undefined mean absent. */
  readonly read: (value: unknown, name: string) => T;
  /** zod is handed in: its objects are made when the description is asked for, not at every start. */
  readonly schema?: (zod: ZodFunctions) => z.ZodType;
};

/** Where a member goes. */
export type MemberHome =
  /** The decoder gives it a place in the canonical request; what it leaves of the member travels in extras under the same name. */
  | "canonical"
  /** It travels in extras as the client wrote it, and goes to models of the same format. */
  | "extras"
  /** It would choose the upstream, which is the operator's to choose: refused. */
  | "upstream"
  /** Refused, with the member that replaced it. */
  | "obsolete";

/** A value that no other format can carry. */
export type MemberRefusal = {
  refuses(value: unknown): boolean;
  sentence(name: string): string;
  /** Which values, for the manual. */
  readonly when: string;
};

/** What a model behind another format gets of it. */
export type MemberElsewhere =
  /** The same in that format's own words. */
  | "said"
  /** Nothing, and the answer may differ: noted as `<name>-dropped`. */
  | "noted"
  /** Nothing, and its effect is unknown here: noted as `member-dropped:<name>`, as members without a row are. */
  | "named"
  /** Nothing, and the answer is the same. */
  | "silent"
  | MemberRefusal;

export type MemberRow<T = unknown> = {
  /** Absent: any value passes. */
  readonly check?: MemberCheck<T>;
  readonly home: MemberHome;
  readonly elsewhere: MemberElsewhere;
  /** How much of the check a body gets that passes through; absent: kind and bounds of numbers. */
  readonly passthrough?: "kind-only" | "unchecked";
  /** We read or change it: where a body held two of it, the vendor might read the other one. */
  readonly isUnique?: boolean;
  /** Null is not the same as absent, but wrong. */
  readonly isRequired?: boolean;
  /** Where the body passes through, another member may stand in for a required one: there null means absent. */
  readonly nullPassesThrough?: boolean;
  /** The encoder writes what extras hold under this name in its own way. */
  readonly isRewritten?: boolean;
  /** The value with which nothing is lost where the member is left out. */
  readonly usual?: unknown;
  /** Of an obsolete member: what to use. */
  readonly instead?: string;
  /** What there is to know about it beyond its kind. */
  readonly docs?: string;
};

export type MemberRows = Readonly<Record<string, MemberRow>>;
