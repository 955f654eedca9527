// The names in a config that answer chats, for clients that are connected while no gateway runs.

import type { ProviderSettings } from "../../backends/settings.ts";
import { capabilitiesOf } from "../../catalog/model-capabilities.ts";
import { otherKindOf } from "../../catalog/model-kinds.ts";
import type { Config } from "../../config/schema.ts";

export function chatNames({ providers, aliases }: Config): readonly string[] {
  const ofProviders = Object.entries(providers).flatMap(([id, provider]) => [
    ...(chats(provider, provider.model) ? [id] : []),
    ...provider.models.flatMap((model) => (chats(provider, model.id) ? [model.id] : [])),
  ]);
  const known = new Set(ofProviders);
  const isOther = (to: string): boolean => {
    const [id = "", ...rest] = to.split("/");
    const provider = providers[id];
    return provider !== undefined && !chats(provider, rest.length === 0 ? provider.model : rest.join("/"));
  };
  const ofAliases = Object.entries(aliases).flatMap(([name, to]) => (isOther(to) ? [] : [name]));
  return [...new Set(["auto", ...ofAliases, ...known])];
}

function chats({ models, base_url }: ProviderSettings, model: string): boolean {
  const says = models.find((each) => each.id === model)?.capabilities;
  const known = capabilitiesOf({ baseUrl: base_url }, model);
  const facts = {
    tools: says?.tools ?? known.tools,
    vision: says?.vision ?? known.vision,
    json: says?.json ?? known.json,
    thinking: says?.thinking ?? known.thinking,
  };
  return otherKindOf(model, facts) === null;
}
