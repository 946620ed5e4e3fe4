/** Looks at the resources as they are now, before anything is planned: what their providers can see of drift. */

import type { Executor, Run } from "./executor";

/**
 * Reads every resource whose provider can. One that is gone leaves the state, and the program's run then creates it
 * anew; a read that fails is an error that ends the run.
 */
export async function refresh(run: Run, executor: Executor): Promise<void> {
  const { state, providers, report } = run;
  const readable = [...state.resources.values()].filter(
    (resource) =>
      resource.custom &&
      resource.pendingReplacement !== true &&
      providers.of(resource.type).read !== undefined,
  );
  await Promise.all(
    readable.map(async (old) => {
      try {
        const now = await executor.read(old);
        if (now === undefined) state.resources.delete(old.urn);
        else state.resources.set(old.urn, now);
      } catch (error) {
        report.fail(`refreshing ${old.urn}: ${(error as Error).message}`, old.urn);
        executor.cancel();
      }
    }),
  );
  run.save();
}
