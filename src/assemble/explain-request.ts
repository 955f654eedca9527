// POST /api/route: the body of any door, read within its limits, and handed to the explanation.

import { isUtf8 } from "node:buffer";
import { Failure } from "../canon/failure.ts";
import { maxJsonDepth } from "../pipeline/enrol.ts";
import { bodyBytes, readBody, TooLarge } from "../wire/body.ts";
import { BrokenJson, scanObject } from "../wire/json.ts";
import type { HouseEstate } from "./estate.ts";
import { explainRoute, type RouteExplanation } from "./explain.ts";
import type { Assembled } from "./generation.ts";

/** Throws Failure. */
export async function explainRequest(
  assembled: Assembled,
  estate: HouseEstate,
  request: Request,
  doorName: string | null,
  tenant: string | null,
): Promise<RouteExplanation> {
  const body = parse(await bytesOf(request, assembled.rules.bodyLimitBytes));
  const headers = new Headers(request.headers);
  // The operator's own credential is no part of the question.
  headers.delete("authorization");
  headers.delete("x-api-key");
  headers.delete("x-goog-api-key");
  return explainRoute(assembled, estate, { body, doorName, headers, tenant });
}

async function bytesOf(request: Request, limitBytes: number): Promise<Buffer> {
  try {
    return bodyBytes(await readBody(request, limitBytes), limitBytes);
  } catch (thrown) {
    if (thrown instanceof TooLarge)
      throw new Failure(
        "too-large",
        `The body is larger than the limit of ${limitBytes} bytes (server.body_limit_mb).`,
      );
    throw new Failure("cancelled", "The request ended before its body did.", { cause: thrown });
  }
}

function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new Failure("invalid-request", "The body is not valid UTF-8.");
  try {
    // Parsing has no depth limit of its own; the scan has.
    scanObject(bytes, maxJsonDepth);
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch (thrown) {
    const why = thrown instanceof BrokenJson ? `: ${thrown.message}` : "";
    throw new Failure("invalid-request", `The body is not usable JSON${why}.`);
  }
}
