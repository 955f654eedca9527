// The official @anthropic-ai/sdk package, unchanged, against the fake vendor and through the gateway.

import { afterAll, beforeAll, describe } from "bun:test";
import { checkAnswers } from "./anthropic-sdk/answers.ts";
import { checkFaults } from "./anthropic-sdk/faults.ts";
import { openSession } from "./anthropic-sdk/session.ts";
import type { Session } from "./anthropic-sdk/session.ts";
import { checkTools } from "./anthropic-sdk/tools.ts";
import { openTimeoutMs, targetKinds } from "./targets.ts";

describe.each([...targetKinds])("Anthropic SDK, $name", ({ open }) => {
  let session: Session | undefined;
  const at = (): Session => {
    if (!session) throw new Error("The target is not open.");
    return session;
  };

  beforeAll(async () => {
    session = openSession(await open());
  }, openTimeoutMs);
  afterAll(async () => session?.target.stop());

  checkAnswers(at);
  checkTools(at);
  checkFaults(at);
});
