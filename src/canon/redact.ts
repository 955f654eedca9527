// Masks whatever looks like a credential in text that leaves for a log, a record or a client.
// It must never take more than linear time: the text may come from an attacker. So no nested quantifier stands here.

/** What a masked value is replaced by. */
export const mask = "***";

// Shapes that are credentials wherever they stand. The vendor's prefix is kept: it says which key to look for.
// openai, anthropic, openrouter, deepseek (sk-), stripe (sk_live_), google (AIza, ya29.), github, gitlab, xai, groq, hugging face,
// replicate, perplexity, nvidia, fireworks, cerebras, slack, aws, npm, langsmith, together.
const prefixed =
  /(?<![A-Za-z0-9])(sk-(?:ant-|proj-|or-)?|[srp]k_(?:live|test)_|AIza|ya29\.|gh[pousr]_|github_pat_|glpat-|xai-|gsk_|hf_|r8_|pplx-|nvapi-|fw_|csk-|xox[abeoprs]-|A[KS]IA|npm_|lsv2_|tgp_v1_)[A-Za-z0-9_-]{8,}/g;
const webToken = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g;
const privateKey = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g;
const userInfo = /(:\/\/)[^\s/@:"']{0,256}:[^\s/@"']{1,256}@/g;
const scheme = /\b(Bearer|Basic)(\s{1,4})([A-Za-z0-9._~+/=-]{6,})/gi;

// Names whose value is a secret, with what stands between name and value. Group 1: the name.
const named =
  /(set-cookie|cookie|(?:proxy-)?authorization|x-goog-api-key|api[_ -]?keys?|(?:access|secret|private|session|signing|encryption|admin|master|account)[_ -]?key|(?:access|refresh|id|auth|bearer|session|security|oauth)[_-]?token|client[_-]?secret|secret|passw(?:or)?d|passphrase|credentials?|(?<![A-Za-z0-9])(?:key|token|sig|signature)|_(?:key|token))(?:\s(?:provided|given|used|is))?\\*["']?\s{0,4}(?::|=|%3d)\s{0,4}(?:(?:bearer|basic|token|digest)\s{1,4})?/gi;
// Words that are often followed by something harmless: their value must look the part.
const weakNames = /^(?:key|token|sig|signature|_key|_token)$/i;
const endOfBareValue = /[\s"'&,;<>{}()[\]\\]/g;
const endOfLineValue = /["'\r\n\\]/g;
// Says that there is no value, or names a variable that holds it.
const harmless = /^(?:true|false|null|undefined|\$)$/;

/** Masks API keys, tokens, passwords in URLs, and values that follow a name like `api_key`. Idempotent. */
export function redact(text: string): string {
  const shaped = text
    .replace(privateKey, `-----PRIVATE KEY ${mask}-----`)
    .replace(userInfo, `$1${mask}@`)
    .replace(webToken, mask)
    .replace(scheme, (whole, word: string, space: string, value: string) =>
      looksSecret(value, 16) ? `${word}${space}${mask}` : whole,
    )
    .replace(prefixed, `$1${mask}`);
  return maskNamedValues(shaped);
}

/** A redactor that masks these exact values as well, also as they look inside JSON and URLs. */
export function redactorFor(secrets: readonly string[]): (text: string) => string {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    // Shorter than this, a "secret" would blot out half of every sentence.
    if (secret.length < 4) continue;
    spellings.add(secret);
    spellings.add(JSON.stringify(secret).slice(1, -1));
    spellings.add(encodeURIComponent(secret.toWellFormed()));
  }
  // The longest first: one secret may be the beginning of another.
  const ordered = [...spellings].toSorted((a, b) => b.length - a.length);
  return (text) => {
    let masked = text;
    for (const each of ordered) masked = masked.replaceAll(each, mask);
    return redact(masked);
  };
}

/** Long, or short with digits among letters: not a word of a sentence. */
function looksSecret(value: string, longEnough: number): boolean {
  return value.length >= longEnough || (value.length >= 8 && /\d/.test(value) && /[a-z]/i.test(value));
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
    if (shown !== "" && !harmless.test(shown) && (!isWeak || looksSecret(shown, 20))) {
      masked += text.slice(from, value.start) + mask;
      from = value.end;
    }
    named.lastIndex = Math.max(value.end, start);
  }
  return masked + text.slice(from);
}

/** Where the value lies that begins at `at`: inside its quotes (escaped ones too), or up to the next delimiter. */
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
