import { GoblinHost } from "./components";
import { failUnlessCompleted } from "./components/goblin-host/guard";
import { readConfig } from "./config";

const { hosts, privateKey } = readConfig();
const completed = failUnlessCompleted();
const secrets = privateKey === undefined ? {} : { privateKey };

const deployed = hosts.map(({ name, settings, settingPath }) => ({
  name,
  host: new GoblinHost(name, { ...settings, ...secrets, settingPath }),
}));

/** By host and unit: the limits that this stack declares. */
export const limits = Object.fromEntries(deployed.map(({ name, host }) => [name, host.limits]));

/** By host: what an operator does next. */
export const nextSteps = Object.fromEntries(deployed.map(({ name, host }) => [name, host.nextSteps]));

completed();
