// The functions of zod that member tables describe their values with. One by one, because zod as a whole brings every language of its
// messages into the binary.

import { z } from "zod";
import type { ZodFunctions } from "./member-row.ts";

export const zodFunctions: ZodFunctions = {
  array: z.array,
  boolean: z.boolean,
  enum: z.enum,
  int: z.int,
  looseObject: z.looseObject,
  null: z.null,
  number: z.number,
  string: z.string,
  union: z.union,
  unknown: z.unknown,
};
