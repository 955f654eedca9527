// What a `.env` in the working directory may set: it may come from the author of a checkout, not from the user. It may change how the
// gateway answers, and hold keys. It must never set a program, a path or an address for a key from elsewhere, nor open the gateway.

import { documentedVariables } from "./environment.ts";

/** Settings that affect nothing but the answers. */
const harmlessVariables = new Set([
  "PORT",
  "REQUEST_TIMEOUT_MS",
  "DEFAULT_MODEL",
  "DEFAULT_EFFORT",
  "ENABLE_THINKING",
  "CLI_TIMEOUT",
  "CLI_EFFORT",
  "MAX_CONCURRENT",
  "MAX_PER_TENANT",
]);

/** They change this program, its runtime or its children, wherever they are mentioned. */
const programVariables =
  /^(?:(?:CLAWGATE|XDG|BUN|LD|DYLD|OPENCLAW|OTEL)_.+|CLAUDE_CONFIG_DIR|NODE_(?:OPTIONS|PATH|EXTRA_CA_CERTS|TLS_REJECT_UNAUTHORIZED)|DOCKER_(?:HOST|CONFIG|CONTEXT)|SSL_CERT_(?:FILE|DIR)|SSLKEYLOGFILE|PROXY_MCP_CONFIG|PATH|HOME|(?:HTTPS?|ALL|NO)_PROXY)$/i;
/** The same, but common in projects, and not worth a warning unless the config mentions them. */
const sessionVariables =
  /^(?:USER|LOGNAME|SHELL|TERM|COLORTERM|NO_COLOR|TZ|TMPDIR|LANG|LANGUAGE|LC_.+|PWD|OLDPWD|INIT_CWD)$/i;

const programPathVariables = /^(?:CLAUDE_BIN|CLAUDE_PATH)$/;

/** The suffix of a variable with a vendor's address. */
const addressEnding = /_(?:API_)?(?:BASE_?URL|BASE|ENDPOINT|HOST)$/i;
const isVendorAddress = (name: string): boolean =>
  /_(?:BASE_?URL|API_BASE|API_ENDPOINT)$|^(?:OLLAMA_HOST|AZURE_.*ENDPOINT|AWS_ENDPOINT_URL.*|(?:GOOGLE|VERTEX).*ENDPOINT)$/i.test(
    name,
  );

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)?$/i;

/** Suffixes of keys and tokens. */
export const isSecretName = (name: string): boolean =>
  /(?:^|_)(?:KEYS?|TOKEN|SECRET|PASSWORD|PAT)$/i.test(name);

export type FolderVariables = {
  /** Everything in the file. */
  readonly values: Readonly<Record<string, string>>;
  /** The key variables of the vendors in this build. */
  readonly keyVariables: ReadonlySet<string>;
  /** Names that the config mentions. */
  readonly mentioned: ReadonlySet<string>;
  /** Whether this name has its value from elsewhere. Then the file does not count. */
  readonly isSet: (name: string) => boolean;
  /** The config comes from elsewhere and already requires keys. */
  readonly hasOtherKeys: boolean;
};

export type Ignored = { readonly name: string; readonly why: string };

export type FilteredVariables = {
  readonly taken: Readonly<Record<string, string>>;
  /** The variables that would count if the file came from elsewhere. */
  readonly ignored: readonly Ignored[];
};

export function filterFolderVariables(input: FolderVariables): FilteredVariables {
  const taken: Record<string, string> = {};
  const ignored: Ignored[] = [];
  for (const [name, value] of Object.entries(input.values)) {
    if (input.isSet(name)) continue;
    const verdict = decideVariable(name, value.trim(), input);
    if (verdict === "taken") taken[name] = value;
    else if (verdict !== "unknown") ignored.push({ name, why: verdict });
  }
  return { taken, ignored };
}

/** `taken`, `unknown` (nothing here uses it), or the reason for refusing it. */
function decideVariable(name: string, value: string, input: FolderVariables): string {
  const { keyVariables, mentioned, hasOtherKeys } = input;
  switch (name) {
    case "PROXY_API_KEYS":
      return hasOtherKeys ? "the config has its own keys, and this would admit other clients" : "taken";
    case "HOST":
      return loopback.test(value) ? "taken" : "it would open the gateway to other machines";
    case "REQUIRE_AUTH":
      return /^(?:true|1|yes|on)?$/i.test(value) ? "taken" : "it would turn authentication off";
    case "LOG_LEVEL":
      return /^(?:error|critical|fatal|silent|off|none)$/i.test(value)
        ? "it would hide the start-up messages"
        : "taken";
    case "DOCKER_HOST_IP":
      return "it sets the address that containers get";
    default:
  }
  if (harmlessVariables.has(name) || keyVariables.has(name)) return "taken";
  if (isSecretName(name) && mentioned.has(name)) return "taken";
  if (programPathVariables.test(name)) return "it sets a program";
  if (programVariables.test(name) || (sessionVariables.test(name) && mentioned.has(name)))
    return "it changes how this program runs";
  if (mentioned.has(name) || (isVendorAddress(name) && hasKeyInFile(name, input))) return "taken";
  if (isVendorAddress(name)) return addressRefusal;
  return documentedVariables.includes(name)
    ? "it may be set only in the environment or in a config given with --config"
    : "unknown";
}

export const addressRefusal = "an address for a key that does not come from this file";

/** `OPENAI_API_KEY` and `OPENAI_BASE_URL` are both in the file, and neither comes from elsewhere. */
function hasKeyInFile(address: string, { values, keyVariables, isSet }: FolderVariables): boolean {
  const family = `${address.replace(addressEnding, "")}_`;
  const keys = [...keyVariables].filter((name) => name.startsWith(family));
  return keys.some((name) => (values[name] ?? "") !== "") && !keys.some(isSet);
}
