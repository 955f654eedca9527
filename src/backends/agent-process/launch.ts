// What any agent program is started with. Types only: the program's own folder builds its launches.

import type { UserIds } from "../../system/accounts.ts";
import type { JailSettings } from "./jail/bubblewrap.ts";

export type Launch = {
  /** Its name for people, without an article; failures use it. */
  readonly program: string;
  /** Absolute. */
  readonly bin: string;
  /** The arguments. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where it runs when another user owns that folder; absent: no alternative. */
  readonly elsewhere?: string;
  readonly jail: JailSettings | null;
  /** The user that it runs as; absent or null: the gateway's own. */
  readonly user?: UserIds | null;
};
