import { enforcePolicy, GoblinHost, observeHosts } from "./components";
import { failUnlessCompleted } from "./components/goblin-host/guard";
import { watchedHost } from "./components/goblin-host/watched";
import { currentStack } from "./components/host-bundle/current-stack";
import { readConfig } from "./config";

const { hosts, privateKey } = readConfig();
const completed = failUnlessCompleted();
enforcePolicy();
const secrets = privateKey === undefined ? {} : { privateKey };

const deployed = observeHosts(
  hosts.map((host) => watchedHost(host, currentStack())),
  privateKey,
).then((observations) => {
  const made = hosts.map(
    ({ name, settings, ...given }) =>
      new GoblinHost(name, { ...settings, ...secrets, ...given, observation: observations.get(name) }),
  );
  completed();
  return made;
});

/** By host, under its first name, and unit: the limits that this stack declares. */
export const limits = deployed.then((made) =>
  Object.fromEntries(made.map((host) => [host.identity, host.limits])),
);

/** By host, under its first name: what an operator does next. */
export const nextSteps = deployed.then((made) =>
  Object.fromEntries(made.map((host) => [host.identity, host.nextSteps])),
);
