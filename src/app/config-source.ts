// Where the config comes from: the file that was named or found, the variables, or discovery; read again for every reload.
// A gateway that runs from a file stays with that file and must never fall back to anything else when it is gone.

import { join } from "node:path";
import { discoverConfig, type Found } from "../config/discovery.ts";
import { loadConfig, type LoadedConfig, type LoadInput } from "../config/load.ts";
import { type ReadDocument, receivedDocument } from "../config/document.ts";
import { ConfigProblem } from "../config/problems.ts";
import { Conflict } from "../operator/conflict.ts";
import { TextWorker } from "../operator/config-editor/text-worker.ts";
import { findConfigFile, type FoundFile, isFolderEnvironment, isUnnamed } from "../config/search.ts";
import { MigrationProblem } from "../migration/finding.ts";
import { foreignConfig } from "../migration/migration.ts";
import { unreadableText, watchFiles, type FileWatch } from "../config/file-watch.ts";
import { localServers, vendors } from "../backends/http/vendors.ts";
import type { Clock } from "../system/clock.ts";
import { isScarcity, Scarcity } from "../system/descriptors.ts";
import { findOnPath } from "../system/process.ts";
import { probeModels } from "./providers/model-server-probe.ts";
import { availableBackends } from "./providers/loaded-provider.ts";

export type ConfigSourceInput = Omit<LoadInput, "availableBackends" | "knownVariables"> & {
  /** Serve only the demonstration. */
  readonly isDemo: boolean;
};

export type SourcedConfig = LoadedConfig & {
  /** What discovery found; empty when there is a config. */
  readonly found: readonly Found[];
};

export type ConfigSource = {
  /** Reads everything again: flags, variables, `.env`, the file. Throws ConfigProblem, and Scarcity if no descriptor was free to open one. */
  load(): Promise<SourcedConfig>;
  /**
   * What `load` would return, without remembering it; `text`: with this in place of the file. Null: there is no file. Throws
   * ConfigProblem.
   */
  peek(text?: string): Promise<LoadedConfig | null>;
  /** Calls back when the config file or a `.env` next to it differs from what `load` read. The returned function stops it. */
  watch(onChange: (paths: readonly string[]) => void): () => void;
};

/**
 * A start may do without a file or with an empty one. A gateway that runs from a file may not: a file that was moved away, or
 * emptied by an editor or a full disk, would remove every key and provider. Throws ConfigProblem.
 */
function refuseMissingFile(path: string, text: string | null): void {
  if (text !== null && text.trim() !== "") return;
  throw new ConfigProblem([
    {
      path,
      line: null,
      key: "",
      message: text === null ? "the config file is gone" : "the config file is empty",
      hint: "put it back, or restart the gateway without it",
    },
  ]);
}

/** A provider on this machine that has no key is loaded if its server answers. Throws ConfigProblem. */
async function loadWithLocalServers(full: LoadInput): Promise<LoadedConfig> {
  const withRows = { ...full, localServers };
  const loaded = loadConfig(withRows);
  const urls = [...new Set(loaded.serversToProbe)];
  if (urls.length === 0) return loaded;
  const answers = await Promise.all(urls.map(async (url) => [url, await probeModels(url)] as const));
  return loadConfig({ ...withRows, localAnswers: new Map(answers) });
}

function hasFile(input: LoadInput): boolean {
  const search = findConfigFile(input);
  return "missing" in search || search.file !== null;
}

/** Throws ConfigProblem. */
export async function loadOrDiscover(input: ConfigSourceInput): Promise<SourcedConfig> {
  const full: LoadInput = { ...input, availableBackends, readForeign };
  if (hasFile(full) && !input.isDemo) return { ...(await loadWithLocalServers(full)), found: [] };
  return discoverConfig(full, {
    vendors,
    localServers,
    probe: probeModels,
    which: (program) => findOnPath(program, input.environment["PATH"]),
    isDemo: input.isDemo,
  });
}

/** Throws ConfigProblem. */
function readForeign(file: FoundFile): ReturnType<typeof foreignConfig> {
  try {
    return foreignConfig(file);
  } catch (thrown) {
    if (!(thrown instanceof MigrationProblem)) throw thrown;
    const { message } = thrown;
    throw new ConfigProblem([{ path: file.path, line: null, key: "", message, hint: null }]);
  }
}

