// What must never be in the repository: names of files that hold secrets or state, and content that is a secret under any name.
// A made-up key of a test is none: real ones have their full length and look random.

/** Files by their path. `*.db*`, `*.sqlite*`, `*.log` and `.ssh/` also reject a copy or a rotated one. */
const names: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: "SSH folder", pattern: /(?:^|\/)\.ssh(?:\/|$)/i },
  { what: "database", pattern: /\.(?:db[^/]*|sqlite[^/]*|kdbx)$/i },
  { what: "log", pattern: /\.log(?:\.[^/]*)?$/i },
  { what: "environment file", pattern: /(?:^|\/)(?:\.env|[^/]*\.env)$|(?:^|\/)\.env\.[^/]*$/i },
  {
    what: "private key",
    pattern: /(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$|\.(?:pem|key|p12|pfx|jks|keystore|ppk)$/i,
  },
  {
    what: "login file",
    pattern: /(?:^|\/)(?:\.netrc|\.pgpass|\.htpasswd|\.git-credentials|\.credentials\.json)$/i,
  },
];

/** Examples have no values, and the public key of the releases is there to be read. */
const permittedNames = /(?:^|\/)\.env\.(?:example|sample|template)$|^scripts\/packaging\/release-key\.pem$/;

/** What a path says of a file, or null. */
export function forbiddenName(path: string): string | null {
  if (permittedNames.test(path)) return null;
  return names.find(({ pattern }) => pattern.test(path))?.what ?? null;
}

// Where there is a group, it is the random part.
const contents: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: "private key",
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s|(?:Proc-Type|DEK-Info|Version|Comment):[^\n]{0,120})*([A-Za-z0-9+/]{40,})/g,
  },
  {
    what: "PuTTY key",
    pattern: /PuTTY-User-Key-File-\d: [\s\S]{0,600}?Private-Lines: \d+\s+([A-Za-z0-9+/=]{40,})/g,
  },
  { what: "Anthropic key", pattern: /\bsk-ant-[a-z]{3,8}\d\d-([\w-]{80,})/g },
  { what: "OpenAI key", pattern: /\bsk-(?:proj|svcacct|admin)-([\w-]{40,})/g },
  { what: "OpenAI key", pattern: /\bsk-([A-Za-z0-9]{48})(?![A-Za-z0-9])/g },
  { what: "DeepSeek key", pattern: /\bsk-([0-9a-f]{32})(?![A-Za-z0-9])/g },
  { what: "OpenRouter key", pattern: /\bsk-or-v1-([0-9a-f]{64})/g },
  { what: "Google key", pattern: /\bAIza([\w-]{35})(?![\w-])/g },
  { what: "Google token", pattern: /\bya29\.([\w-]{60,})/g },
  { what: "AWS key", pattern: /\b(?:AKIA|ASIA)([A-Z2-7]{16})(?![A-Z0-9])/g },
  { what: "GitHub token", pattern: /\bgh[pousr]_([A-Za-z0-9]{36,})/g },
  { what: "GitHub token", pattern: /\bgithub_pat_([A-Za-z0-9_]{70,})/g },
  { what: "GitLab token", pattern: /\bglpat-([\w-]{20,})/g },
  { what: "npm token", pattern: /\bnpm_([A-Za-z0-9]{36})(?![A-Za-z0-9])/g },
  { what: "PyPI token", pattern: /\bpypi-AgE([\w-]{60,})/g },
  { what: "Hugging Face token", pattern: /\bhf_([A-Za-z0-9]{34,})/g },
  { what: "Groq key", pattern: /\bgsk_([A-Za-z0-9]{50,})/g },
  { what: "xAI key", pattern: /\bxai-([A-Za-z0-9]{70,})/g },
  { what: "Slack token", pattern: /\bxox[abeprs]-([A-Za-z0-9-]{24,})/g },
  { what: "Stripe key", pattern: /\b[rs]k_live_([A-Za-z0-9]{24,})/g },
  { what: "Telegram token", pattern: /\b\d{8,10}:AA([\w-]{33})(?![\w-])/g },
  // A vendor's key has no shape that we know, but it is a long value behind the name of a key.
  {
    what: "key behind its name",
    pattern:
      /\b[A-Z][A-Z0-9_]*_(?:API_KEY|API_TOKEN|AUTH_TOKEN|ACCESS_TOKEN|SECRET_ACCESS_KEY|SECRET_KEY)\s*[=:]\s*["']?([A-Za-z0-9+/_-]{32,})/g,
  },
];

const sqliteHeader = "SQLite format 3\u0000";

/** Runs of neighbours (abcdef, 012345, 000000) and words that say so are how people make a key up. */
function looksRandom(text: string): boolean {
  if (/example|dummy|fake|test|sample|placeholder|your[_-]|secret|x{4}/i.test(text)) return false;
  if (new Set(text).size < Math.min(10, text.length / 2)) return false;
  let inRow = 0;
  let longest = 0;
  for (let index = 1; index < text.length; index++) {
    const step = text.charCodeAt(index) - text.charCodeAt(index - 1);
    inRow = step === 0 || step === 1 ? inRow + 1 : 0;
    longest = Math.max(longest, inRow);
  }
  return longest < 5;
}

export type SecretFound = { readonly what: string; readonly line: number };

/** The secrets in a file's bytes, read as Latin-1, so that no byte is lost. Never returns one of them. */
export function secretsIn(content: string): readonly SecretFound[] {
  if (content.startsWith(sqliteHeader)) return [{ what: "database", line: 1 }];
  return contents.flatMap(({ what, pattern }) =>
    Array.from(content.matchAll(pattern))
      .filter(([whole, random = whole]) => looksRandom(random))
      .map(({ index }) => ({ what, line: content.slice(0, index).split("\n").length })),
  );
}
