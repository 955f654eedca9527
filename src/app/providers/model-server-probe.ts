// Whether a model server runs on this machine: one short request for its model list, without any credential.

import { maxModelLength } from "../../canon/bounds.ts";
import { canOpen, isScarcity, Scarcity } from "../../system/descriptors.ts";

const probeMs = 300;
const maxModels = 200;

/** Names that a config takes as they are: one with a blank would make it invalid, and a variable in one would be expanded. */
const isUsable = (id: string): boolean =>
  id.length <= maxModelLength && /^[^\s\p{C}]+$/u.test(id) && !id.includes("${");

/** The ids that the server lists; null if no server answers in this format. Throws Scarcity if no request could be sent. */
export async function probeModels(modelsUrl: string): Promise<readonly string[] | null> {
  try {
    const answer = await fetch(modelsUrl, {
      signal: AbortSignal.timeout(probeMs),
      redirect: "manual",
      headers: { accept: "application/json" },
    });
    if (!answer.ok) return null;
    const body: unknown = await answer.json();
    if (typeof body !== "object" || body === null || !("data" in body) || !Array.isArray(body.data))
      return null;
    const ids = body.data.flatMap((each: unknown) =>
      typeof each === "object" &&
      each !== null &&
      "id" in each &&
      typeof each.id === "string" &&
      isUsable(each.id)
        ? [each.id]
        : [],
    );
    return ids.slice(0, maxModels);
  } catch (error) {
    if (isScarcity(error) || !canOpen(2)) throw new Scarcity(error);
    // No server, a slow one and another kind of server all mean "not found".
    return null;
  }
}
