/** A failure the user can act on: what failed and the fix. The CLI prints it without a stack trace. */
export class SandboxError extends Error {
  constructor(
    what: string,
    /** What to do about it, as a sentence or a command. */
    readonly fix?: string,
  ) {
    super(fix === undefined ? what : `${what}\n  fix: ${fix}`);
    this.name = "SandboxError";
  }
}

/** This machine's memory is taken by VMs that run: one of them has to end first. */
export class OvercommitError extends SandboxError {}
