import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** Name of its parent; empty for the stack. */
  parent: string;
  /** Names of what it depends on. */
  dependsOn: string[];
  deleteBeforeReplace: boolean;
  ignoreChanges: string[];
  /** Name of what takes it along when it is deleted. */
  deletedWith: string;
  /** Other names under which Pulumi may know it. */
  aliases: string[];
}

/** The part of Pulumi's RegisterResourceRequest that setMocks keeps to itself. */
interface Request {
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getDeletebeforereplace(): boolean;
  getDeletedwith(): string;
  getIgnorechangesList(): string[];
  getAliasesList(): { getSpec(): { getName(): string } | undefined }[];
}

const COMPONENT = /^goblin-host:index:/;
const COMMAND = "command:remote:Command";
const DOCKER = [
  "pulumi:providers:docker",
  "docker:index/remoteImage:RemoteImage",
  "docker:index/container:Container",
];

/**
 * Installs Pulumi's mocks. Import the components only after it has settled. A resource type or call that is not
 * expected here throws.
 * @param secrets the keys of the configuration in which something is a secret
 * @param isPreview as in the first half of `pulumi up`
 */
export async function mockEngine(
  config: Record<string, unknown> = {},
  stack = "test",
  secrets: readonly string[] = [],
  isPreview = false,
): Promise<Registered[]> {
  const registered: Registered[] = [];
  const texts = Object.entries(config).map(([key, value]): [string, string] => {
    return [`goblin-host:${key}`, typeof value === "string" ? value : JSON.stringify(value)];
  });
  pulumi.runtime.setAllConfig(
    Object.fromEntries(texts),
    secrets.map((key) => `goblin-host:${key}`),
  );
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (type === "pulumi:pulumi:Stack") return { id: name, state: {} };
        if (type !== COMMAND && !COMPONENT.test(type) && !DOCKER.includes(type))
          throw new Error(`unexpected resource ${type}`);
        const given = inputs as Record<string, unknown>;
        registered.push({
          type,
          name,
          inputs: given,
          parent: "",
          dependsOn: [],
          deleteBeforeReplace: false,
          ignoreChanges: [],
          deletedWith: "",
          aliases: [],
        });
        return { id: `${name}-id`, state: { ...given, stdout: `receipt of ${name}` } };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call ${token}`);
      },
    },
    "goblin-host",
    stack,
    isPreview,
  );
  // As in a real run, every resource is a descendant of the stack.
  await pulumi.runtime.runInPulumiStack(() => Promise.resolve({}));
  watchOptions(registered);
  return registered;
}

/** Waits until everything that was registered so far has settled. */
export async function settle(): Promise<void> {
  await pulumi.runtime.disconnect();
}

/** The commands that bring a bundle. */
export function commands(registered: readonly Registered[]): Registered[] {
  return registered.filter(({ type, name }) => type === COMMAND && !name.endsWith("-confirm"));
}

/** The commands that confirm one. */
export function confirmations(registered: readonly Registered[]): Registered[] {
  return registered.filter(({ type, name }) => type === COMMAND && name.endsWith("-confirm"));
}

/** How a secret crosses Pulumi's wire (pulumi/pulumi sdk/nodejs/runtime/rpc.ts). */
const SECRET = { key: "4dabf18193072939515e22adb298388d", value: "1b47061264138c4ac30d75fd1eb44270" };

export function isSecretInput(resource: Registered | undefined, input = "stdin"): boolean {
  const value = resource?.inputs[input] as Record<string, unknown> | undefined;
  return typeof value === "object" && value[SECRET.key] === SECRET.value;
}

/** The text of a command's stdin, or of another of its inputs. */
export function textOf(resource: Registered | undefined, input = "stdin"): string {
  const given = resource?.inputs[input];
  const value = isSecretInput(resource, input) ? (given as { value: unknown }).value : given;
  if (typeof value !== "string") throw new Error(`${resource?.name ?? "nothing"} has no text ${input}`);
  return value;
}

/** setMocks shows inputs only; parents, dependencies and options are read off the request. */
function watchOptions(registered: readonly Registered[]): void {
  const monitor = (
    pulumi.runtime as unknown as { getMonitor(): { registerResource: (...args: unknown[]) => unknown } }
  ).getMonitor();
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = async (...args) => {
    const result = await register(...args);
    const request = args[0] as Request;
    const found = registered.find(({ name }) => name === request.getName());
    if (found !== undefined) {
      found.parent = nameOf(request.getParent());
      found.dependsOn = request.getDependenciesList().map(nameOf);
      found.deleteBeforeReplace = request.getDeletebeforereplace();
      found.deletedWith = nameOf(request.getDeletedwith());
      found.ignoreChanges = request.getIgnorechangesList();
      found.aliases = request.getAliasesList().flatMap((alias) => alias.getSpec()?.getName() || []);
    }
    return result;
  };
}

function nameOf(urn: string): string {
  return urn.includes("::pulumi:pulumi:Stack::") ? "" : (urn.split("::").at(-1) ?? "");
}
