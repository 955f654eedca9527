// ClawGate as OpenClaw's bundled plugin `clawrouter` sees a router: the catalog of what a key may use; its budget is in
// clawrouter-usage.ts. The shapes are the plugin's (OpenClaw 2026.9.6, dist/extensions/clawrouter).

import type { ModelOffer, OfferedFormat } from "../canon/model-offer.ts";
import type { ClawrouterPort } from "../server/clawrouter-port.ts";
import { nativePath } from "../pipeline/endpoints.ts";
import type { AppServices } from "./app-services.ts";
import { clawrouterUsage, type UsageServices } from "./clawrouter-usage.ts";
import type { ConfigSnapshot } from "./config-snapshot.ts";
import { modelOffers, type OfferServices } from "./model-offers.ts";

export type ClawrouterServices = OfferServices & UsageServices & Pick<AppServices, "claudePrograms">;

export function clawrouterPort(services: ClawrouterServices, current: () => ConfigSnapshot): ClawrouterPort {
  return {
    async clawrouterCatalog({ tenant }) {
      services.claudePrograms.refreshAllModels();
      return catalogOf(await modelOffers(current(), services, tenant));
    },
    async clawrouterUsage({ tenant }) {
      const settings = current().loaded.config.tenants.find(({ name }) => name === tenant);
      return clawrouterUsage(services, tenant, settings?.limits?.budget ?? {});
    },
  };
}

type Route = { readonly path: string; readonly requestFormat: string; readonly methods: readonly string[] };

type Format = {
  readonly openaiCompatible: boolean;
  readonly displayName: string;
  readonly capabilities: readonly string[];
  readonly routes: readonly Route[];
};

/** The plugin chooses its transport by provider. */
const formats: Readonly<Record<OfferedFormat, Format>> = {
  openai: {
    openaiCompatible: true,
    displayName: "ClawGate",
    capabilities: ["llm.chat", "llm.stream"],
    routes: [],
  },
  anthropic: {
    openaiCompatible: false,
    displayName: "ClawGate",
    capabilities: ["llm.messages", "llm.stream"],
    routes: [{ path: "/v1/messages", requestFormat: "anthropic.messages", methods: ["POST"] }],
  },
  google: {
    openaiCompatible: false,
    displayName: "ClawGate",
    capabilities: ["llm.stream"],
    routes: [
      {
        path: "/v1beta/models/${model}:streamGenerateContent",
        requestFormat: "google.generate_content",
        methods: ["POST"],
      },
    ],
  },
};

/** The plugin of 2026.9.6 sends pictures only where the provider's or the model's id contains one of a few names, this one among them. */
const seeing = "sees-as-gpt-4o";

/** One provider of the catalog for each format, seeing models apart. No model's name begins with its id. */
function catalogOf(offers: readonly ModelOffer[]) {
  const groups = Object.entries(formats).flatMap(([format, rest]) =>
    [true, false].map((sees) => ({ format, sees, rest })),
  );
  const providers = groups.flatMap(({ format, sees, rest: { capabilities, ...rest } }) => {
    const models = offers.filter((offer) => offer.format === format && (offer.vision === true) === sees);
    if (models.length === 0) return [];
    const id = `clawgate-${format}${sees ? `-${seeing}` : ""}`;
    return [
      { id, nativeBaseUrl: nativePath, ...rest, models: models.map((offer) => modelOf(offer, capabilities)) },
    ];
  });
  return { providers };
}

/** Efforts that every format of the gateway takes, and fits to the target. */
const offeredEfforts = ["none", "low", "medium", "high"];

function modelOf(offer: ModelOffer, capabilities: readonly string[]) {
  const { id, name, thinking, vision, tools, json } = offer;
  return {
    id,
    upstream: id,
    displayName: name,
    capabilities: [
      ...capabilities,
      ...(tools === true ? ["llm.tools"] : []),
      ...(vision === true ? ["llm.vision"] : []),
      ...(json === true ? ["llm.json_schema"] : []),
    ],
    // Plugins before this member guess from the name.
    input_modalities: vision === true ? ["text", "image"] : ["text"],
    ...(thinking === true ? { supportedReasoningEfforts: offeredEfforts } : {}),
    ...pricingOf(offer),
  };
}

const microsPerMillion = (usd: number): number => Math.round(usd * 1e6);

function pricingOf({ price, contextWindow, maxOutput }: ModelOffer) {
  if (price === null && contextWindow === null && maxOutput === null) return {};
  return {
    pricing: {
      ...(price === null
        ? {}
        : {
            inputMicrosPerMillion: microsPerMillion(price.input),
            outputMicrosPerMillion: microsPerMillion(price.output),
            cachedInputMicrosPerMillion: microsPerMillion(price.cacheRead ?? price.input),
            cacheWrite5mInputMicrosPerMillion: microsPerMillion(price.cacheWrite ?? price.input),
          }),
      ...(contextWindow === null ? {} : { maxInputTokens: contextWindow }),
      ...(maxOutput === null ? {} : { defaultMaxOutputTokens: maxOutput }),
    },
  };
}
