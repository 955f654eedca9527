// Variables that the runtime inside this program, or the system's loader, obeys before or beside our own code. What can be done
// about them is to say so, loudly, at every start. It must never show a value: it may hold a secret.

type Environment = Readonly<Record<string, string | undefined>>;

type Row = {
  readonly names: RegExp;
  /** Set to this they do nothing. */
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
    effect: "every request to a provider is printed with its headers; `curl` shows the keys in the clear",
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
    // What remains of the families, but for what only `bun install` reads and what the gateway sets itself.
    names:
      /^(?:NODE_OPTIONS|BUN_(?!INSTALL|OPTIONS$|BE_BUN$|INSPECT|TMPDIR$|ENV$|PORT$|CONFIG_(?:MAX_HTTP_REQUESTS|VERBOSE_FETCH|REGISTRY|TOKEN|SKIP_.*|YARN_LOCKFILE)$)(?:CONFIG|JSC|FEATURE_FLAG|GC|DEBUG|INTERNAL|DISABLE|DESTRUCT|GARBAGE|BYTECODE|CRASH|RUNTIME|TRACE|DUMP)_?.*)$/,
    effect: "the runtime inside this program behaves differently with it than it was tested",
  },
];

/** A line each; none where nothing of the kind is set. */
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

/** An ordinary setting of many companies' machines: no warning, but a word where the machine is looked at. */
export function certificateNote(environment: Environment): string | null {
  return (environment["NODE_EXTRA_CA_CERTS"] ?? "") === ""
    ? null
    : "NODE_EXTRA_CA_CERTS is set: the holder of one of its private keys can impersonate a provider";
}
