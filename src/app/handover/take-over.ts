// What a successor does with what it is told, and how the port becomes its own.

import { systemClock } from "../../system/clock.ts";
import { listeningSocket } from "../../system/shared-port.ts";
import type { Predecessor } from "./predecessor.ts";
import { type TakenServices, TakenState } from "./taken-state.ts";

/** To be called when everything is read from the files, and before this process listens. */
export function takeOver(services: TakenServices, predecessor: Predecessor): void {
  const taken = new TakenState(services, systemClock, (count) => predecessor.tell({ kind: "kept", count }));
  predecessor.listen((message) => taken.take(message));
  services.keptAnswers.follow({
    gone: predecessor.gone,
    cancelAnswer: (id, tenant) => predecessor.tell({ kind: "cancel-answer", id, tenant }),
  });
  void predecessor.gone.then(() => taken.close());
}

/** Settles when the port is no longer shared: from then on a second program on it is refused again. */
export async function claimSharedPort(port: number, predecessor: Predecessor): Promise<void> {
  await predecessor.released;
  const socket = listeningSocket(port);
  socket?.stopSteering();
  socket?.setShared(false);
}
