// `clawgate route` when no gateway runs: the same explanation from the config alone, with every provider assumed healthy.

import { explainRoute, type RouteExplanation, type RouteQuestion } from "../../operator/route-explanation.ts";
import { openOfflineApp } from "./offline-app.ts";
import type { OfflineInput } from "./offline-config.ts";

export type OfflineExplanation = {
  readonly explanation: RouteExplanation;
  /** Null: there is no config file, so discovery supplied the config. */
  readonly configPath: string | null;
};

/** Throws ConfigProblem, or the Failure that a client would get. */
export async function explainOffline(
  input: OfflineInput,
  body: unknown,
  options: Pick<RouteQuestion, "endpointName" | "headers" | "tenant">,
): Promise<OfflineExplanation> {
  const { snapshot, services, close } = await openOfflineApp(input);
  try {
    const explanation = await explainRoute(snapshot, services, {
      ...options,
      bytes: Buffer.from(JSON.stringify(body)),
    });
    return { explanation, configPath: snapshot.loaded.path };
  } finally {
    await close();
  }
}
