// The body of an operator's request: JSON of a known shape, small and bounded. What was sent must never be in the answer: it may be
// a key.

import { z } from "zod";
import { Failure } from "../canon/failure.ts";
import { readBody, Upload } from "../pipeline/body/upload.ts";
import type { PipelineSnapshot, Services } from "../pipeline/dependencies.ts";

export type BodyReading = {
  readonly pipeline: Pick<PipelineSnapshot, "uploads" | "requestTimeoutMs">;
  readonly services: Pick<Services, "ticker" | "bodies">;
};

/** No body at all is an empty object. Throws Failure. */
export async function readSmallBody<T>(
  request: Request,
  schema: z.ZodType<T>,
  limitBytes: number,
  { pipeline, services }: BodyReading,
): Promise<T> {
  const { ticker, bodies } = services;
  const rules = { ...pipeline.uploads, limitBytes: Math.min(limitBytes, pipeline.uploads.limitBytes) };
  const upload = new Upload(request, bodies.operator, rules, ticker.monotonicMs());
  let text: string | null;
  try {
    text = decoded(await readBody(upload, ticker, pipeline.requestTimeoutMs));
  } finally {
    upload.release();
  }
  const read = schema.safeParse(parsed(text));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const param = issue === undefined ? null : issue.path.join(".");
  const unknown = issue?.code === "unrecognized_keys" ? "there is a member that is not known here" : null;
  throw new Failure(
    "invalid-request",
    `The body does not fit: ${unknown ?? issue?.message ?? "it is invalid"}.`,
    {
      param: param === "" ? null : param,
    },
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Null: not UTF-8. */
function decoded(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function parsed(text: string | null): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw new Failure("invalid-request", "The body is not JSON.");
  }
}
