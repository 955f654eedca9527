// Who looks: what /api/session says of the viewer's rights. Asked once, and again after signing in or out.

import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Answer } from "./use-api.ts";

export type SessionState = {
  readonly signed_in: boolean;
  readonly can_read: boolean;
  readonly can_write: boolean;
  readonly has_admin_key: boolean;
  readonly expires_ms: number | null;
};

const nobody: Answer<SessionState> = {
  data: null,
  error: null,
  isLoading: true,
  isOutdated: false,
  reload: () => undefined,
};
export const SessionContext = createContext<Answer<SessionState>>(nobody);

export const useSession = (): Answer<SessionState> => useContext(SessionContext);

/** Buttons that change something are shown to whoever may press them. */
export const useMayWrite = (): boolean => useSession().data?.can_write === true;
