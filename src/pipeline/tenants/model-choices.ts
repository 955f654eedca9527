// The members of a request by which a client could choose, add or change models at the upstream, beside `model` itself:
// from the documentation of routers, gateways and vendors. A table only: a new member is a new line here.  Names are
// compared ignoring case, underscores and dashes: some upstreams accept `Fallback_Models` as well.

/** The form in which member names are compared. */
export function normalizedName(key: string): string {
  // Case-insensitive parsers also match the long s and the Kelvin sign to letters.
  return key
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "");
}

/** Top-level members, and those of `extra_body` and similar members, which upstreams spread over the body. */
const whole: readonly RegExp[] = [
  // OpenRouter, and others that copied it: models, route, provider, preset, plugins (auto-router, fusion, pareto-router), transforms.
  /^(?:models|route|router|routing|provider|providers|preset|presets|presetid|plugins|transforms)$/,
  // The same under other names, and further members that name a model.
  /fallback/,
  /^(?:allowed|excluded?|loadbalance|draft|assistant|speculative|base|tuned|target|judge|analysis|advisor)models?$/,
  /^models?(?:s|id|ids|name|names|list|group|groups|info|slug|alias|aliases|params|config|settings|override|overrides|preferences|routing|router|provider|version|selection|selectionconfig|kwargs)$/,
  /^(?:llm|customllm)providers?$/,
  /^provider(?:id|name|key|order|credentials|preferences|settings|routing|config)$/,
  /^(?:autorouter|router|routing|routersettings|routing(?:config|rules|strategy|preference|tags)|routersettingsoverride)$/,
  // LiteLLM.
  /^mock/,
  /^litellm/,
  /deployment/,
  /^(?:azure|aws|vertex|watsonx)(?:ad|ai|region|session|role|profile|project|location|credentials|key|secret|access|api|endpoint|token|web|sts|bedrock)/,
  /^(?:apibase|baseurl|apikey|apitype|apiversion|organization|endpoint|endpointid|proxy|headers|extraheaders|extraquery|extrabody)$/,
  /^(?:extraparams|optionalparams|additionalparams|passthrough|passthroughparams|prompt(?:id|label|version|variables))$/,
  /^(?:modelgroupretrypolicy|tags|useinpassthrough)$/,
  // Portkey, Helicone, Cloudflare and Vercel: a config that names targets.
  /^(?:config|configid|gateway|gatewayconfig|gatewayoptions|targets|strategy|overrideparams|virtualkeys?|credentials|customercredentials|byok)$/,
  /^(?:portkey|helicone|cfaig)/,
  // Not Diamond, Martian, Unify, Requesty.
  /^(?:tradeoff|preferenceid|willingnesstopay|maxcost|maxcostpermilliontokens|requesty|unify)$/,
  // Groq's compound systems, Mistral's agents, Bedrock's profiles, Azure's older name for a deployment.
  /^(?:compoundcustom|agentid|assistantid|botid|inferenceprofile|inferenceprofilearn|engine)$/,
  // Adapters are other models: vLLM, SGLang, llama.cpp, TGI.
  /^(?:lora|loras|lorarequest|loraname|lorapath|loraid|adapter|adapterid|adaptername|adaptersource|peft|peftadapter)$/,
  /^speculative/,
  // Google: a cached prompt belongs to a model, and to the key that made it.
  /^cachedcontents?$/,
];

/** Names that choose a model anywhere in nested settings (compaction, audio, moderation). */
const anywhere: readonly RegExp[] = [
  /^(?:[a-z]*models?|models?(?:id|name)s?|fallbacks?)$/,
  /fallback/,
  /deployment/,
];

/** Objects of which only some members choose a model: the others pass. */
const inside: readonly { readonly member: RegExp; readonly drops: readonly RegExp[] }[] = [
  { member: /^provideroptions$/, drops: [/^gateway$/, ...whole] },
  // Vertex.
  { member: /^generationconfig$/, drops: [/^(?:routing|model|modelselection)config$/, ...anywhere] },
  // The client's own data, except for the keys that LiteLLM reads.
  {
    member: /^metadata$/,
    drops: [/^(?:tags|models|modelgroup|modelinfo|routersettings)$/, /deployment/, /fallback/, /^litellm/],
  },
];

