// The models of the config as OpenClaw is told of them, for commands that write OpenClaw's config when no gateway runs.

import type { ModelOffer } from "../../canon/model-offer.ts";
import { modelOffers } from "../model-offers.ts";
import { openOfflineApp } from "./offline-app.ts";
import type { OfflineInput } from "./offline-config.ts";

/** What a tenant may use; null, or a name that the config does not have: everything. */
export type OffersFor = (tenant: string | null) => Promise<readonly ModelOffer[]>;

/** Throws ConfigProblem. */
export async function offlineOffers(input: OfflineInput): Promise<OffersFor> {
  const { snapshot, services, close } = await openOfflineApp(input);
  // Neither names nor prices need the records.
  await close();
  return (tenant) => modelOffers(snapshot, services, tenant);
}