export function createConfigSource(input: ConfigSourceInput, clock: Clock): ConfigSource {
  let path: string | null = null;
  let files = new Map<string, string | null>();
  let fileWatch: FileWatch | null = null;
  const texts = new TextWorker();

  const readFound = input.readFound ?? input.readFile;
  const isFound = (each: string): boolean =>
    each === join(input.workingDirectory, ".env") ? isFolderEnvironment(input, path) : isUnnamed(input, each);
  const read = async (
    readers: Required<Pick<LoadInput, "readFile" | "readFound">>,
  ): Promise<SourcedConfig> => {
    if (path === null) return loadOrDiscover({ ...input, ...readers });
    let text: string | null;
    try {
      text = (isFound(path) ? readers.readFound : readers.readFile)(path);
    } catch {
      // The load reports it, with the file's name.
      return loadOrDiscover({ ...input, ...readers, keptPath: path });
    }
    refuseMissingFile(path, text);
    const document = await readElsewhere(texts, text ?? "");
    const documentOf = (each: string): ReadDocument | null => (each === text ? document : null);
    return loadOrDiscover({ ...input, ...readers, documentOf, keptPath: path });
  };

  const lastRead = new LastRead((each) => (isFound(each) ? readFound : input.readFile)(each));

  // A config.yaml that appears later is not watched for: the name is common, and a checkout in the working directory must not
  // take over a running gateway. A reload on demand searches as a start does.
  const isWatched = (each: string): boolean => each === path || each.endsWith("/.env");

  return {
    async load() {
      const readTexts = new Map<string, string | null>();
      let isRead = false;
      const { noted, scarcities } = noteReads(readTexts);
      try {
        const loaded = await read({
          readFile: noted(input.readFile),
          readFound: noted(readFound),
        });
        if (scarcities[0] !== undefined) throw scarcities[0];
        path = loaded.path;
        isRead = true;
        lastRead.remember(readTexts, loaded);
        return loaded;
      } catch (error) {
        throw scarcities[0] ?? error;
      } finally {
        // A file that does not parse no longer names a `.env`; those known before still count.
        files = new Map([...(isRead ? [] : files), ...readTexts].filter(([each]) => isWatched(each)));
        fileWatch?.expect(files);
      }
    },
    async peek(text) {
      // Without a file a load would ask the servers of this machine.
      if (path === null && (input.isDemo || !hasFile({ ...input, availableBackends }))) return null;
      const file = path;
      const over = (readFile: LoadInput["readFile"]) => (each: string) =>
        text !== undefined && each === file ? text : readFile(each);
      if (text !== undefined) return read({ readFile: over(input.readFile), readFound: over(readFound) });
      return (
        lastRead.unchanged() ??
        lastRead.read(({ noted }) => read({ readFile: noted(input.readFile), readFound: noted(readFound) }))
      );
    },
    watch(onChange) {
      // Read as at the start: a pipe in place of the file would block everything.
      const readWatched = (each: string): string | null => (isFound(each) ? readFound : input.readFile)(each);
      const started = watchFiles({ clock, readFile: readWatched, onChange });
      fileWatch = started;
      started.expect(files);
      return () => {
        fileWatch = null;
        started.stop();
      };
    },
  };
}

/** Null: the thread that reads texts is lost or busy, so the loader reads this one itself. */
async function readElsewhere(texts: TextWorker, text: string): Promise<ReadDocument | null> {
  try {
    const sent = await texts.ask({ ask: "read", text });
    return sent === null ? null : receivedDocument(sent);
  } catch (thrown) {
    if (thrown instanceof Conflict) return null;
    throw thrown;
  }
}

/** What was loaded last, as long as the texts stay what they were: a page asks again and again what is on the disk. */
class LastRead {
  private last: { readonly texts: ReadonlyMap<string, string | null>; readonly loaded: LoadedConfig } | null =
    null;

  constructor(private readonly readFile: (path: string) => string | null) {}

  remember(texts: ReadonlyMap<string, string | null>, loaded: LoadedConfig): void {
    this.last = { texts, loaded };
  }

  async read(load: (reads: ReturnType<typeof noteReads>) => Promise<LoadedConfig>): Promise<LoadedConfig> {
    const texts = new Map<string, string | null>();
    const reads = noteReads(texts);
    const loaded = await load(reads);
    if (reads.scarcities.length === 0) this.remember(texts, loaded);
    return loaded;
  }

  /** Null: a text is another one, or more than texts counts. */
  unchanged(): LoadedConfig | null {
    if (this.last === null) return null;
    const { texts, loaded } = this.last;
    if (loaded.path === null || loaded.serversToProbe.length > 0) return null;
    for (const [path, before] of texts) {
      try {
        if (this.readFile(path) !== before) return null;
      } catch {
        // The loader reads it, and says what is wrong.
        return null;
      }
    }
    return loaded;
  }
}

/** Remembers every text that is read, and every file that could not be opened because no descriptor was free. */
function noteReads(texts: Map<string, string | null>) {
  // A caller may take a file that cannot be opened for a missing one, and would lose the keys in it.
  const scarcities: Scarcity[] = [];
  const noted = (readFile: LoadInput["readFile"]) => (each: string) => {
    try {
      const text = readFile(each);
      texts.set(each, text);
      return text;
    } catch (error) {
      if (isScarcity(error)) scarcities.push(new Scarcity(error));
      else texts.set(each, unreadableText(error));
      throw error;
    }
  };
  return { noted, scarcities };
}
