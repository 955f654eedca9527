// Waits for what something else does in its own time: a page, another process. A look at one moment would fail on a slow machine.

const pauseMs = 20;

/** Runs `check` until it no longer throws; after `limitMs` its last error is thrown. `check` must change nothing that it looks at. */
export async function eventually(check: () => unknown, limitMs = 15_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
    }
    await Bun.sleep(pauseMs);
  }
}
