// Sessions of operators who signed in on the dashboard, and the one-time code by which a person at the terminal gets one. All of it
// is in memory and ends with the process or with the admin key that it was made under. It must never keep a token or a code in plain
// text.

import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import { randomToken, sha256Hex } from "../system/secret.ts";

export const sessionSeconds = 12 * 3600;
const codeMs = 120_000;
/** Then the code is dead: somebody else is guessing. */
const maxTries = 5;
/** The oldest one ends for the next: each browser that signs in again leaves one behind. */
const maxSessions = 64;

/** Without letters and digits that people confuse. */
const codeLetters = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
const codeLength = 8;

type Session = { readonly hash: Buffer; readonly expiresMs: number; readonly adminKey: string };
type Code = {
  readonly hash: Buffer;
  readonly expiresMs: number;
  readonly adminKey: string;
  triesLeft: number;
};

export type OperatorSessionsOptions = {
  /** UTC milliseconds. */
  readonly nowMs: () => number;
  /** The admin key of the active config as it is written there; null: none. */
  readonly adminKey: () => string | null;
};

export class OperatorSessions {
  private sessions: readonly Session[] = [];
  private code: Code | null = null;

  constructor(private readonly options: OperatorSessionsOptions) {}

  open(): { readonly token: string; readonly expiresMs: number } {
    const token = randomToken();
    const expiresMs = this.options.nowMs() + sessionSeconds * 1000;
    const session = { hash: hashOf(token), expiresMs, adminKey: this.adminKeyHash() };
    this.sessions = [...this.valid(), session].slice(-maxSessions);
    return { token, expiresMs };
  }

  /** Null: unknown, or over. */
  find(token: string): { readonly expiresMs: number } | null {
    if (this.sessions.length === 0) return null;
    const hash = hashOf(token);
    let found: Session | null = null;
    for (const each of this.valid()) if (timingSafeEqual(each.hash, hash)) found = each;
    return found;
  }

  close(token: string): void {
    const hash = hashOf(token);
    this.sessions = this.sessions.filter((each) => !timingSafeEqual(each.hash, hash));
  }

  /** To be called when another config is active: what an earlier admin key opened stays closed even if that key comes back. */
  endStale(): void {
    this.sessions = this.valid();
    if (this.code !== null && !this.holds(this.code)) this.code = null;
  }

  /** A code to be typed. It replaces the one before. */
  makeCode(): { readonly code: string; readonly expiresMs: number } {
    const letters = Array.from({ length: codeLength }, () => codeLetters[randomInt(codeLetters.length)]).join(
      "",
    );
    const expiresMs = this.options.nowMs() + codeMs;
    this.code = { hash: hashOf(letters), expiresMs, adminKey: this.adminKeyHash(), triesLeft: maxTries };
    return { code: `${letters.slice(0, 4)}-${letters.slice(4)}`, expiresMs };
  }

  /** Whether the code is the one that holds now; it holds once. */
  useCode(typed: string): boolean {
    const { code } = this;
    const hash = hashOf(typed.slice(0, 100).toUpperCase().replace(/[\s-]/g, ""));
    if (code === null) return false;
    const isRight = timingSafeEqual(code.hash, hash) && this.holds(code);
    code.triesLeft -= 1;
    if (isRight || code.triesLeft <= 0 || !this.holds(code)) this.code = null;
    return isRight;
  }

  private valid(): readonly Session[] {
    return this.sessions.filter((each) => this.holds(each));
  }

  private holds({ expiresMs, adminKey }: { readonly expiresMs: number; readonly adminKey: string }): boolean {
    return this.options.nowMs() < expiresMs && adminKey === this.adminKeyHash();
  }

  private adminKeyHash(): string {
    const key = this.options.adminKey();
    return key === null ? "" : sha256Hex(key);
  }
}

const hashOf = (text: string): Buffer => createHash("sha256").update(text, "utf8").digest();
