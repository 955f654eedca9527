// An answer that the process before this one still makes, as a client of this one sees it.

import { expect, test } from "bun:test";
import type { AnswerStatus, KeptAnswer } from "../../../src/canon/kept-answer.ts";
import {
  cancelKeptResponse,
  deleteKeptResponse,
  keptInputItems,
  keptResponse,
} from "../../../src/pipeline/responses/kept-response.ts";
import { RunningAnswers } from "../../../src/pipeline/responses/running-answers.ts";
import { fakeClock } from "../../support/clock.ts";

const query = new URLSearchParams();

function services() {
  const clock = fakeClock();
  const state: { status: AnswerStatus; asked: string[] } = { status: "in_progress", asked: [] };
  const answer = (): KeptAnswer => ({
    id: "r",
    tenant: "alice",
    createdMs: 0,
    status: state.status,
    response: JSON.stringify({ id: "r", status: state.status }),
    history: [],
    output: { key: "r/out", text: "" },
  });
  const keptAnswers = {
    mode: "disk" as const,
    find: (id: string, tenant: string | null) => (id === "r" && tenant === "alice" ? answer() : null),
    keep: () => undefined,
    delete: () => true,
    cancelElsewhere: (id: string) => void state.asked.push(id),
  };
  return { made: { clock, keptAnswers, runningAnswers: new RunningAnswers() }, clock, state };
}

test("it is in progress, and neither deleted nor listed before it has ended", () => {
  const { made } = services();
  expect(keptResponse(made, "r", "alice", query)).toMatchObject({ status: "in_progress" });
  expect(() => deleteKeptResponse(made, "r", "alice")).toThrow("is in progress; cancel it first");
  expect(() => keptInputItems(made, "r", "alice", query)).toThrow("is in progress");
});

test("its cancellation is passed on, and answered when that process has written it down", async () => {
  const { made, clock, state } = services();
  const asked = cancelKeptResponse(made, "r", "alice");
  await clock.advance(300);
  expect(state.asked).toEqual(["r"]);
  state.status = "cancelled";
  await clock.advance(100);
  expect(await asked).toMatchObject({ status: "cancelled" });
  expect(clock.waiting()).toBe(0);
});

test("one that ends by itself meanwhile cannot be cancelled; nobody waits for ever", async () => {
  const { made, clock, state } = services();
  const settled = async (asked: Promise<unknown>): Promise<string> => {
    const told = asked.then(
      () => "cancelled",
      (thrown: unknown) => String(thrown),
    );
    await clock.advance(6_000);
    return told;
  };
  expect(await settled(cancelKeptResponse(made, "r", "alice"))).toContain(
    "Cannot cancel a response that is in_progress",
  );
  state.status = "completed";
  expect(await settled(cancelKeptResponse(made, "r", "alice"))).toContain("that is completed");
  expect(await settled(cancelKeptResponse(made, "r", "bob"))).toContain("not found");
  expect(state.asked).toEqual(["r"]);
});
