import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const COMPONENT = /^goblin-host:index:/;

/**
 * Installs Pulumi's mocks. Import the components only after it has settled. A type or call that is not expected
 * here throws.
 */
export async function mockEngine(
  config: Record<string, unknown> = {},
  stack = "test",
): Promise<Registered[]> {
  const registered: Registered[] = [];
  const serialised = Object.entries(config).map(([key, value]) => {
    return [`goblin-host:${key}`, typeof value === "string" ? value : JSON.stringify(value)];
  });
  pulumi.runtime.setAllConfig(Object.fromEntries(serialised) as Record<string, string>);
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        if (type !== "command:remote:Command" && !COMPONENT.test(type))
          throw new Error(`unexpected resource ${type}`);
        registered.push({ type, name, inputs: inputs as Record<string, unknown> });
        return { id: `${name}-id`, state: { ...(inputs as object), stdout: `receipt of ${name}` } };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call ${token}`);
      },
    },
    "goblin-host",
    stack,
    false,
  );
  return registered;
}

/** Waits until everything that was registered so far has settled. */
export async function settle(): Promise<void> {
  await pulumi.runtime.disconnect();
}

export async function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return await new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}
