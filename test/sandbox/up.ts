import { Listr, type ListrTaskWrapper, PRESET_TIMER } from "listr2";
import type { EngineEvent, EngineName, EngineResult } from "./engine";
import { refuseFailure, runEngine, stack } from "./deploy";
import { adoptImage, type ForeignImage } from "./adopted-image";
import { ensureImage, type Image } from "./image";
import { ensurePrerequisites } from "./prerequisites";
import type { Release } from "./release";
import { StepTimes } from "./step-times";
import { Vm } from "./vm";
import { readVmState } from "./vm-files";

export interface SandboxOptions {
  readonly name: string;
  /** Of a new VM; one that is up keeps its own. */
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly sshPort?: number | undefined;
  readonly engine?: EngineName | undefined;
  readonly release?: Release | undefined;
  /** In the place of a release. */
  readonly image?: ForeignImage | undefined;
}

/** Easy to remember; another one is taken where this one is in use. */
const preferredSshPort = 2222;

interface Context {
  image?: Image;
  vm?: Vm;
  result?: EngineResult;
}

/** The first line of an error, for the list of steps; the CLI prints the whole of it afterwards. */
class Shortened extends Error {
  constructor(override readonly cause: unknown) {
    super(cause instanceof Error ? cause.message.split("\n")[0] : "unknown");
  }
}

type Work = (
  context: Context,
  task: Pick<ListrTaskWrapper<Context, never, never>, "title" | "output">,
) => Promise<void>;

const step =
  (work: Work): Work =>
  async (context, task) => {
    await work(context, task).catch((error: unknown) => {
      throw new Shortened(error);
    });
  };

/** Brings the VM up and, unless `apply` is false, the program onto it; shows each step and how long it took. */
export async function bringUp(
  options: SandboxOptions,
  apply = true,
): Promise<{ vm: Vm; result?: EngineResult }> {
  const { name, memoryMiB, cpus, sshPort, release, image } = options;
  const running = Vm.find(name);
  const tasks = new Listr<Context, "default", "simple">(
    [
      {
        title: "Prerequisites",
        task: step(async (_context, task) => {
          const installed = await ensurePrerequisites();
          if (installed.length > 0) task.title = `Prerequisites: installed ${installed.join(", ")}`;
        }),
      },
      {
        title: imageTitle(options),
        skip: () => (running === undefined ? false : `${imageTitle(options)}: the VM has one`),
        task: step(async (context, task) => {
          const onOutput = (line: string): void => {
            task.output = line;
          };
          if (image !== undefined) context.image = await adoptImage(image, onOutput);
          // A disk that there is goes on with its own.
          else if (readVmState(name) === undefined) await ensureImage(onOutput, release);
        }),
      },
      {
        title:
          running === undefined ? `VM ${name}: boot (${memoryMiB} MiB, ${cpus} CPUs)` : `VM ${name}: is up`,
        task: step(async (context, task) => {
          context.vm =
            running ??
            (await Vm.boot({
              ...{ name, memoryMiB, cpus, sshPort, preferredSshPort, release },
              image: context.image,
            }));
          const { state } = context.vm;
          task.title = `VM ${name}: ${state.memoryMiB} MiB, ${state.cpus} CPUs, 127.0.0.1:${state.sshPort}`;
        }),
      },
      {
        title: `Program: up on stack ${stack}`,
        enabled: () => apply,
        task: step(async (context, task) => {
          if (context.vm === undefined) return;
          const times = new StepTimes();
          context.result = await runEngine("up", context.vm, {
            engine: options.engine,
            onEvent: (event) => {
              const milliseconds = times.observe(event);
              task.title = ["Program: up on stack", stack, ...times.now].join(" ");
              const line = progressLine(event, milliseconds);
              if (line !== undefined) task.output = line;
            },
          });
          refuseFailure("up", context.result);
          task.title = `Program: ${context.result.summary}`;
        }),
        rendererOptions: { bottomBar: Infinity, persistentOutput: true },
      },
    ],
    {
      renderer: "default",
      fallbackRenderer: "simple",
      // The error is printed once, by the CLI, with its fix.
      rendererOptions: { timer: PRESET_TIMER, showErrorMessage: false },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  );
  const { vm, result } = await tasks.run({}).catch((error: unknown) => {
    throw error instanceof Shortened ? error.cause : error;
  });
  if (vm === undefined) throw new Error("the VM's task ended without a VM");
  return { vm, ...(result !== undefined && { result }) };
}

function imageTitle({ image, release }: SandboxOptions): string {
  if (image !== undefined) return `Image ${image.file}`;
  return release === undefined ? "Debian image" : `Debian image (${release})`;
}

/** What is worth a line while the program is applied: what ran on the host, and warnings. Errors come last. */
export function progressLine(event: EngineEvent, milliseconds?: number): string | undefined {
  if (event.type === "banner") return event.message;
  if (event.type === "diagnostic") {
    const { severity, message } = event.diagnostic;
    return severity === "warning" ? `warning: ${message.trim()}` : undefined;
  }
  if (event.type !== "step" || event.step.ran.length === 0) return undefined;
  const { op, name, failed } = event.step;
  const took = milliseconds === undefined ? "" : ` [${Math.round(milliseconds / 1000)}s]`;
  return `${op} ${name}${failed === true ? ": failed" : ""}${took}`;
}
