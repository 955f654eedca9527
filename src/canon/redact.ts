// Masks whatever looks like a credential in text that leaves for a log, a record or a client.
// It must never take more than linear time: the text may come from an attacker. So no pattern has a nested quantifier.

/** The replacement for a masked value. */
export const mask = "***";

// Shapes that are credentials wherever they occur. The vendor's prefix is kept, to show which key it is. openai, anthropic,
// openrouter, deepseek (sk-), stripe (sk_live_), google (AIza, ya29.), github, gitlab, xai, groq, hugging face, replicate,
// perplexity, nvidia, fireworks, cerebras, slack, aws, npm, langsmith, together.
const prefixed =
  /(?<![A-Za-z0-9])(sk-(?:ant-|proj-|or-)?|[srp]k_(?:live|test)_|AIza|ya29\.|gh[pousr]_|github_pat_|glpat-|xai-|gsk_|hf_|r8_|pplx-|nvapi-|fw_|csk-|xox[abeoprs]-|A[KS]IA|npm_|lsv2_|tgp_v1_)[A-Za-z0-9_-]{8,}/g;
const webToken = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g;
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g;
const userInfo = /(:\/\/)[^\s/@:"']{0,256}:[^\s/@"']{1,256}@/g;
const scheme = /\b(Bearer|Basic)(\s{1,4})([A-Za-z0-9._~+/=-]{6,})/gi;

// Names whose value is a secret, with the characters between name and value. Group 1: the name.
const named =
  /(set-cookie|cookie|(?:proxy-)?authorization|x-goog-api-key|x-clawgate-key|api[_ -]?keys?|(?:access|secret|private|session|signing|encryption|admin|master|account)[_ -]?key|(?:access|refresh|id|auth|bearer|session|security|oauth)[_-]?token|client[_-]?secret|secret|passw(?:or)?d|passphrase|credentials?|(?<![A-Za-z0-9])(?:key|token|sig|signature)|_(?:key|token))(?:\s(?:provided|given|used|is))?\\*["']?\s{0,4}(?::|=|%3d)\s{0,4}(?:(?:bearer|basic|token|digest)\s{1,4})?/gi;
// Names often followed by a harmless value: the value must look like a secret.
const weakNames = /^(?:key|token|sig|signature|_key|_token)$/i;
// After these a secret is the rule, so only an obviously harmless value is kept.
const headers = /cookie$|authorization$/i;
const isAboutHeader =
  /authorization:(?:absent|empty|expired|incorrect|invalid|is|malformed|missing|must|not|required|unset|wrong)$/i;
const endOfBareValue = /[\s"'&,;<>{}()[\]\\]/g;
const endOfLineValue = /["'\r\n\\]/g;
// Means that there is no value, or names a variable with the value.
const harmless = /^(?:true|false|null|undefined|\$)$/;

// What people enter where a server requires a key but does not check it.
const placeholder =
  /^(?:sk-)?(?:x+|none|empty|local|localhost|ollama|lm-?studio|vllm|llama-?cpp|dummy|fake|test|unused|ignored|optional|anything(?:-goes)?|placeholder|change-?me|not-?(?:needed|required|used|set)|no-?(?:api-?)?key(?:-(?:needed|required))?|your-?(?:api-?)?key(?:-here)?|api-?key)$/i;
// One or more ordinary words: lower case, upper case, or capitalised.
const words = /^(?:[a-z]+|[A-Z]+|[A-Z][a-z]+)(?:[-_. ](?:[a-z]+|[A-Z]+|[A-Z][a-z]+))*$/;
const shortestSecret = 8;
const longestWord = 11;
/** Up to here the text is searched for one after the other, which the runtime does faster. */
const fewSpellings = 200;
/** Fewer characters of a secret than this reveal nothing: a vendor's keys begin alike. */
const shortestBeginning = 6;

/**
 * Whether to mask this config value wherever it occurs. A short value or a word would mask half of every sentence;
 * after a name such as `api_key` it is masked anyway.
 */
function isSecretText(value: string): boolean {
  if (value.length < shortestSecret || placeholder.test(value)) return false;
  return value.length > longestWord || !words.test(value);
}

/** `hf_overrides`, `npm_config_registry`: these begin like keys but are names. */
const joinedWords = /^[a-z]{2,5}(?:[-_][a-z]{2,12})+$/;

/** Whether it has the shape of a vendor's key. */
export function looksLikeCredential(value: string): boolean {
  return value.search(prefixed) >= 0 || value.search(webToken) >= 0;
}

// After `api_key:` in a sentence: a remark about it instead of its value.
const aboutValue =
  /^(?:a|an|absent|and|are|cannot|empty|expected|expired|has|incorrect|invalid|is|malformed|may|missing|must|needs?|no|none|not|of|only|or|please|required|should|the|too|unknown|unset|was|will|wrong)$/i;
const plainWord = /^[a-z]{1,10}$/;
const goesOn = /^[\s,]{1,3}[a-z]+(?:[\s,.:;!?)]|$)/;

/** Masks API keys, tokens, passwords in URLs, and values that follow a name like `api_key`. Idempotent. */
export function redact(text: string): string {
  const shaped = text
    .replace(privateKey, `-----PRIVATE KEY ${mask}-----`)
    .replace(userInfo, `$1${mask}@`)
    .replace(webToken, mask)
    .replace(scheme, (whole, word: string, space: string, value: string) =>
      looksSecret(value, 16) ? `${word}${space}${mask}` : whole,
    )
    .replace(prefixed, (whole, prefix: string) =>
      placeholder.test(whole) || (!prefix.startsWith("sk-") && joinedWords.test(whole))
        ? whole
        : prefix + mask,
    );
  return maskNamedValues(shaped);
}

/**
 * A redactor that also masks these exact values, including their forms inside JSON and URLs, and truncated at the text's end.
 */
export function redactorFor(secrets: readonly string[]): (text: string) => string {
  const known = new KnownSpellings(secrets);
  return (text) => {
    let masked = text;
    for (const each of known.in(text)) masked = masked.replaceAll(each, mask);
    return redact(known.withoutCutOff(masked));
  };
}

/**
 * Whether a text holds one of these values or the shape of a credential. For whole texts: an end that is like the beginning of a
 * secret does not count. The time depends on the text's length, not on the number of secrets.
 */
export function secretFinder(secrets: readonly string[]): (text: string) => boolean {
  const known = new KnownSpellings(secrets);
  return (text) => known.in(text).length > 0 || redact(text) !== text;
}

/** Found by their first characters, because a config may hold the keys of many hundred tenants. */
class KnownSpellings {
  private readonly byStart: ReadonlyMap<string, readonly string[]>;
  private readonly byBeginning: ReadonlyMap<string, readonly string[]>;
  private readonly longest: number;
  private readonly all: readonly string[];
  /** By character code: most of them begin no spelling. */
  private readonly begins = new Uint8Array(65_536);

  constructor(secrets: readonly string[]) {
    const all = spellingsOf(secrets);
    this.all = all;
    for (const each of all) this.begins[each.charCodeAt(0)] = 1;
    this.byStart = Map.groupBy(all, (each) => each.slice(0, shortestSecret));
    this.byBeginning = Map.groupBy(all, (each) => each.slice(0, shortestBeginning));
    this.longest = all[0]?.length ?? 0;
  }

  /** Those that occur in this text, the longest first: one secret may be a prefix of another. */
  in(text: string): readonly string[] {
    if (this.all.length <= fewSpellings) return this.all.filter((each) => text.includes(each));
    const found = new Set<string>();
    for (let at = 0; at + shortestSecret <= text.length; at++) {
      if (this.begins[text.charCodeAt(at)] === 0) continue;
      for (const each of this.byStart.get(text.slice(at, at + shortestSecret)) ?? [])
        if (text.startsWith(each, at)) found.add(each);
    }
    return [...found].toSorted((a, b) => b.length - a.length);
  }

  /** A text may have been cut inside a secret: a partial secret at its end is masked as well. */
  withoutCutOff(text: string): string {
    const body = text.endsWith("…") ? text.slice(0, -1) : text;
    const from = Math.max(0, body.length - this.longest);
    for (let at = from; at + shortestBeginning <= body.length; at++) {
      if (this.begins[body.charCodeAt(at)] === 0) continue;
      const alike = this.byBeginning.get(body.slice(at, at + shortestBeginning));
      if (alike === undefined) continue;
      const end = body.slice(at);
      if (alike.some((each) => each.startsWith(end)))
        return body.slice(0, at) + mask + text.slice(body.length);
    }
    return text;
  }
}

/** The longest first: one secret may be a prefix of another. None is shorter than `shortestSecret`. */
function spellingsOf(secrets: readonly string[]): readonly string[] {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    if (!isSecretText(secret)) continue;
    spellings.add(secret);
    spellings.add(JSON.stringify(secret).slice(1, -1));
    const inUrl = encodeURIComponent(secret.toWellFormed());
    spellings.add(inUrl);
    spellings.add(inUrl.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
    for (const text of inBase64(secret)) spellings.add(text);
  }
  return [...spellings].toSorted((a, b) => b.length - a.length);
}

/**
 * Its forms inside base64, which depend on the number of bytes before it (`user:secret`): characters shared with its
 * neighbours are left out.
 */
function inBase64(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  if (bytes.length < 12) return [];
  return [0, 1, 2].flatMap((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    const sure = (form: "base64" | "base64url"): string =>
      whole
        .toString(form)
        .slice(before === 0 ? 0 : before + 1, Math.floor((whole.length * 8) / 6))
        .replace(/=+$/, "");
    return [sure("base64"), sure("base64url")];
  });
}

/** Long, or short with digits among letters: not a word of a sentence. */
function looksSecret(value: string, longEnough: number): boolean {
  return value.length >= longEnough || (value.length >= 8 && /\d/.test(value) && /[a-z]/i.test(value));
}

/** `api_key: must be a text`: a word followed by more words, or one that describes a state. */
function isAboutSecret(name: string, shown: string, rest: string): boolean {
  const plainText = shown.replace(/[.!?]{1,3}$/, "");
  if (headers.test(name)) return isAboutHeader.test(`${name}:${plainText}`);
  return aboutValue.test(plainText) || (plainWord.test(plainText) && goesOn.test(rest));
}

function maskNamedValues(text: string): string {
  let masked = "";
  let from = 0;
  named.lastIndex = 0;
  for (let found = named.exec(text); found !== null; found = named.exec(text)) {
    const name = found[1] ?? "";
    const start = found.index + found[0].length;
    const value = valueAt(text, start, /cookie$/i.test(name));
    const isQuery = found[0].endsWith("=") && /[?&]/.test(text.charAt(found.index - 1));
    const isWeak = weakNames.test(name) && !isQuery;
    const shown = text.slice(value.start, value.end);
    const isBare = value.start === start && /:\s+$/.test(found[0]);
    const isTalk = isBare && isAboutSecret(name, shown, text.slice(value.end, value.end + 40));
    const isShown = shown === "" || harmless.test(shown) || placeholder.test(shown) || isTalk;
    if (!isShown && (!isWeak || looksSecret(shown, 20))) {
      masked += text.slice(from, value.start) + mask;
      from = value.end;
    }
    named.lastIndex = Math.max(value.end, start);
  }
  return masked + text.slice(from);
}

/** The range of the value that begins at `at`: inside its quotes (escaped ones too), or up to the next delimiter. */
function valueAt(text: string, at: number, isWholeLine: boolean): { start: number; end: number } {
  let start = at;
  while (text[start] === "\\") start++;
  const quote = text[start];
  if (quote === '"' || quote === "'") {
    const closing = start > at ? text.slice(at, start) + quote : quote;
    start++;
    let end = text.indexOf(closing, start);
    while (end > 0 && closing === quote && text[end - 1] === "\\") end = text.indexOf(closing, end + 1);
    return { start, end: end < 0 ? text.length : end };
  }
  const delimiter = isWholeLine ? endOfLineValue : endOfBareValue;
  delimiter.lastIndex = at;
  return { start: at, end: delimiter.exec(text)?.index ?? text.length };
}
