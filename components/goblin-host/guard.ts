/**
 * A program that ends early looks to the engine like one that declares fewer resources, and what it no longer
 * declares is deleted: after a promise that never settles the engine reported success and deleted the rest
 * (measured). This makes such an end an error.
 * @returns a function to call when everything has been declared
 */
export function failUnlessCompleted(): () => void {
  let completed = false;
  let failed = false;
  process.once("uncaughtExceptionMonitor", () => {
    failed = true;
  });
  process.once("beforeExit", () => {
    // An error that was thrown is told, and ends the run, by the engine.
    if (completed || failed) return;
    process.stderr.write(
      "goblin-host: the program ended before everything was declared; nothing may be deleted now\n",
    );
    process.exit(1);
  });
  return () => {
    completed = true;
  };
}
