// The answers that are being made and will be kept: by their ids, for who asks for one of them, cancels it, or continues it too early.

export type RunningAnswer = {
  readonly id: string;
  readonly tenant: string | null;
  /** Settles when it is kept, or is not to be kept. */
  readonly ended: Promise<void>;
  /** The Response as it stands. */
  soFar(): Record<string, unknown>;
  cancel(): void;
};

export class RunningAnswers {
  private readonly running = new Map<string, RunningAnswer>();

  add(answer: RunningAnswer): void {
    this.running.set(answer.id, answer);
  }

  remove({ id }: RunningAnswer): void {
    this.running.delete(id);
  }

  /** Settles when none is being made. */
  async allEnded(): Promise<void> {
    while (this.running.size > 0) await Promise.all(Array.from(this.running.values(), ({ ended }) => ended));
  }

  /** Null: none of this tenant's with that id is being made. */
  find(id: string, tenant: string | null): RunningAnswer | null {
    const answer = this.running.get(id);
    return answer !== undefined && answer.tenant === tenant ? answer : null;
  }
}
