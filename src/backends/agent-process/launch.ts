// What an agent program is started with, whichever program it is. Types only: who knows a program writes its launches.

import type { UserIds } from "../../system/accounts.ts";
import type { JailSettings } from "./jail/bubblewrap.ts";

export type Launch = {
  /** What people call it, without an article; failures name it. */
  readonly program: string;
  /** Absolute. */
  readonly bin: string;
  /** What follows the program's name. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where it runs when another user holds that place; absent: nowhere else. */
  readonly elsewhere?: string;
  readonly jail: JailSettings | null;
  /** The user that it runs as; absent or null: the gateway's own. */
  readonly user?: UserIds | null;
};
