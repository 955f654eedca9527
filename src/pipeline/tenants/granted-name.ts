// The model name to route by for a tenant with `models`: as the config spells it, however the client wrote it. Pure; it must
// never let a spelling lead to a model that the tenant may not use.

import { Failure } from "../../canon/failure.ts";
import type { Router } from "../../routing/router.ts";
import type { ModelGrant } from "./tenant-policy.ts";

type KnownNames = Pick<Router, "isAuto" | "isDefault" | "configName" | "targetOf">;

/** Throws Failure unknown-model. */
export function grantedName(router: KnownNames, models: ModelGrant, written: string): string {
  // A grant of `claude-*` does not include an alias that is only listed to Claude Code under such a name.
  const name = router.configName(written);
  const spelled = models.spelled(name);
  // An unknown name is answered by a default target: that target is checked, whatever the name looks like.
  if (spelled !== null && !router.isDefault(spelled)) {
    const target = router.targetOf(spelled);
    if (target !== null && !models.runs(target)) throw modelNotGranted(name);
    return spelled;
  }
  if (router.isAuto(name)) {
    if (models.hasAuto) return name;
    throw modelNotGranted(name);
  }
  const target = router.targetOf(name);
  const model = target === null ? null : models.modelAt(target);
  if (target === null || model === null || !models.runs(target)) throw modelNotGranted(name);
  if (model === target.model) return name;
  const routed = `${target.provider}/${model}`;
  const meant = router.targetOf(routed);
  // An alias may have this name.
  if (meant?.provider !== target.provider || meant.model !== model) throw modelNotGranted(name);
  return routed;
}

export function modelNotGranted(name: string): Failure {
  const shown = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  return new Failure(
    "unknown-model",
    `The model "${shown}" does not exist here, or this key may not use it. GET /v1/models lists the names that work.`,
    { param: "model", code: "model_not_found" },
  );
}
