import { enforcePolicy, GoblinHost, observeHosts } from "./components";
import { failUnlessCompleted } from "./components/goblin-host/guard";
import { watchedHost } from "./components/goblin-host/watched";
import { readConfig } from "./config";

const { hosts, privateKey } = readConfig();
const completed = failUnlessCompleted();
enforcePolicy();
const secrets = privateKey === undefined ? {} : { privateKey };

const deployed = observeHosts(
  hosts.map(({ name, settings }) => watchedHost(name, settings)),
  privateKey,
).then((observations) => {
  const made = hosts.map(({ name, settings, settingPath }) => ({
    name,
    host: new GoblinHost(name, {
      ...settings,
      ...secrets,
      observation: observations.get(name),
      settingPath,
    }),
  }));
  completed();
  return made;
});

/** By host and unit: the limits that this stack declares. */
export const limits = deployed.then((made) =>
  Object.fromEntries(made.map(({ name, host }) => [name, host.limits])),
);

/** By host: what an operator does next. */
export const nextSteps = deployed.then((made) =>
  Object.fromEntries(made.map(({ name, host }) => [name, host.nextSteps])),
);