/** What the model reads or fills in: it contains no settings. */
const content =
  /^(?:model|messages|input|contents|system|systeminstruction|instructions|prompt|tools|functions|toolchoice|functioncall|toolconfig|responseformat|text|outputconfig|outputformat|stop|stopsequences|prediction|labels|logitbias|safetysettings|suffix|documents|guided[a-z]+|structuredoutputs|grammar|format|mcpservers|chattemplatekwargs|user|title)$/;
const schema = /schema$|^(?:properties|parameters|guidedjson|arguments|args)$/;

/** Members of nearly every request, as a fast path. */
const usual: ReadonlySet<string> = new Set(
  (
    "model messages input contents system instructions tools tool_choice stream max_tokens max_completion_tokens " +
    "max_output_tokens temperature top_p top_k stop stop_sequences response_format user store"
  ).split(" "),
);

/** How a top-level member is handled. */
export type MemberTreatment =
  | "stays"
  | "goes"
  /** Contains a whole nested request. */
  | "request"
  /** Its members that match `drops` are removed, at every depth. */
  | { readonly drops: readonly RegExp[] };

const isOneOf = (patterns: readonly RegExp[], name: string): boolean =>
  patterns.some((pattern) => pattern.test(name));

export function treatmentOf(key: string): MemberTreatment {
  if (usual.has(key)) return "stays";
  const name = normalizedName(key);
  // No format has a member `Model`; a case-insensitive upstream would read it as `model`.
  if (name === "model") return "goes";
  if (name === "generatecontentrequest") return "request";
  const partly = inside.find(({ member }) => member.test(name));
  if (partly !== undefined) return partly;
  if (isOneOf(whole, name)) return "goes";
  return content.test(name) ? "stays" : { drops: anywhere };
}

/** A schema of the client, in which a property may have any name. */
export const isSchema = (key: string): boolean => schema.test(normalizedName(key));

export function isDropped(drops: readonly RegExp[], key: string): boolean {
  return isOneOf(drops, normalizedName(key));
}

/** Members of a vendor's tool (a client's own has `function` or `input_schema`): image generation names a model there. */
const toolMembers: readonly RegExp[] = [
  ...anywhere,
  /^(?:provider|providers|route|preset|plugins|engineid)$/,
];

/** OpenRouter's tools that call no model. */
const harmlessTools = /^openrouter:(?:datetime|web_search|web_fetch)$/;
/** Tools that are another model: advisors, sub-agents, panels. */
const modelTools = /^(?:openrouter:|advisor|subagent|sub_agent|fusion|model_?call|consult|mixture)/i;

export const isModelTool = (type: string): boolean => modelTools.test(type) && !harmlessTools.test(type);

/** The client's own parts of a tool, which are never searched. */
export const belongsToTool = (key: string): boolean =>
  /^(?:type|function|inputschema|name|description|functiondeclarations|format|custom)$/.test(
    normalizedName(key),
  );

export const choosesInTool = (key: string): boolean => isOneOf(toolMembers, normalizedName(key));

/** Changes the price of the same model. These values cost the list price or less. */
export const pricedMembers: ReadonlyMap<string, RegExp> = new Map([
  [
    "servicetier",
    /^(?:auto|default|standard|standard_only|flex|batch|unspecified|service_tier_unspecified)$/i,
  ],
  // A number is how fast a voice speaks.
  ["speed", /^(?:standard|normal|default|slow|\d+(?:\.\d+)?)$/i],
  ["performanceconfig", /^$/],
]);

/** Anthropic betas that enable what the table drops. */
export const choosingBetas = /fallback|advisor|fast-mode/i;

/** A form field by which a client could choose models, or the price where `keepsPrice`. `value` is null for a file. */
export function isChoosingField(field: string, value: string | null, keepsPrice: boolean): boolean {
  // Lists and objects are written as `models[]` and `metadata[tags]`.
  const [base = ""] = field.split(/[[.]/);
  if (normalizedName(base) === "model") return field !== "model";
  const priced = keepsPrice ? pricedMembers.get(normalizedName(base)) : undefined;
  if (priced !== undefined) return value === null || !priced.test(value);
  const treatment = treatmentOf(base);
  if (treatment === "stays") return false;
  if (typeof treatment === "string") return true;
  // Such a field contains settings as JSON, some of which choose a model: no form endpoint needs them.
  return inside.some(({ member }) => member.test(normalizedName(base))) || isDropped(treatment.drops, base);
}
