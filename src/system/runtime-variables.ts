// Variables that the runtime inside this program, or the system's loader, obeys before or alongside our own code. All we can do is
// warn about them at every start. It must never show a value: it may be a secret.

type Environment = Readonly<Record<string, string | undefined>>;

type Row = {
  readonly names: RegExp;
  /** With this value they have no effect. */
  readonly harmless?: RegExp;
  readonly effect: string;
};

const rows: readonly Row[] = [
  {
    names: /^BUN_OPTIONS$/,
    effect:
      "the runtime inside this program obeys it before the first line of ours: it can load foreign code and open a debugger",
  },
  {
    names: /^(?:LD_PRELOAD|LD_AUDIT|DYLD_INSERT_LIBRARIES|DYLD_FORCE_FLAT_NAMESPACE)$/,
    effect: "the system loads foreign code into this program before its first line, and it reads every key",
  },
  {
    names: /^BUN_BE_BUN$/,
    effect:
      "with a value such as 1 this program runs as the bun command instead of the gateway and cannot warn about it",
  },
  {
    names: /^BUN_INSPECT.*$/,
    effect:
      "a debugger may be open: anyone who can connect to it controls this program and can read its keys",
  },
  {
    names: /^BUN_CONFIG_VERBOSE_FETCH$/,
    harmless: /^(?:0|false)$/,
    effect: "every request to a provider is printed with its headers; `curl` shows the keys in plain text",
  },
  {
    names: /^NODE_TLS_REJECT_UNAUTHORIZED$/,
    harmless: /^[^0]|^0./,
    effect: "certificates are not checked: keys may go to an impostor",
  },
  {
    names: /^SSLKEYLOGFILE$/,
    effect: "if honoured, it writes the secrets of every TLS connection to a file",
  },
  {
    // The rest of these families, except what only `bun install` reads and what the gateway sets itself.
    names:
      /^(?:NODE_OPTIONS|BUN_(?!INSTALL|OPTIONS$|BE_BUN$|INSPECT|TMPDIR$|ENV$|PORT$|CONFIG_(?:MAX_HTTP_REQUESTS|VERBOSE_FETCH|REGISTRY|TOKEN|SKIP_.*|YARN_LOCKFILE)$)(?:CONFIG|JSC|FEATURE_FLAG|GC|DEBUG|INTERNAL|DISABLE|DESTRUCT|GARBAGE|BYTECODE|CRASH|RUNTIME|TRACE|DUMP)_?.*)$/,
    effect: "with it, the runtime inside this program behaves differently from what was tested",
  },
];

/** A line each; none if no such variable is set. */
export function runtimeWarnings(environment: Environment): readonly string[] {
  const set = Object.entries(environment).filter(([, value]) => (value ?? "") !== "");
  return rows.flatMap(({ names, harmless, effect }) => {
    const found = set.flatMap(([name, value]) =>
      names.test(name) && harmless?.test(value ?? "") !== true ? [name] : [],
    );
    if (found.length === 0) return [];
    return [`${found.toSorted().join(", ")} ${found.length === 1 ? "is" : "are"} set: ${effect}`];
  });
}

/** A common setting on company machines: not a warning, but worth a line when the machine is examined. */
export function certificateNote(environment: Environment): string | null {
  return (environment["NODE_EXTRA_CA_CERTS"] ?? "") === ""
    ? null
    : "NODE_EXTRA_CA_CERTS is set: the holder of one of its private keys can impersonate a provider";
}
