// Vercel's `ai` package with its own providers, unchanged, against the fake vendor and through the gateway: each provider at
// its own endpoint, each kind of vendor behind it.

import { afterAll, beforeAll, describe } from "bun:test";
import { checkAnswers } from "./ai-sdk/answers.ts";
import { checkFaults } from "./ai-sdk/faults.ts";
import { clientFormats, openSession } from "./ai-sdk/session.ts";
import type { Session } from "./ai-sdk/session.ts";
import { checkTools } from "./ai-sdk/tools.ts";
import { openTimeoutMs, targetKinds } from "./targets.ts";
import type { Target } from "./targets.ts";

describe.each([...targetKinds])("ai SDK, $name", ({ open }) => {
  let target: Target | undefined;

  beforeAll(async () => {
    target = await open();
  }, openTimeoutMs);
  afterAll(async () => target?.stop());

  describe.each([...clientFormats])("$name", (door) => {
    let session: Session | undefined;
    const at = (): Session => {
      if (!target) throw new Error("The target is not open.");
      session ??= openSession(target, door);
      return session;
    };
    checkAnswers(at);
    checkTools(at);
    checkFaults(at);
  });
});
