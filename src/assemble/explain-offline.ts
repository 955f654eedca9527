// `clawgate route` when no gateway runs: the same explanation from the config alone, where every provider counts as well.

import { explainRoute, type RouteExplanation, type RouteQuestion } from "./explain.ts";
import { openOffline, type OfflineInput } from "./offline.ts";

export type OfflineExplanation = {
  readonly explanation: RouteExplanation;
  /** Null: there is no config file, so it is what discovery found. */
  readonly configPath: string | null;
};

/** Throws ConfigProblem, or the Failure that a client would get. */
export async function explainOffline(
  input: OfflineInput,
  body: unknown,
  options: Pick<RouteQuestion, "doorName" | "headers" | "tenant">,
): Promise<OfflineExplanation> {
  const { assembled, estate, close } = await openOffline(input);
  try {
    const explanation = await explainRoute(assembled, estate, { ...options, body });
    return { explanation, configPath: assembled.loaded.path };
  } finally {
    await close();
  }
}
